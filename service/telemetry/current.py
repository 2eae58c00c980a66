"""OpenTelemetry's current context, two calls nearer: a request asks for it a dozen times.

Their functions call an object that calls a ContextVar. Where that is so, as it is unless OTEL_PYTHON_CONTEXT names
another, these are the ContextVar's own methods.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry import context as api
from opentelemetry.context import Context
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext

# Neither has a public name; a test watches both.
_runtime = getattr(api, "_RUNTIME_CONTEXT", None)
_variable: Any = getattr(_runtime, "_current_context", None) if type(_runtime) is ContextVarsRuntimeContext else None

get_current: Callable[[], Context] = api.get_current if _variable is None else _variable.get
attach: Callable[[Context], Any] = api.attach if _variable is None else _variable.set
_reset: Callable[[Any], None] = api.detach if _variable is None else _variable.reset


def detach(token: Any) -> None:
    """End what ``attach`` began. In another context than there (a generator that moved) it is logged, as theirs is."""
    try:
        _reset(token)
    except ValueError:
        api.detach(token)
