"""AWS::SNS::Subscription, which moto lacks; the topic itself is moto's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.sns.models import sns_backends

from kit.emulator.cloudformation.resource import StackResource, known_only

_PROPERTIES = frozenset({"Endpoint", "Protocol", "TopicArn"})


class Type(StackResource):
    """A subscription of a stack; its id is its ARN."""

    TYPE = "AWS::SNS::Subscription"
    NAME = ""

    def __init__(self, arn: str, account: str, region: str) -> None:
        self.physical_resource_id = arn
        self._place = (account, region)

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Arn"

    def get_cfn_attribute(self, _attribute_name: str) -> str:
        """Fn::GetAtt."""
        return self.physical_resource_id

    @classmethod
    def create_from_cloudformation_json(
        cls, _name: str, cloudformation_json: Mapping[str, Any], account_id: str, region_name: str, **_origin: str
    ) -> Type:
        """Subscribe. Topics and their subscriptions are not kept by others: after a restart it is done again."""
        given = known_only(cloudformation_json.get("Properties") or {}, _PROPERTIES)
        made = sns_backends[account_id][region_name].subscribe(given["TopicArn"], given["Endpoint"], given["Protocol"])
        return cls(made.arn, account_id, region_name)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Type,  # noqa: ARG003 - moto gives all of them by name
        new_resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
    ) -> Type:
        """Any change makes another one; whoever runs the update deletes the first."""
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    def remove(self) -> None:
        account, region = self._place
        sns_backends[account][region].unsubscribe(self.physical_resource_id)
