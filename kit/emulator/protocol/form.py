"""The query protocol's requests: a flat form whose keys are paths, folded into a tree by the shapes of the model.

``MetricData.member.1.Dimensions.member.2.Name=x`` is a member of a structure in a list in a structure in a list.
Source: the AWS Query protocol of the Smithy specification.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from kit.emulator.protocol.errors import AwsError
from kit.emulator.protocol.model import Ref, ServiceModel, Shape

# A megabyte, the most that an operation of CloudWatch takes, holds fewer.
_MOST_FIELDS = 100_000
_LONGEST_PATH = 40
_INDEX = re.compile(r"[1-9][0-9]{0,8}")


def parse_form(raw: bytes) -> dict[str, Any]:
    """Nested dicts by the parts of the keys, with texts at the ends. Raises AwsError for what is no form."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise _malformed("The request is not a valid form") from error
    tree: dict[str, Any] = {}
    for key, value in pairs:
        _place(tree, key, value)
    return tree


def _place(tree: dict[str, Any], key: str, value: str) -> None:
    *parents, last = key.split(".", _LONGEST_PATH)
    for part in parents:
        inner = tree.setdefault(part, {})
        if not isinstance(inner, dict):
            raise _malformed(f"{key[:200]} and a part of it can not both have a value")
        tree = inner
    if isinstance(tree.get(last), dict):
        raise _malformed(f"{key[:200]} and a part of it can not both have a value")
    tree[last] = value


class Folding:
    """From the nested dicts of ``parse_form`` to what a reader takes: lists where the model has lists."""

    def __init__(self, model: ServiceModel) -> None:
        self._shapes = model.shapes

    def fold(self, ref: Ref, node: Any) -> Any:
        """Members that the model lacks are left out. Raises AwsError where a list's items aren't numbered."""
        shape = self._shapes[ref.shape]
        match shape.type:
            case "structure":
                return self._structure(shape, node)
            case "list" if shape.member is not None:
                return [self.fold(shape.member, item) for item in _items(node, "member")]
            case "map":
                return self._map(shape, node)
        return node

    def _structure(self, shape: Shape, node: Any) -> Any:
        if node == "":
            return {}
        if not isinstance(node, dict):
            return node
        return {name: self.fold(shape.members[name], inner) for name, inner in node.items() if name in shape.members}

    def _map(self, shape: Shape, node: Any) -> Any:
        folded = {}
        for item in _items(node, "entry"):
            if not isinstance(item, dict) or not isinstance(item.get("key"), str) or "value" not in item:
                raise _malformed("Every entry of a map must have a key and a value")
            folded[item["key"]] = item["value"] if shape.value is None else self.fold(shape.value, item["value"])
        return folded


def _items(node: Any, word: str) -> list[Any]:
    """The items of a list in the order of their numbers; gaps are passed over."""
    if node == "":
        return []
    numbered = node.get(word, {}) if isinstance(node, dict) else None
    if not isinstance(numbered, dict) or not all(_INDEX.fullmatch(index) for index in numbered):
        raise _malformed("Unexpected list element termination")
    return [numbered[index] for index in sorted(numbered, key=int)]


def _malformed(text: str) -> AwsError:
    return AwsError("MalformedInput", text)
