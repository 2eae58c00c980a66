"""Spans of both kinds, TELEMETRY_SPANS=light and =sdk: their traces, their blocks and their ends."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanKind, TraceState, get_current_span, use_span
from opentelemetry.trace.status import StatusCode

from service.telemetry.readable import readable
from service.telemetry.sampling import FollowParent
from service.telemetry.spans import LightSpan

from .telemetry_spans import KINDS, REMOTE, UNSAMPLED, Traced, below


def test_the_switch_chooses_the_kind_of_span() -> None:
    assert isinstance(Traced("light").tracer.start_span("a"), LightSpan)
    assert not isinstance(Traced("sdk").tracer.start_span("a"), LightSpan)


def test_a_child_is_in_its_parents_trace_and_below_it(traced: Traced) -> None:
    with traced.tracer.start_as_current_span("parent") as parent, traced.tracer.start_as_current_span("child") as child:
        assert get_current_span() is child
    assert not get_current_span().get_span_context().is_valid
    inner, outer = traced.ended
    assert (inner.name, outer.name) == ("child", "parent")
    assert inner.trace_id == outer.trace_id == parent.get_span_context().trace_id
    assert inner.parent_id == outer.span_id == parent.get_span_context().span_id != inner.span_id
    assert readable(inner).parent == parent.get_span_context()
    assert readable(outer).parent is None
    assert outer.start_time <= inner.start_time <= (inner.end_time or 0) <= (outer.end_time or 0)


def test_a_trace_id_begins_with_the_time(traced: Traced) -> None:
    traced.tracer.start_span("a").end()
    (span,) = traced.ended
    assert abs((span.trace_id >> 96) - span.start_time / 1e9) < 3


def test_a_remote_parent_is_followed_with_its_state(traced: Traced) -> None:
    traced.tracer.start_span("a", below(REMOTE)).end()
    assert traced.tracer.start_span("b", below(UNSAMPLED)).get_span_context().trace_id == UNSAMPLED.trace_id
    (span,) = traced.ended
    assert (span.trace_id, span.parent_id) == (REMOTE.trace_id, REMOTE.span_id)
    assert readable(span).get_span_context().trace_state == REMOTE.trace_state
    assert not readable(span).get_span_context().is_remote


def test_an_invalid_parent_is_no_parent(traced: Traced) -> None:
    traced.tracer.start_span("a", below(INVALID_SPAN_CONTEXT)).end()
    assert traced.ended[0].parent_id == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("root", [ALWAYS_OFF, FollowParent(ALWAYS_OFF)])
def test_what_is_not_sampled_has_ids_and_leaves_nothing(kind: str, root: Sampler) -> None:
    traced = Traced(kind, root)
    with traced.tracer.start_as_current_span("a") as outer, traced.tracer.start_as_current_span("b") as inner:
        assert not inner.is_recording()
        inner.set_attribute("a", 1)
        assert inner.get_span_context().is_valid
        assert inner.get_span_context().trace_id == outer.get_span_context().trace_id
        assert not inner.get_span_context().trace_flags.sampled
    assert traced.ended == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_sampler_may_record_without_sampling_and_add_attributes(kind: str) -> None:
    class Odd(Sampler):
        def should_sample(self, context: Any, trace_id: int, name: str, *_: Any, **__: Any) -> SamplingResult:
            sampled = name == "sampled"
            decision = Decision.RECORD_AND_SAMPLE if sampled else Decision.RECORD_ONLY
            return SamplingResult(decision, {"rule": "r"}, TraceState([("k", "v")]))

        def get_description(self) -> str:
            return "Odd"

    traced = Traced(kind, Odd())
    recorded = traced.tracer.start_span("recorded")
    assert recorded.is_recording()
    recorded.end()
    traced.tracer.start_span("sampled", attributes={"a": 1}).end()
    (span,) = traced.ended
    assert dict(span.attributes) == {"rule": "r"}
    assert readable(span).get_span_context().trace_state.get("k") == "v"


def test_after_its_end_a_span_stays_as_it_is(traced: Traced, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    span = traced.tracer.start_span("s", attributes={"a": 1})
    assert span.is_recording()
    span.end(end_time=5)
    assert not span.is_recording()
    span.end(end_time=9)
    span.set_attribute("b", 2)
    span.set_attributes({"c": 3})
    span.update_name("t")
    span.set_status(StatusCode.ERROR)
    span.add_event("e")
    span.add_link(REMOTE)
    span.record_exception(ValueError("late"))
    (ended,) = traced.ended
    assert (ended.name, dict(ended.attributes), ended.end_time) == ("s", {"a": 1}, 5)
    assert (list(ended.further.events), list(ended.further.links), ended.further.status.status_code) == (
        [],
        [],
        StatusCode.UNSET,
    )


def test_start_and_end_may_be_given(traced: Traced) -> None:
    traced.tracer.start_span("s", start_time=1, kind=SpanKind.PRODUCER).end(end_time=3)
    (ended,) = traced.ended
    assert (ended.start_time, ended.end_time, ended.kind) == (1, 3, SpanKind.PRODUCER)


@pytest.mark.parametrize("as_current", [True, False])
def test_an_exception_that_leaves_the_block_is_told_and_goes_on(traced: Traced, as_current: bool) -> None:
    start = traced.tracer.start_as_current_span if as_current else traced.tracer.start_span
    with pytest.raises(LookupError), start("s"):
        raise LookupError("nothing")
    (ended,) = traced.ended
    assert (ended.further.status.status_code, ended.further.status.description) == (
        StatusCode.ERROR,
        "LookupError: nothing",
    )
    (event,) = ended.further.events
    told = dict(event.attributes or {})
    assert (event.name, told["exception.type"], told["exception.message"]) == ("exception", "LookupError", "nothing")
    assert "test_telemetry_spans.py" in str(told["exception.stacktrace"])


@pytest.mark.parametrize("as_current", [True, False])
def test_telling_of_exceptions_can_be_switched_off(traced: Traced, as_current: bool) -> None:
    start = traced.tracer.start_as_current_span if as_current else traced.tracer.start_span
    with pytest.raises(LookupError), start("s", record_exception=False, set_status_on_exception=False):
        raise LookupError("nothing")
    (ended,) = traced.ended
    assert list(ended.further.events) == []
    assert ended.further.status.status_code is StatusCode.UNSET


def test_leaving_a_generator_early_is_no_error(traced: Traced) -> None:
    def numbers() -> Any:
        with traced.tracer.start_as_current_span("numbers"):
            yield 1
            yield 2

    for _ in numbers():
        break
    assert traced.ended[0].further.status.status_code is StatusCode.UNSET


def test_a_current_span_may_live_on(traced: Traced) -> None:
    with traced.tracer.start_as_current_span("s", end_on_exit=False) as span:
        pass
    assert traced.ended == []
    with use_span(span, end_on_exit=True):
        assert get_current_span() is span
    assert len(traced.ended) == 1


def test_a_decorated_function_has_a_span_for_each_call(traced: Traced) -> None:
    @traced.tracer.start_as_current_span("work", attributes={"a": 1})
    def work(number: int) -> int:
        """Work."""
        return number + get_current_span().get_span_context().span_id * 0

    assert traced.ended == []
    assert [work(1), work(2)] == [1, 2]
    assert [span.name for span in traced.ended] == ["work", "work"]
    assert work.__doc__ == "Work."


def test_a_decorated_coroutine_has_a_span_as_long_as_it_runs(traced: Traced) -> None:
    @traced.tracer.start_as_current_span("work")
    async def work() -> int:
        await asyncio.sleep(0.01)
        return get_current_span().get_span_context().span_id

    with ThreadPoolExecutor(1) as pool:  # a browser's tests may have left a loop in this thread
        assert pool.submit(lambda: asyncio.run(work())).result() == traced.ended[0].span_id
    assert (traced.ended[0].end_time or 0) - traced.ended[0].start_time > 9_000_000


def test_a_tracer_is_the_same_for_the_same_scope(traced: Traced) -> None:
    assert traced.provider.get_tracer("test", "1.0") is traced.tracer
    assert traced.provider.get_tracer("test", "2.0") is not traced.tracer
    traced.tracer.start_span("s").end()
    scope = readable(traced.ended[0]).instrumentation_scope
    assert scope is not None
    assert (scope.name, scope.version) == ("test", "1.0")


def test_processors_of_the_app_see_every_recorded_span(traced: Traced) -> None:
    seen: list[tuple[str, Any]] = []

    class Processor(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            span.set_attribute("from", "processor")
            seen.append(("start", span.name))

        def on_end(self, span: ReadableSpan) -> None:
            assert isinstance(span, ReadableSpan)
            seen.append(("end", (span.name, dict(span.attributes or {}), span.resource.attributes["service.name"])))

        def shutdown(self) -> None:
            seen.append(("shutdown", None))

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return False

    traced.provider.add_span_processor(Processor())
    traced.tracer.start_span("s", attributes={"a": 1}).end()
    assert not traced.provider.force_flush()
    traced.provider.shutdown()
    assert seen == [("start", "s"), ("end", ("s", {"a": 1, "from": "processor"}, "shop")), ("shutdown", None)]
    assert dict(traced.ended[0].attributes) == {"a": 1, "from": "processor"}


def test_threads_that_end_one_span_end_it_once(traced: Traced, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    spans = [traced.tracer.start_span("s") for _ in range(200)]
    threads = [threading.Thread(target=lambda: [span.end() for span in spans]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(traced.ended) == 200


def test_threads_may_set_attributes_of_one_span(traced: Traced) -> None:
    span = traced.tracer.start_span("s")

    def fill(which: int) -> None:
        for number in range(30):
            span.set_attribute(f"{which}.{number}", number)

    threads = [threading.Thread(target=fill, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    span.end()
    assert len(traced.ended[0].attributes) == 120
