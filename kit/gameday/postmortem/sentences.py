"""A line of the journal, or of the load, as a sentence. Pure. Whatever the file holds, a sentence comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Data = Mapping[str, Any]

_WORDS = {
    "run.started": "The run started",
    "preflight.checked": "The steady state was checked",
    "load.started": "The load started",
    "load.changed": "The load changed",
    "load.stage": "The load changed",
    "fault.set": "A fault was set",
    "fault.lifted": "A fault was lifted",
    "rollback": "Everything was rolled back",
    "run.ended": "The run ended",
    "end": "The load ended",
    "note": "Note",
}
_UNTOLD = ("text", "blind")


def sentence(kind: str, data: Data) -> str:
    """What happened, and what the line says of it."""
    told = _TOLD.get(kind, _pairs)(data)
    words = _WORDS.get(kind, kind)
    return f"{words}: {told}" if told else words


def _started(data: Data) -> str:
    return f"scenario {_value(data.get('scenario'))}, stage {_value(data.get('stage'))}"


def _checked(data: Data) -> str:
    checks = data.get("checks")
    if not isinstance(checks, list | tuple) or not all(isinstance(check, Mapping) for check in checks):
        return _pairs(data)
    return "; ".join(
        f"{_value(check.get('name'))}: {_value(check.get('found'))}{'' if check.get('good') is True else ' (not good)'}"
        for check in checks
    )


def _load(data: Data) -> str:
    if not isinstance(data.get("users"), int):
        return _pairs(data)
    shape = _value(data.get("shape"))
    return f"{shape} load of {data['users']} customers".lstrip()


def _set(data: Data) -> str:
    dials = [f"{_value(data[key])} {unit}" for key, unit in _DIALS if data.get(key) is not None]
    where = f"{_value(data.get('fault'))} in {_value(data.get('service'))}"
    by = f", by {_value(data.get('by'))}" if data.get("by") else ""
    return where + (f" ({', '.join(dials)})" if dials else "") + by


def _rolled_back(data: Data) -> str:
    lifted = data.get("lifted")
    parts = [f"faults lifted in {_joined(lifted)}" if lifted else "no fault control answered"]
    parts += [f"{words} {_joined(data[key])}" for key, words in _LEFT if data.get(key)]
    if data.get("paused"):
        parts.append("the steady load goes on" if data.get("resumed") else "the steady load did not come back")
    return "; ".join(parts)


def _ended(data: Data) -> str:
    return ", ".join(text for text in (_value(data.get("outcome")), _value(data.get("error"))) if text)


_DIALS = (("percent", "%"), ("ms", "ms"), ("mb", "MB"), ("n", "at once"))
_LEFT = (("left", "still set:"), ("unreachable", "not reached:"))
_TOLD: Mapping[str, Callable[[Data], str]] = {
    "run.started": _started,
    "preflight.checked": _checked,
    "load.started": _load,
    "load.changed": _load,
    "load.stage": _load,
    "fault.set": _set,
    "fault.lifted": _set,
    "rollback": _rolled_back,
    "run.ended": _ended,
}


def _joined(value: object) -> str:
    return " and ".join(_value(one) for one in value) if isinstance(value, list | tuple) else _value(value)


def _pairs(data: Data) -> str:
    return ", ".join(f"{key} {_value(value)}" for key, value in data.items() if key not in _UNTOLD and _value(value))


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_value(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return " ".join(_value(inner) for inner in value)
    return "" if value is None else str(value)
