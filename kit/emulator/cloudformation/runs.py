"""How a stack is created, updated and deleted ("CloudFormation User Guide", Understand how CloudFormation works).

moto would leave a stack half made when a resource fails. Here every resource comes after those that it refers to, each
step is an event, and a failure takes back what was done:

1. create: in that order; at the first failure what was made is deleted in reverse: ROLLBACK_COMPLETE.
2. update: create and change in that order, then clean up what the new template lacks; at a failure what was changed is
   changed back and what was made is deleted: UPDATE_ROLLBACK_COMPLETE.
3. delete: in reverse; what can't be deleted stays, and so does the stack: DELETE_FAILED.
"""

# ruff: noqa: SLF001 - moto's stacks have no public way to what a run works on
from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.models import Event, Stack

from kit.emulator.cloudformation.order import in_order
from kit.emulator.cloudformation.resource import ResourceFailedError, StackResource
from kit.emulator.cloudformation.stacks import tagged

# Services whose engines are ours: what moto would make for them nobody would ever see.
_OURS = ("AWS::CloudWatch::", "AWS::Logs::", "AWS::XRay::")


@dataclass(slots=True)
class Made:
    """A resource of a stack and what it was made from, all references resolved."""

    resource: Any
    source: Mapping[str, Any]


@dataclass(slots=True)
class _Undo:
    """What an update has done so far."""

    added: list[str] = field(default_factory=list)
    changed: list[tuple[str, Made]] = field(default_factory=list)
    replaced: list[Made] = field(default_factory=list)


