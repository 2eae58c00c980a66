"""The public door: ``instrument(app)`` and the ``Telemetry`` it returns."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.sdk.extension.aws.trace import AwsXRayIdGenerator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NoOpTracer, Tracer, get_current_span

from .delivery import Delivery
from .dependency import Call, dependency
from .emf import Declared
from .logs import JsonHandler, install
from .metrics import Gauges
from .names import EVENTS
from .pipelines import Pipelines
from .request import current
from .sampling import sampler
from .settings import Settings, SettingsError
from .spans import EndedSpans
from .wsgi import Middleware, connect, operations

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Engine


class Telemetry:
    """What an instrumented app may ask of its telemetry. Nothing here raises because AWS is away."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        *,
        sli_operations: Sequence[str],
        latency_objective_ms: float,
        events: Sequence[str],
        remotes: Sequence[str],
        excluded_paths: Sequence[str],
    ) -> None:
        self.settings = settings
        self.gauges = Gauges()
        self.tracer: Tracer = NoOpTracer()
        self._app = app
        self._sli_operations = frozenset(sli_operations)
        self._objective = latency_objective_ms
        self._events = frozenset(map(_event, events))
        self._remotes = set(remotes)
        self._excluded = frozenset(excluded_paths)
        self._lock = threading.Lock()
        self._pipelines: Pipelines | None = None
        self._provider: TracerProvider | None = None
        self._closed = settings.disabled
        self._resource = Resource(
            {
                "service.name": settings.service,
                "service.version": settings.release,
                "deployment.environment.name": settings.environment,
                "aws.log.group.names": settings.log_group,
            }
        )

    def start(self) -> None:
        """Start this process's threads now rather than at its first request (call it in an after-fork hook)."""
        if self._pipelines is not None or self._closed:
            return
        refuse_green_threads()
        with self._lock:
            if self._pipelines is None and not self._closed:
                pipelines = Pipelines(self.settings, self._resource, self.gauges, self._declared, self._objective)
                self._make_tracer()
                pipelines.start()
                self._pipelines = pipelines

    def instrument_engine(self, engine: Engine) -> None:
        """Make a CLIENT span of every statement of this SQLAlchemy engine, and count its pool in ``PoolInUse``."""
        from .database import instrument_engine  # noqa: PLC0415 - most of its import is SQLAlchemy's types

        instrument_engine(engine, lambda: self.tracer, self.gauges)

    def dependency(self, remote: str, method: str, route: str, url: str | None = None) -> AbstractContextManager[Call]:
        """Time one call to another service.

        ``with telemetry.dependency("payments", "POST", "/charges") as call:`` yields ``call.headers`` (the W3C and
        X-Ray trace headers to send) and takes ``call.status(code)``. A 5xx status or an exception that leaves the
        block counts as a DependencyFault; the exception goes on its way.
        """
        self.start()
        self._remotes.add(remote)

        def done(milliseconds: float, fault: bool) -> None:
            if (pipelines := self._pipelines) is not None:
                pipelines.metrics.dependency(time.time(), remote, milliseconds, fault=fault)

        return dependency(self.tracer, remote, method, route, url, done)

    def count(self, name: str, n: int = 1) -> None:
        """Add n to an event metric of names.py (such as ``CheckoutMismatch``). Raises ValueError for other names."""
        _event(name)
        self.start()
        if (pipelines := self._pipelines) is not None:
            pipelines.metrics.event(time.time(), name, n)

    def annotate(self, **attributes: str | int | float | bool) -> None:
        """Put attributes on the server span; those of names.ANNOTATIONS (order_id) become X-Ray annotations."""
        request = current.get()
        if request is not None:
            request.span.set_attributes(attributes)

    def record_exception(self, error: BaseException) -> None:
        """Put an exception that the app has handled itself on the current span (unhandled ones get there alone)."""
        get_current_span().record_exception(error)

    def close(self) -> None:
        """Send what is waiting, within TELEMETRY_CLOSE_SECONDS (5), and stop. Runs by itself at exit."""
        with self._lock:
            self._closed = True
            pipelines, self._pipelines = self._pipelines, None
            self.tracer = NoOpTracer()
        if pipelines is not None:
            pipelines.close(self.settings.close_seconds)

    def finished(self, ended: float, operation: str, status: int, milliseconds: float, trace_id: int) -> None:
        """A request was answered (the middleware says so). ``ended``: epoch seconds; trace_id 0: not sampled."""
        if (pipelines := self._pipelines) is not None:
            pipelines.metrics.request(ended, operation, status, milliseconds, trace_id)

    def lines(self) -> Delivery | None:
        """Where log lines go besides stdout; None before the first start and after close."""
        return self._pipelines.logs if self._pipelines is not None else None

    def after_fork(self) -> None:
        """In a child: forget the parent's threads, queues and locks. The child's own start with its first request."""
        self._lock = threading.Lock()
        self._pipelines = None
        self.gauges.reset()

    def _declared(self) -> Declared:
        known = operations(self._app, self._excluded)
        return Declared(known, self._sli_operations, frozenset(self._remotes), self._events)

    def _make_tracer(self) -> None:
        """The provider outlives a fork: its processor finds the pump of the process that runs."""
        if self._provider is None:
            self._provider = TracerProvider(
                sampler(self.settings), self._resource, shutdown_on_exit=False, id_generator=AwsXRayIdGenerator()
            )
            self._provider.add_span_processor(
                EndedSpans(lambda: self._pipelines.spans if self._pipelines is not None else None)
            )
            # So that any OpenTelemetry instrumentation library sends its spans here; unless the app has its own.
            if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
                trace.set_tracer_provider(self._provider)
        self.tracer = self._provider.get_tracer(__package__ or __name__)


