"""What the types of CloudWatch have in common: properties are the parameters of a Put call, the name is the id."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from kit.emulator.cloudformation.calls import CloudWatchCalls
from kit.emulator.cloudformation.stacks import here, stack_tags
from kit.emulator.protocol import AwsError

# What the registry's handlers call a refusal ("CloudFormation CLI User Guide", Handler error codes).
_HANDLER_CODES: Mapping[str, str] = {"ResourceNotFoundException": "NotFound", "LimitExceeded": "ServiceLimitExceeded"}

_WHOLE = ("EvaluationPeriods", "DatapointsToAlarm", "Period", "EvaluationInterval")
_WAITS = ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
_TRUTHS: Mapping[str, bool] = {"true": True, "false": False}
_READ: Mapping[str, Callable[[str], Any]] = {
    "Threshold": float,
    **dict.fromkeys((*_WHOLE, *_WAITS), int),
    **dict.fromkeys(("ActionsEnabled", "ReturnData"), lambda text: _TRUTHS[text.lower()]),
}


class ResourceFailedError(Exception):
    """A resource could not be made; the text is the event's ResourceStatusReason."""


class StackResource:
    """A resource that is made here. moto sets the two names; ``physical_resource_id`` is what Ref gives."""

    physical_resource_id: str
    logical_resource_id: str
    cf_resource_type: str

    def is_created(self) -> bool:
        return True

    def remove(self) -> None:
        """Delete it; what is gone already counts as deleted."""
        raise NotImplementedError


