"""OTEL_TRACES_SAMPLER -> an OpenTelemetry sampler; ``xray`` is X-Ray's centralised sampling."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from .propagation import CALLER, Caller
from .semconv import HTTP_METHOD, SERVER_ADDRESS, URL_PATH
from .settings import Settings

log = logging.getLogger(__name__)

# Requests whose rule is remembered. Paths may be without number: then the memory starts anew.
REMEMBERED = 1_024
# Seconds after which the X-Ray SDK holds its rules to be too old.
FRESH = 3_600


def sampler(settings: Settings) -> Sampler:
    """The sampler that the settings name. ``xray`` decides for root spans, and follows the caller for others."""
    roots: dict[str, Sampler] = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(settings.sampler_ratio),
    }
    name = settings.sampler
    if name == "xray":
        return FollowParent(XRaySampler(settings))
    follows = name.removeprefix("parentbased_")
    return roots[name] if follows == name else FollowParent(roots[follows])


class FollowParent(ParentBased):
    """OpenTelemetry's ParentBased, which also knows callers that say less than a span context (see propagation)."""

    def __init__(self, root: Sampler) -> None:
        super().__init__(root)
        self._first = root
        self.decide: Callable[[Attributes], bool] | None = None
        """What the root sampler decides for a span without a parent, where it needs no more than attributes."""
        self.serve: Callable[[str, str | None, str], bool] | None = None
        """The same for a request: its method, host and path, without a dictionary of attributes around them."""
        if root in (ALWAYS_ON, ALWAYS_OFF):
            self.decide = always if root is ALWAYS_ON else never
            self.serve = _serve_always if root is ALWAYS_ON else _serve_never
        elif isinstance(root, XRaySampler):
            self.decide = root.decide
            self.serve = root.serve

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """As the span above is sampled; as the caller says; else as the root sampler decides."""
        if parent_context is None or parent_context:  # the thread's context, or one with something in it
            caller = parent_context.get(CALLER) if parent_context is not None else None
            if not isinstance(caller, Caller):
                return super().should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
            if caller.sampled is not None:
                decided = ALWAYS_ON if caller.sampled else ALWAYS_OFF
                return decided.should_sample(parent_context, trace_id, name, kind, attributes, links)
        return self._first.should_sample(parent_context, trace_id, name, kind, attributes, links)

    def close(self) -> None:
        """Ask X-Ray for nothing more, where that is who decides."""
        if isinstance(self._first, XRaySampler):
            self._first.close()


def always(_: Attributes) -> bool:
    """What ALWAYS_ON decides."""
    return True


def never(_: Attributes) -> bool:
    """What ALWAYS_OFF decides."""
    return False


def _serve_always(method: str, host: str | None, path: str) -> bool:
    del method, host, path
    return True


def _serve_never(method: str, host: str | None, path: str) -> bool:
    del method, host, path
    return False


