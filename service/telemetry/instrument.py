"""The public door: ``instrument(app)`` and the ``Telemetry`` it returns."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NoOpTracer, Tracer, get_current_span

from . import unpacking
from .delivery.stdout import write
from .dependency import Call
from .emf import Declared
from .gauges import Gauges
from .lines import Lines
from .logs import JsonHandler, install
from .meter import Meters
from .names import ACCESS_ATTRIBUTES, BY_NAME, EVENTS, Metric
from .origin import Route
from .pipelines import Pipelines, access
from .providers import make_provider
from .records import lean, whole
from .request import bind, current, span_of
from .sampling import FollowParent, sampler
from .settings import Settings, SettingsError
from .span_data import SpanData, Whole
from .waiting import Answered, Logged

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Engine


class Telemetry:
    """What an instrumented app may ask of its telemetry. Nothing here raises because AWS is away.

    ``logged(record)`` takes each log record (None: nobody does), ``answered(ended)`` each answered request,
    ``served(served, n)`` one in one piece with its n spans, ``route.append(span)`` each other ended span: in a running
    process they are the intakes of its pipelines, which a fork and a close change.
    """

    bind = staticmethod(bind)
    started = False  # in this process

    def __init__(
        self,
        app: Flask | None,
        settings: Settings,
        *,
        sli_operations: Sequence[str],
        latency_objective_ms: float,
        events: Sequence[str],
        remotes: Sequence[str],
        metrics: Sequence[Metric],
        excluded_paths: Sequence[str],
    ) -> None:
        self.settings = settings
        self.gauges = Gauges()
        self.lines = Lines(settings)
        self.tracer: Tracer = NoOpTracer()
        self.logged: Callable[[bytes | Logged], None] | None = None
        self.answered: Callable[[bytes | Answered], None] = self._write_access_line
        self.served: Callable[[bytes | Whole, int], None] = self._write_served_line
        self.route = Route(_nowhere)
        self._app = app
        self._sli_operations = frozenset(sli_operations)
        self._objective = latency_objective_ms
        self._events = frozenset(map(_event, events))
        self._remotes = set(remotes)
        self._own = tuple(map(_own, metrics))
        self._excluded = frozenset(excluded_paths)
        self._lock = threading.Lock()
        self._pipelines: Pipelines | None = None
        self._provider: Any = None
        self._meters: Meters | None = None
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
                if self._meters is None:
                    self._meters = Meters(self._resource, self._own)
                    self._meters.make_global()
                else:
                    self._meters.discard()
                pipelines = Pipelines(
                    self.settings,
                    self._resource,
                    self.lines,
                    self.gauges,
                    self._meters,
                    self._declared,
                    self._objective,
                )
                self._make_tracer()
                pipelines.start()
                if not self.settings.log_caller:
                    lean()
                self.logged = pipelines.lines.append
                self.answered = pipelines.requests.append
                self.served = pipelines.requests.bundle
                self.route.append = pipelines.spans.append
                self._pipelines = pipelines
                self.started = True

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
                pipelines.calls.append((time.time(), remote, milliseconds, fault))

        return Call(self.tracer, remote, method, route, url, done)

    def count(self, name: str, n: int = 1) -> None:
        """Add n to an event metric of names.py (such as ``CheckoutMismatch``). Raises ValueError for other names."""
        _event(name)
        self.start()
        if (pipelines := self._pipelines) is not None:
            pipelines.events.append((time.time(), name, n))

    def annotate(self, **attributes: str | int | float | bool) -> None:
        """Put attributes on the server span; those of names.ANNOTATIONS (order_id) become X-Ray annotations.

        Those of names.ACCESS_ATTRIBUTES stand on the access line too, also of a request that is not sampled.
        """
        request = current.get()
        if request is not None:
            span_of(request).set_attributes(attributes)
            for key in ACCESS_ATTRIBUTES:
                if key in attributes:
                    request.told = {**(request.told or {}), key: attributes[key]}

    def record_exception(self, error: BaseException) -> None:
        """Put an exception that the app has handled itself on the current span (unhandled ones get there alone)."""
        get_current_span().record_exception(error)

    def close(self) -> None:
        """Send what is waiting, within TELEMETRY_CLOSE_SECONDS (5), and stop. Runs by itself at exit."""
        with self._lock:
            self._closed = True
            pipelines = self._pipelines
            self._detach()
        if self._provider is not None and isinstance(self._provider.sampler, FollowParent):
            self._provider.sampler.close()
        if pipelines is not None:
            pipelines.close(self.settings.close_seconds)

    def after_fork(self) -> None:
        """In a child: forget the parent's threads, queues and locks. The child's own start with its first request."""
        self._lock = threading.Lock()
        pipelines = self._pipelines
        self._detach()
        if pipelines is not None:
            pipelines.forget()
        self.lines.reset()
        self.gauges.reset()

    def _detach(self) -> None:
        self._pipelines = None
        self.started = False
        whole()
        self.tracer = NoOpTracer()
        self.logged = None
        self.answered = self._write_access_line
        self.served = self._write_served_line
        self.route.append = _nowhere

    def _write_access_line(self, item: bytes | Answered | Whole) -> None:
        if access.isEnabledFor(20):
            ended = unpacking.request(item)
            write(self.lines.access(ended.answer if isinstance(ended, Whole) else ended) + "\n")

    def _write_served_line(self, item: bytes | Whole, _: int) -> None:
        self._write_access_line(item)

    def _declared(self) -> Declared:
        known: frozenset[str] = frozenset()
        if self._app is not None:
            from .wsgi import operations  # noqa: PLC0415 - a program without Flask has to work

            known = operations(self._app, self._excluded)
        return Declared(known, self._sli_operations, frozenset(self._remotes), self._events, self._own)

    def _make_tracer(self) -> None:
        """The provider outlives a fork: its spans find the pipelines of the process that runs by the route."""
        if self._provider is None:
            self._provider = make_provider(self.settings.spans, sampler(self.settings), self._resource, self.route)
            # So that any OpenTelemetry instrumentation library sends its spans here; unless the app has its own.
            if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
                trace.set_tracer_provider(self._provider)
        self.tracer = self._provider.get_tracer(__package__ or __name__)


def instrument(
    app: Flask | None = None,
    *,
    sli_operations: Sequence[str] = (),
    latency_objective_ms: float = 300,
    events: Sequence[str] = (),
    remotes: Sequence[str] = (),
    metrics: Sequence[Metric] = (),
    excluded_paths: Sequence[str] = ("/healthz", "/readyz"),
    settings: Settings | None = None,
) -> Telemetry:
    """Instrument a Flask app. Asked again for the same app, return the same: ``app.extensions["telemetry"]``.

    sli_operations: operations ("POST /checkout") whose Requests, Fault, Error and Slow are sent at one-second
    resolution every 5 s, zeros included. latency_objective_ms: a request over it counts as Slow. events: event
    metrics (names.py) that send a zero while nothing happens. remotes: other services that do. metrics: of your own
    OpenTelemetry instruments, those that are sent. excluded_paths are served unseen. settings: default
    Settings.from_environment(). Raises SettingsError for a bad setting, and in a process that gevent or eventlet has
    patched. Without an app (a worker, a script) there are no requests, and the rest works: call ``start()``.
    """
    made = app.extensions.get("telemetry") if app is not None else None
    if isinstance(made, Telemetry):
        return made
    refuse_green_threads()
    name = app.name.rpartition(".")[2] if app is not None else ""
    settings = settings or Settings.from_environment(default_service=name)
    telemetry = Telemetry(
        app,
        settings,
        sli_operations=sli_operations,
        latency_objective_ms=latency_objective_ms,
        events=events,
        remotes=remotes,
        metrics=metrics,
        excluded_paths=excluded_paths,
    )
    # getattr: a function of ours would be one more call a record.
    install(JsonHandler(telemetry.lines, partial(getattr, telemetry, "logged")), settings.log_level)
    if app is not None:
        from .wsgi import Middleware, connect  # noqa: PLC0415 - a program without Flask has to work

        app.wsgi_app = Middleware(app.wsgi_app, telemetry, frozenset(excluded_paths))  # type: ignore[method-assign]  # Flask's documented way
        connect(app)
        app.extensions["telemetry"] = telemetry
    _end_on_sigterm()
    # Weak: an app that a test has thrown away need not live until the end of the process.
    forget, close = weakref.WeakMethod(telemetry.after_fork), weakref.WeakMethod(telemetry.close)
    os.register_at_fork(after_in_child=lambda: (method := forget()) and method())
    atexit.register(lambda: (method := close()) and method())
    return telemetry


def _end_on_sigterm() -> None:
    """Let SIGTERM end the interpreter as sys.exit does, so that what waits is sent; where nobody else handles it."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


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


def _own(metric: Metric) -> Metric:
    if metric.name in BY_NAME:
        raise ValueError(f"metric {metric.name!r} stands in names.py already")
    for values in metric.idle:
        if len(values) != len(metric.dimensions[-1]) - 2:
            raise ValueError(f"metric {metric.name!r}: idle series {values!r} do not fit its last dimension set")
    return metric


def _nowhere(span: SpanData) -> None:
    """Before the start, after the end, and when disabled: a span is not kept."""