def instrument(
    app: Flask,
    *,
    sli_operations: Sequence[str] = (),
    latency_objective_ms: float = 300,
    events: Sequence[str] = (),
    remotes: Sequence[str] = (),
    excluded_paths: Sequence[str] = ("/healthz", "/readyz"),
    settings: Settings | None = None,
) -> Telemetry:
    """Instrument a Flask app. Asked again for the same app, return the same: ``app.extensions["telemetry"]``.

    sli_operations: operations ("POST /checkout") whose Requests, Fault, Error and Slow are sent at one-second
    resolution every 5 s, zeros included. latency_objective_ms: a request over it counts as Slow. events: event
    metrics (names.py) that send a zero while nothing happens. remotes: other services that do. excluded_paths are
    served unseen. settings: default Settings.from_environment(). Raises SettingsError for a bad setting, and in a
    process that gevent or eventlet has patched.
    """
    made = app.extensions.get("telemetry")
    if isinstance(made, Telemetry):
        return made
    refuse_green_threads()
    settings = settings or Settings.from_environment(default_service=app.name.rpartition(".")[2])
    telemetry = Telemetry(
        app,
        settings,
        sli_operations=sli_operations,
        latency_objective_ms=latency_objective_ms,
        events=events,
        remotes=remotes,
        excluded_paths=excluded_paths,
    )
    install(JsonHandler(settings, telemetry.lines), settings.log_level)
    app.wsgi_app = Middleware(app.wsgi_app, telemetry, frozenset(excluded_paths))  # type: ignore[method-assign]  # Flask's documented way
    connect(app)
    app.extensions["telemetry"] = telemetry
    # Weak: an app that a test has thrown away need not live until the end of the process.
    forget, close = weakref.WeakMethod(telemetry.after_fork), weakref.WeakMethod(telemetry.close)
    os.register_at_fork(after_in_child=lambda: (method := forget()) and method())
    atexit.register(lambda: (method := close()) and method())
    return telemetry


def refuse_green_threads() -> None:
    """Raise SettingsError in a process whose threads are gevent's or eventlet's: pumps would stall with their hub."""
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    for name, patched in (
        ("gevent", gevent is not None and gevent.is_module_patched("threading")),
        ("eventlet", eventlet is not None and eventlet.is_monkey_patched("thread")),
    ):
        if patched:
            raise SettingsError(
                f"this process is patched by {name}, under which the telemetry's threads stall; "
                "use gunicorn's gthread workers"
            )


def _event(name: str) -> str:
    if name not in EVENTS:
        raise ValueError(f"{name!r} is no event metric of names.py; there are {', '.join(sorted(EVENTS))}")
    return name