class XRaySampler(Sampler):
    """The X-Ray SDK's sampler: rules and quotas from X-Ray, its own 1/s and 5 % until they are there.

    (AWS X-Ray: "Using sampling rules with the X-Ray API".) Rules come through the daemon, or with XRAY_DELIVERY=api
    from the signed API. The SDK's sampler starts two polling threads, which a fork loses without its noticing: so one
    is made in each process, at its first decision, and in a thread of its own, because that takes a tenth of a second.
    """

    def __init__(self, settings: Settings) -> None:
        self._service = settings.service
        self._settings = settings
        self._lock = threading.Lock()
        self._rules: Callable[[dict[str, Any]], object] | None = None
        self._memory: Memory | None = None
        self._closed = False
        # At INFO it logs a line for each request that no rule matches.
        logging.getLogger("aws_xray_sdk").setLevel(logging.WARNING)
        forget = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: (method := forget()) and method())

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Match the request against the rules."""
        del parent_context, trace_id, name, kind, links, trace_state  # OpenTelemetry's signature
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes) if self.decide(attributes) else DROPPED

    def decide(self, attributes: Attributes) -> bool:
        """Whether to sample a request with these attributes."""
        known = attributes or {}
        return self.serve(known.get(HTTP_METHOD), known.get(SERVER_ADDRESS), known.get(URL_PATH))

    def serve(self, method: Any, host: Any, path: Any) -> bool:
        """The same, of these three attributes."""
        request = {"host": host, "method": method, "path": path, "service": self._service}
        return bool((self._rules or self._make())(request))

    def get_description(self) -> str:
        """For OpenTelemetry's diagnostics."""
        return "XRaySampler"

    def close(self) -> None:
        """Ask X-Ray for nothing more; the rules that are here go on deciding."""
        with self._lock:
            self._closed = True
            if self._memory is not None:
                self._memory.close()

    def _make(self) -> Callable[[dict[str, Any]], object]:
        with self._lock:
            if self._rules is None:
                # Not at the top: the SDK reads AWS_XRAY_DAEMON_ADDRESS when it is imported, before Settings could.
                self._rules = import_module("aws_xray_sdk.core.sampling.local.sampler").LocalSampler().should_trace
                if not self._closed:
                    threading.Thread(target=self._begin, name="telemetry sampling", daemon=True).start()
            return self._rules

    def _begin(self) -> None:
        try:
            memory = Memory(_centralised(self._settings))
        except Exception:
            # The local rules go on deciding; a service without X-Ray's rules still has traces.
            log.exception("X-Ray's sampling rules cannot be asked for")
            return
        with self._lock:
            self._memory, self._rules = memory, memory.decide
            if self._closed:
                memory.close()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._rules = self._memory = None


DROPPED = SamplingResult(Decision.DROP)


def _centralised(settings: Settings) -> Any:
    """The SDK's sampler, polling."""
    made = import_module("aws_xray_sdk.core.sampling.sampler").DefaultSampler()
    context = import_module("aws_xray_sdk.core.context").Context()
    if settings.xray_delivery == "api":
        made.xray_client = import_module(".traces.api", __package__).rules_client(settings)
    host, port = settings.daemon.tcp
    # Without a Context of its own the rule poller dies silently at its first call.
    made.load_settings(SimpleNamespace(tcp_ip=host, tcp_port=port), context)
    made.start()
    return made


class Memory:
    """Remembers which rule a request matched. Matching is 3 of the SDK's 5 µs; quotas and counts stay the SDK's."""

    def __init__(self, sdk: Any) -> None:
        self._sdk = sdk
        self._cache = sdk._cache  # noqa: SLF001 - the SDK's rules have no public name; tests watch what is used of it
        self._process = sdk._process_matched_rule  # noqa: SLF001
        self._rules: Any = None
        self._known: dict[tuple[Any, ...], Any] = {}

    def decide(self, request: dict[str, Any]) -> object:
        """The name of the rule by which to sample, True by the local rules, or False."""
        now = int(time.time())
        cache = self._cache
        # A new list whenever rules are read; the targets that come later are stored in the rules themselves.
        if cache.rules is self._rules and now <= (cache.last_updated or 0) + FRESH:
            key = (request["host"], request["method"], request["path"])
            rule = self._known.get(key) or self._match(key, request, now)
            # None: no rule takes it. Without a reservoir: its successor was read a moment ago.
            if rule is not None and rule.reservoir is not None:
                return self._process(rule, now)
        elif cache.rules is not self._rules:
            self._forget()
        return self._sdk.should_trace(request)  # no rules, or old ones: the SDK knows what to do

    def _match(self, key: tuple[Any, ...], request: dict[str, Any], now: int) -> Any:
        if len(self._known) > REMEMBERED:
            self._known = {}
        rule = self._cache.get_matched_rule(request, now)
        if rule is not None:
            self._known[key] = rule
        return rule

    def close(self) -> None:
        """Have the SDK's two threads do nothing from now on: it has no way to end them."""
        self._sdk._rule_poller._connector = SimpleNamespace(fetch_sampling_rules=lambda: None)  # noqa: SLF001
        self._sdk._target_poller._cache = SimpleNamespace(rules=())  # noqa: SLF001

    def _forget(self) -> None:
        with self._cache._lock:  # noqa: SLF001 - the poller holds it until the new list is in order
            self._known = {}
            self._rules = self._cache.rules
