"""What is answered in place of moto's own methods; each gets the original first, then moto's object."""

# ruff: noqa: SLF001 - moto's stacks have no public way to what a run works on
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend, Stack

from kit.emulator.cloudformation.order import CircularError, in_order
from kit.emulator.cloudformation.runs import Run

# "CloudFormation quotas": Template body size in a request.
_BODY_BYTES = 51_200
_DELETABLE_ONLY = ("ROLLBACK_COMPLETE", "DELETE_FAILED")


def within_limit(original: Callable[..., Any], response: Any) -> Any:
    """Refuse a TemplateBody that only S3 could carry."""
    body = response._get_param("TemplateBody") or ""
    if len(body.encode()) > _BODY_BYTES:
        rule = f"Member must have length less than or equal to {_BODY_BYTES}"
        text = f"Value '{body[:40]}...' at 'templateBody' failed to satisfy constraint: {rule}"
        raise ValidationError(message=f"1 validation error detected: {text}")
    return original(response)


def template_in_s3(original: Callable[..., str], response: Any, template_url: str) -> str:
    """Find the bucket where this emulator's own S3 has it, in the path; moto knows that of the name localhost only."""
    parts = urlsplit(template_url)
    if not (parts.hostname or "").endswith("amazonaws.com"):
        template_url = f"http://localhost{parts.path}"
    return original(response, template_url)


def create_resources(_original: Any, stack: Stack) -> None:
    """CreateStack, after the stack is there."""
    _checked(stack.template_dict)
    stack.description = stack.template_dict.get("Description")
    Run(stack).create(stack.template_dict)


def update(
    _original: Any,
    stack: Stack,
    template: str,
    role_arn: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    tags: dict[str, str] | None = None,
) -> None:
    """UpdateStack, and ExecuteChangeSet of a change set of that type."""
    if stack.status in _DELETABLE_ONLY:
        raise ValidationError(message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")
    document = stack.parse_template(template)
    _checked(document)
    tags_before, stack.tags = stack.tags, stack.tags if tags is None else tags
    given = dict(parameters or {})
    if not Run(stack).update(document, given):
        stack.tags = tags_before
        return
    stack.template, stack.template_dict, stack.parameters = template, document, given
    stack.description = document.get("Description")
    stack.role_arn = role_arn
    stack.output_map = stack._create_output_map()


def execute_change_set(
    _original: Any, backend: CloudFormationBackend, change_set_name: str, stack_name: str | None = None
) -> None:
    """ExecuteChangeSet: it is done when it answers, and how it ended is the stack's status."""
    change_set: Any = _change_set(backend, change_set_name, stack_name)
    if change_set.execution_status != "AVAILABLE":
        text = (
            f"ChangeSet [{change_set.change_set_id}] cannot be executed in its current status of [{change_set.status}]"
        )
        raise ValidationError(message=text)
    stack = backend.stacks[change_set.stack_id]
    if change_set.change_set_type == "CREATE":
        _create(stack, change_set)
    else:
        update(None, stack, change_set.template, change_set.role_arn, change_set.parameters, change_set.tags)
    complete = stack.status == f"{change_set.change_set_type}_COMPLETE"
    change_set.execution_status = "EXECUTE_COMPLETE" if complete else "EXECUTE_FAILED"


def delete_stack(_original: Any, backend: CloudFormationBackend, name_or_stack_id: str) -> None:
    """DeleteStack: of a stack that isn't there it says nothing."""
    for stack in list(backend.stacks.values()):
        if name_or_stack_id not in (stack.stack_id, stack.name):
            continue
        exports = [export.name for export in stack.exports]
        if Run(stack).delete():
            backend.stacks.pop(stack.stack_id, None)
            backend.deleted_stacks[stack.stack_id] = stack
            for name in exports:
                backend.exports.pop(name, None)


def _create(stack: Stack, change_set: Any) -> None:
    """A change set of type CREATE has made an empty stack, for review."""
    _checked(change_set.template_dict)
    stack.template, stack.template_dict = change_set.template, change_set.template_dict
    stack.description = stack.template_dict.get("Description")
    stack.parameters, stack.tags = change_set.parameters, change_set.tags or {}
    stack.resource_map = stack._create_resource_map()
    stack._add_stack_event("CREATE_IN_PROGRESS", resource_status_reason="User Initiated")
    Run(stack).create(stack.template_dict)
    stack.output_map = stack._create_output_map()


def _change_set(backend: CloudFormationBackend, name: str, stack_name: str | None) -> Any:
    for change_set in backend.change_sets.values():
        if name == change_set.change_set_id:
            return change_set
        if name == change_set.change_set_name and stack_name in (None, change_set.stack_name, change_set.stack_id):
            return change_set
    raise ValidationError(message=f"ChangeSet [{name}] does not exist")


def _checked(template: Mapping[str, Any]) -> None:
    """A template whose resources wait for each other makes nothing."""
    try:
        in_order(template.get("Resources", {}))
    except CircularError as error:
        raise ValidationError(message=str(error)) from error
