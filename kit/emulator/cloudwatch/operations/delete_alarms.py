"""DeleteAlarms: up to 100 alarms, at most one of them composite; names that don't exist are passed over."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch.alarms import CompositeAlarm
from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.protocol import AwsError, Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    names = list(dict.fromkeys(params["AlarmNames"]))
    book = engine.alarms
    with book.lock:
        composites = [name for name in names if isinstance(book.get(name), CompositeAlarm)]
        if len(composites) > 1:
            text = "Cannot delete more than one composite alarm at a time; split the request."
            raise AwsError("ValidationError", text)
        # A composite alarm that goes in the same call still holds its children: CloudWatch wants it gone first.
        held = [name for name in names if book.get(name) is not None and book.parents(name)]
        if held:
            them = "it" if len(held) == 1 else "them"
            text = f"Cannot delete {','.join(held)} as there are composite alarm(s) depending on {them}."
            raise AwsError("ValidationError", text)
        book.delete(names)
    return {}