class CloudWatchResource(StackResource):
    """One resource of a stack. A type names its operations and properties; moto calls the rest."""

    TYPE: ClassVar[str]
    KIND: ClassVar[str]  # "alarm" or "dashboard", as in an ARN
    NAME: ClassVar[str]
    PUT: ClassVar[str]
    DELETE: ClassVar[tuple[str, str]]  # the operation, and its parameter with the names
    PROPERTIES: ClassVar[frozenset[str]]

    def __init__(self, name: str, region: str, origin: Mapping[str, str]) -> None:
        """``origin`` is what moto tells of a resource's place: its LogicalId and StackId."""
        self.physical_resource_id = name
        self.origin = origin
        self._region = region

    @classmethod
    def cloudformation_type(cls) -> str:
        return cls.TYPE

    @classmethod
    def cloudformation_name_type(cls) -> str:
        return cls.NAME

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == "Arn" and cls.KIND == "alarm"

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """Fn::GetAtt."""
        if not self.has_cfn_attr(attribute_name):
            raise ResourceFailedError(f"Requested attribute {attribute_name} does not exist in schema for {self.TYPE}")
        return _calls().arn(self._region, self.KIND, self.physical_resource_id)

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Mapping[str, Any],
        _account_id: str,
        region_name: str,
        **origin: str,
    ) -> CloudWatchResource:
        """Make it. ResourceFailedError if there is one of that name already, or CloudWatch refuses it."""
        name = _properties(cloudformation_json).get(cls.NAME) or resource_name
        params = cls._params(name, cloudformation_json)
        if not here().silent:
            if _calls().exists(region_name, cls.KIND, name):
                text = f"Resource of type '{cls.TYPE}' with identifier '{name}' already exists."
                raise _refused(text, "AlreadyExists")
            cls._put(region_name, params)
            _calls().mark(region_name, cls._arn_of(region_name, name), _system_tags(origin))
        return cls(name, region_name, origin)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: CloudWatchResource,
        new_resource_name: str,  # noqa: ARG003 - moto gives it by name; an unnamed one would get another each time
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
    ) -> CloudWatchResource:
        """Change it in place; another name makes another one, and whoever runs the update deletes the first."""
        before = original_resource.physical_resource_id
        name = _properties(cloudformation_json).get(cls.NAME) or before
        if name != before:
            origin = original_resource.origin
            return cls.create_from_cloudformation_json(name, cloudformation_json, account_id, region_name, **origin)
        params = cls._params(name, cloudformation_json)
        if not here().silent:
            cls._put(region_name, params)
            _retag(cls._arn_of(region_name, name), region_name, params["Tags"])
        return cls(name, region_name, original_resource.origin)

    def remove(self) -> None:
        """Delete it; what is gone already counts as deleted."""
        if here().silent or not _calls().exists(self._region, self.KIND, self.physical_resource_id):
            return
        operation, names = self.DELETE
        _asked(lambda: _calls()(self._region, operation, {names: [self.physical_resource_id]}))

    @classmethod
    def _params(cls, name: str, cloudformation_json: Mapping[str, Any]) -> dict[str, Any]:
        properties = known_only(_properties(cloudformation_json), cls.PROPERTIES)
        tags = {**stack_tags(), **{str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags", ())}}
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        return {key: _typed(key, value) for key, value in properties.items()} | {cls.NAME: name, "Tags": listed}

    @classmethod
    def _put(cls, region: str, params: dict[str, Any]) -> None:
        _asked(lambda: _calls()(region, cls.PUT, params))

    @classmethod
    def _arn_of(cls, region: str, name: str) -> str:
        return _calls().arn(region, cls.KIND, name)


def known_only(properties: Mapping[str, Any], known: frozenset[str]) -> Mapping[str, Any]:
    """The properties, unless there is one that the type hasn't."""
    unknown = sorted(properties.keys() - known)
    if unknown:
        text = ", ".join(f"extraneous key [{key}] is not permitted" for key in unknown)
        raise ResourceFailedError(f"Properties validation failed for resource with message: [#: {text}]")
    return properties


def _properties(cloudformation_json: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = cloudformation_json.get("Properties") or {}
    return found


def _calls() -> CloudWatchCalls:
    calls = here().calls
    if calls is None:
        raise ResourceFailedError("This emulator's stacks are not connected to its CloudWatch.")
    return calls


def _system_tags(origin: Mapping[str, str]) -> dict[str, str]:
    """The tags by which AWS shows whose a stack's resource is ("CloudFormation User Guide", Resource tag)."""
    stack = origin.get("StackId", "")
    if not stack:
        return {}
    return {
        "aws:cloudformation:stack-name": stack.split("/")[1],
        "aws:cloudformation:stack-id": stack,
        "aws:cloudformation:logical-id": origin.get("LogicalId", ""),
    }


def _retag(arn: str, region: str, wanted: list[dict[str, str]]) -> None:
    """Put ignores the Tags of what is there already."""
    found = _asked(lambda: _calls()(region, "ListTagsForResource", {"ResourceARN": arn})).get("Tags", [])
    stale = sorted({tag["Key"] for tag in found} - {tag["Key"] for tag in wanted})
    stale = [key for key in stale if not key.startswith("aws:")]
    if stale:
        _asked(lambda: _calls()(region, "UntagResource", {"ResourceARN": arn, "TagKeys": stale}))
    if wanted:
        _asked(lambda: _calls()(region, "TagResource", {"ResourceARN": arn, "Tags": wanted}))


def _asked(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return call()
    except AwsError as error:
        text = f"{error.message} (Service: CloudWatch, Status Code: {error.status}, Request ID: {uuid.uuid4()})"
        raise _refused(text, _HANDLER_CODES.get(error.code, "InvalidRequest")) from error


def _refused(message: str, code: str) -> ResourceFailedError:
    return ResourceFailedError(
        f'Resource handler returned message: "{message}" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})'
    )


def _typed(key: str, value: Any) -> Any:
    """A template may write a number or truth value as text, and a parameter's value always is."""
    if isinstance(value, Mapping):
        return {inner: _typed(inner, found) for inner, found in value.items()}
    if isinstance(value, list):
        return [_typed("", found) for found in value]
    read = _READ.get(key)
    if read is None or not isinstance(value, str):
        return value
    try:
        return read(value)
    except (ValueError, KeyError):
        return value  # CloudWatch says what is wrong with it