class Run:
    """One run over one stack, which is moto's."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._resources = stack.resource_map
        # In the order in which they were made; kept on moto's stack, which is what lasts from run to run.
        self._made: dict[str, Made] = vars(stack).setdefault("made_here", {})

    def create(self, template: Mapping[str, Any]) -> None:
        """Make every resource of ``template``, whose parameters the stack has read."""
        self._use(template)
        self._stack.status = "CREATE_IN_PROGRESS"
        try:
            with tagged(self._stack.tags):
                for name in in_order(template["Resources"]):
                    self._create(name)
        except ResourceFailedError as error:
            self._end("ROLLBACK_IN_PROGRESS", str(error))
            self._take_away(list(reversed(self._made)))
            self._use({"Resources": {}})
            self._end("ROLLBACK_COMPLETE")
            return
        self._end("CREATE_COMPLETE")

    def update(self, template: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
        """Make the stack what ``template`` says; whether it succeeded."""
        before = (self._resources._template, dict(self._resources.input_parameters))
        try:
            self._use(template, parameters)
        except Exception:
            self._use(*before)  # a parameter lacks, say: the request is refused and the stack stays as it was
            raise
        self._end("UPDATE_IN_PROGRESS", "User Initiated")
        done = _Undo()
        try:
            with tagged(self._stack.tags):
                for name in in_order(template["Resources"]):
                    self._create_or_change(name, done)
        except ResourceFailedError as error:
            self._end("UPDATE_ROLLBACK_IN_PROGRESS", str(error))
            self._use(*before)
            with tagged(self._stack.tags):
                self._change_back(done)
            self._end("UPDATE_ROLLBACK_COMPLETE")
            return False
        self._end("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        for made in reversed(done.replaced):
            _remove(self._stack, made)
        gone = [name for name in self._made if not self._is_wanted(name)]
        self._take_away(list(reversed(gone)))
        self._end("UPDATE_COMPLETE")
        return True

    def delete(self) -> bool:
        """Delete every resource that isn't to be retained; whether all of them went."""
        self._end("DELETE_IN_PROGRESS", "User Initiated")
        kept = [n for n, made in self._made.items() if made.source.get("DeletionPolicy") == "Retain"]
        for name in kept:
            self._event(name, "DELETE_SKIPPED")
        failed = self._take_away([name for name in reversed(self._made) if name not in kept])
        if failed:
            names = ", ".join(failed)
            self._end("DELETE_FAILED", f"The following resource(s) failed to delete: [{names}]. ")
            return False
        self._use({"Resources": {}})  # or whoever describes it would make its resources anew
        self._end("DELETE_COMPLETE")
        return True

    def _use(self, template: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> None:
        """Read parameters and conditions, as moto's own update does."""
        resources: Any = self._resources
        resources._template = template
        resources._resource_json_map = template.get("Resources", {})
        if parameters is not None:
            resources.input_parameters = dict(parameters)
        resources.resolved_parameters = {}
        resources.load_mapping()
        resources.load_parameters()
        resources.load_conditions()

    def _is_wanted(self, name: str) -> bool:
        source = self._resources._resource_json_map.get(name)
        if source is None:
            return False
        condition = source.get("Condition")
        return condition is None or bool(self._resources.lazy_condition_map[condition])

    def _create(self, name: str) -> None:
        if not self._is_wanted(name):
            return
        self._event(name, "CREATE_IN_PROGRESS")
        try:
            source = self._source(name)
            self._made[name] = Made(self._resources[name], source)
        except Exception as error:
            raise self._failure(name, "CREATE_FAILED", "create", error) from error
        self._event(name, "CREATE_COMPLETE")

    def _create_or_change(self, name: str, done: _Undo) -> None:
        if not self._is_wanted(name):
            return
        made = self._made.get(name)
        if made is None:
            self._create(name)
            done.added.append(name)
            return
        try:
            source = self._source(name)
            if source == made.source:
                return
            if source["Type"] != made.source["Type"]:
                raise ResourceFailedError("Update of resource type is not permitted. Use a new logical ID.")
            self._event(name, "UPDATE_IN_PROGRESS")
            changed: Any = parsing.parse_and_update_resource(
                name,
                self._resources._resource_json_map[name],
                self._resources,
                account_id=self._stack.account_id,
                region_name=self._stack.region_name,
            )
        except Exception as error:
            raise self._failure(name, "UPDATE_FAILED", "update", error) from error
        self._keep(name, Made(changed, source))
        done.changed.append((name, made))
        if isinstance(changed, StackResource) and changed.physical_resource_id != _id_of(made.resource):
            done.replaced.append(made)
        self._event(name, "UPDATE_COMPLETE")

    def _change_back(self, done: _Undo) -> None:
        """Added ones go before what they may refer to is changed back."""
        self._take_away(list(reversed(done.added)))
        for name, before in reversed(done.changed):
            if before in done.replaced:
                _remove(self._stack, self._made[name])
                self._keep(name, before)
            else:
                restored = _changed_to(self._stack, self._made[name].resource, before)
                self._keep(name, Made(restored, before.source))
            self._event(name, "UPDATE_COMPLETE")

    def _take_away(self, names: list[str]) -> list[str]:
        """Delete these; the names of those that can't be."""
        failed: list[str] = []
        for name in names:
            self._event(name, "DELETE_IN_PROGRESS")
            try:
                _remove(self._stack, self._made[name])
            except Exception as error:  # noqa: BLE001 - whatever a type of moto's raises is the reason of its event
                self._event(name, "DELETE_FAILED", str(error))
                failed.append(name)
                continue
            self._event(name, "DELETE_COMPLETE")
            del self._made[name]
            self._resources._parsed_resources.pop(name, None)
        return failed

    def _keep(self, name: str, made: Made) -> None:
        self._made[name] = made
        self._resources._parsed_resources[name] = made.resource

    def _source(self, name: str) -> dict[str, Any]:
        """The resource's part of the template with all references resolved. A type that can't be made is refused."""
        written = copy.deepcopy(self._resources._resource_json_map[name])
        kind = str(written.get("Type"))
        with warnings.catch_warnings(action="ignore"):
            known: Any = parsing.resource_class_from_type(kind)
        theirs = known is None and kind not in parsing.NULL_MODELS
        if theirs or (kind.startswith(_OURS) and not issubclass(known, StackResource)):
            raise ResourceFailedError(f"This emulator does not make resources of type {kind}.")
        found: dict[str, Any] = parsing.clean_json(written, self._resources)
        return found

    def _failure(self, name: str, status: str, doing: str, error: Exception) -> ResourceFailedError:
        self._event(name, status, str(error))
        return ResourceFailedError(f"The following resource(s) failed to {doing}: [{name}]. ")

    def _event(self, name: str, status: str, reason: str | None = None) -> None:
        made = self._made.get(name)
        source = self._resources._resource_json_map.get(name) or (made.source if made else {})
        event = Event(
            stack_id=self._stack.stack_id,
            stack_name=self._stack.name,
            logical_resource_id=name,
            physical_resource_id=_id_of(made.resource) if made else "",
            resource_type=str(source.get("Type")),
            resource_status=status,
            resource_status_reason=reason,
            resource_properties=None,
        )
        self._stack.events.append(event)

    def _end(self, status: str, reason: str | None = None) -> None:
        self._stack.status = status
        self._stack._add_stack_event(status, resource_status_reason=reason)


def _id_of(resource: Any) -> str:
    return str(getattr(resource, "physical_resource_id", "") or "")


def _remove(stack: Stack, made: Made) -> None:
    if isinstance(made.resource, StackResource):
        made.resource.remove()
    elif made.resource is not None:
        stack.resource_map._delete_resource(made.resource, dict(made.source))


def _changed_to(stack: Stack, resource: Any, before: Made) -> Any:
    kind = parsing.resource_class_from_type(str(before.source["Type"]))
    restored = kind.update_from_cloudformation_json(
        original_resource=resource,
        new_resource_name=_id_of(before.resource),
        cloudformation_json=dict(before.source),
        account_id=stack.account_id,
        region_name=stack.region_name,
    )
    restored.cf_resource_type = before.source["Type"]
    restored.logical_resource_id = before.resource.logical_resource_id
    return restored
