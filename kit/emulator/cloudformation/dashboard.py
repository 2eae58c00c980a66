"""AWS::CloudWatch::Dashboard: the body is a string; a body with errors fails the resource."""

from __future__ import annotations

from kit.emulator.cloudformation.resource import CloudWatchResource


class Type(CloudWatchResource):
    """A dashboard of a stack."""

    TYPE = "AWS::CloudWatch::Dashboard"
    KIND = "dashboard"
    NAME = "DashboardName"
    PUT = "PutDashboard"
    DELETE = ("DeleteDashboards", "DashboardNames")
    PROPERTIES = frozenset({"DashboardBody", "DashboardName", "Tags"})
