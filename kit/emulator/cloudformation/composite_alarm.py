"""AWS::CloudWatch::CompositeAlarm: its properties are PutCompositeAlarm's parameters."""

from __future__ import annotations

from kit.emulator.cloudformation.resource import CloudWatchResource


class Type(CloudWatchResource):
    """A composite alarm of a stack."""

    TYPE = "AWS::CloudWatch::CompositeAlarm"
    KIND = "alarm"
    NAME = "AlarmName"
    PUT = "PutCompositeAlarm"
    DELETE = ("DeleteAlarms", "AlarmNames")
    PROPERTIES = frozenset(
        {
            "ActionConfiguration",
            "ActionsEnabled",
            "ActionsSuppressor",
            "ActionsSuppressorExtensionPeriod",
            "ActionsSuppressorWaitPeriod",
            "AlarmActions",
            "AlarmDescription",
            "AlarmName",
            "AlarmRule",
            "InsufficientDataActions",
            "OKActions",
            "Tags",
        }
    )
