"""CloudWatch Logs of one Region: log groups, their streams, and the bound on what is kept."""

from __future__ import annotations

import heapq
import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

from kit.emulator.clock import Clock
from kit.emulator.cloudwatch.store import Datum
from kit.emulator.logs import emf
from kit.emulator.logs.events import Chunks, Event
from kit.emulator.logs.insights.kept import Queries
from kit.emulator.logs.metric_filters import MetricFilters
from kit.emulator.protocol import AwsError

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
CAP_BYTES = 36 * 1024 * 1024
_CUT_TO = 0.95  # of the cap: cutting a little more at once makes cutting rare
_MOST_GROUPS = 2_000
_MOST_STREAMS = 20_000
# A stream's sequence numbers begin at its own number shifted by this: unique in the engine, consecutive in the stream.
_SEQUENCE_BITS = 40


@dataclass(slots=True)
class Stream:
    """One log stream; times are epoch ms."""

    name: str
    arn: str
    created: int
    number: int
    events: Chunks
    last_ingestion: int | None = None


@dataclass(slots=True)
class Group:
    """One log group; ``created`` is epoch ms, ``retention_days`` None means for ever."""

    name: str
    arn: str
    created: int
    log_class: str = "STANDARD"
    retention_days: int | None = None
    streams: dict[str, Stream] = field(default_factory=dict)
    metric_filters: MetricFilters = field(default_factory=MetricFilters)
    tags: dict[str, str] = field(default_factory=dict)  # replaced, never changed in place

    def stream(self, name: str) -> Stream:
        """The stream of this name. Raises ResourceNotFoundException."""
        found = self.streams.get(name)
        if found is None:
            raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
        return found

    def kept_since(self, now_ms: int) -> int:
        """Events before this time (epoch ms) are past the group's retention."""
        return now_ms - self.retention_days * DAY_MS if self.retention_days else 0


class Engine:
    """One Region of one account.

    ``metrics(data)`` takes what embedded metrics and metric filters add to CloudWatch. Memory is bounded by
    ``cap_bytes``: what came first is cut first, and counted.
    """

    def __init__(
        self,
        region: str,
        account: str,
        clock: Clock,
        metrics: Callable[[Sequence[Datum]], None],
        cap_bytes: int = CAP_BYTES,
    ) -> None:
        self.region = region
        self.account = account
        self.queries = Queries()
        self._clock = clock
        self._metrics = metrics
        self._cap = cap_bytes
        self._lock = threading.RLock()
        self._groups: dict[str, Group] = {}
        self._streams_made = self._streams = 0
        self._cost = 0  # of all events in all streams, bytes
        self._touched: dict[int, tuple[Group, Stream] | None] | None = None
        self._events = self._cut = self._emf_documents = self._emf_rejected = 0

    def now_ms(self) -> int:
        """Epoch ms."""
        return int(self._clock.now() * 1000)

    def group(self, name_or_arn: str) -> Group:
        """The group of a name or ARN. Raises ResourceNotFoundException."""
        name = name_or_arn.removesuffix(":*").removeprefix(self._arn(""))
        with self._lock:
            found = self._groups.get(name)
        if found is None:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        return found

    def groups(self) -> list[Group]:
        """All groups, by name."""
        with self._lock:
            return sorted(self._groups.values(), key=lambda group: group.name)

    def streams(self, group: Group) -> list[Stream]:
        """A group's streams, by name."""
        with self._lock:
            return sorted(group.streams.values(), key=lambda stream: stream.name)

    def tagged(self, arn: str) -> Group:
        """The group of an ARN of this Region and account, without a star at its end. ResourceNotFoundException."""
        found = self._groups.get(arn.removeprefix(self._arn("")))
        if found is None or found.arn != arn:
            raise AwsError("ResourceNotFoundException", "The specified resource does not exist.")
        return found

    def set_tags(self, group: Group, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        """Give a group the tags that ``change`` makes of its present ones. Raises what that raises."""
        with self._lock:
            group = self.group(group.name)
            group.tags = change(group.tags)

    def create_group(self, name: str, log_class: str, tags: Mapping[str, str] = MappingProxyType({})) -> None:
        """Make a group. Raises ResourceAlreadyExistsException or LimitExceededException."""
        with self._lock:
            if name in self._groups:
                raise AwsError("ResourceAlreadyExistsException", "The specified log group already exists")
            if len(self._groups) >= _MOST_GROUPS:
                raise AwsError("LimitExceededException", "Resource limit exceeded.")
            self._groups[name] = Group(name, self._arn(name), self.now_ms(), log_class, tags=dict(tags))

    def delete_group(self, name: str) -> None:
        """Delete a group and all in it. Raises ResourceNotFoundException."""
        with self._lock:
            group = self._groups.pop(self.group(name).name)
            self._streams -= len(group.streams)
            self._cost -= sum(stream.events.cost for stream in group.streams.values())
            for stream in group.streams.values():
                self._touch(group, stream, gone=True)

    def create_stream(self, group: Group, name: str) -> None:
        """Make a stream. Raises ResourceAlreadyExistsException or LimitExceededException."""
        with self._lock:
            group = self.group(group.name)
            if name in group.streams:
                raise AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")
            if self._streams >= _MOST_STREAMS:
                raise AwsError("LimitExceededException", "Resource limit exceeded.")
            self._streams += 1
            self._streams_made += 1
            made = self._new_stream(group, name, self.now_ms(), self._streams_made)
            group.streams[name] = made
            self._touch(group, made)

    def delete_stream(self, group: Group, name: str) -> None:
        """Delete a stream and its events. Raises ResourceNotFoundException."""
        with self._lock:
            group = self.group(group.name)
            stream = group.streams.pop(group.stream(name).name)
            self._streams -= 1
            self._cost -= stream.events.cost
            self._touch(group, stream, gone=True)

    def set_retention(self, group: Group, days: int | None) -> None:
        """Keep a group's events for so many days; None for ever."""
        with self._lock:
            group = self.group(group.name)
            group.retention_days = days
            for stream in group.streams.values():
                self._change(stream, lambda events: events.drop_before(group.kept_since(self.now_ms())))
                self._touch(group, stream)

    def append(self, group: Group, stream: Stream, events: Sequence[tuple[int, bytes]]) -> None:
        """Store (timestamp in epoch ms, message) pairs, and pass on the metrics in them."""
        now = self.now_ms()
        with self._lock:
            stream = self.group(group.name).stream(stream.name)  # it may have been deleted meanwhile
            self._change(stream, lambda held: held.extend(events, now))
            self._change(stream, lambda held: held.drop_before(group.kept_since(now)))
            stream.last_ingestion = now
            self._touch(group, stream)
            self._events += len(events)
            if self._cost > self._cap:
                self._cut_to_cap()
        if group.log_class == "STANDARD":
            data = [*self._embedded(group, events, now), *group.metric_filters.observe(events, now)]
            if data:
                self._metrics(data)

    def read(self, group: Group, names: Collection[str] | None, start: int, end: int) -> Iterator[tuple[Stream, Event]]:
        """Events with ``start <= timestamp < end`` (epoch ms) of the named streams, or of all; in no order."""
        with self._lock:
            streams = [s for s in group.streams.values() if names is None or s.name in names]
            chunks = [(stream, stream.events.snapshot()) for stream in streams]
        start = max(start, group.kept_since(self.now_ms()))
        for stream, snapshot in chunks:
            for chunk in snapshot:
                for event in chunk.events(start, end):
                    yield stream, event

    def stored_bytes(self, group: Group) -> int:
        """What a group's events take here, in bytes."""
        with self._lock:
            return sum(stream.events.cost for stream in group.streams.values())

    def counts(self) -> Mapping[str, int]:
        """For the health page. Bytes are of what is held, not of what was deleted or is past its retention."""
        with self._lock:
            streams = [stream for group in self._groups.values() for stream in group.streams.values()]
            return {
                "groups": len(self._groups),
                "events_received": self._events,
                "events_held": sum(len(chunk) for stream in streams for chunk in stream.events.snapshot()),
                "events_cut": self._cut,
                "bytes": self._cost,
                "emf_documents": self._emf_documents,
                "emf_rejected": self._emf_rejected,
            }

    def next_due(self) -> float:
        """When run_due has work again, epoch seconds; infinite if none is foreseen."""
        return min((group.metric_filters.next_due() for group in self.groups()), default=float("inf"))

    def run_due(self, now: float) -> None:
        """Publishes the default values of metric filters for minutes over at ``now`` (epoch seconds)."""
        data = [datum for group in self.groups() for datum in group.metric_filters.due(int(now * 1000))]
        if data:
            self._metrics(data)

    def _embedded(self, group: Group, events: Sequence[tuple[int, bytes]], now_ms: int) -> list[Datum]:
        """What is embedded in events, and CloudWatch Logs' own metrics on what could not be read."""
        data: list[Datum] = []
        refused: Counter[str] = Counter()
        found = 0
        for _timestamp, message in events:
            if not emf.may_hold_metrics(message):
                continue
            found += 1
            try:
                data.extend(emf.data_in(message, now_ms))
            except emf.EmfError as error:
                refused[error.metric] += 1
                log.info("an embedded metric document was refused: %s", error)
        if found:
            with self._lock:
                self._emf_documents += found
                self._emf_rejected += refused.total()
        return data + [emf.failures(group.name, metric, count, now_ms) for metric, count in refused.items()]

    def _arn(self, group: str) -> str:
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{group}"

    def _change(self, stream: Stream, change: Callable[[Chunks], object]) -> None:
        before = stream.events.cost
        change(stream.events)
        self._cost += stream.events.cost - before

    def _cut_to_cap(self) -> None:
        if not self._cut:
            log.warning("logs reached their cap of %d bytes; the oldest events are cut from now on", self._cap)
        homes = [(group, stream) for group in self._groups.values() for stream in group.streams.values()]
        streams = [stream for _, stream in homes]
        oldest = [(bounds[0], n) for n, stream in enumerate(streams) if (bounds := stream.events.bounds)]
        heapq.heapify(oldest)
        while oldest and self._cost > self._cap * _CUT_TO:
            _, n = heapq.heappop(oldest)
            events = streams[n].events
            before = events.cost
            self._touch(*homes[n])
            self._cut += events.drop_oldest()
            self._cost -= before - events.cost
            if bounds := events.bounds:
                heapq.heappush(oldest, (bounds[0], n))

    def _new_stream(self, group: Group, name: str, created: int, number: int) -> Stream:
        events = Chunks(first_sequence=number << _SEQUENCE_BITS)
        return Stream(name, f"{group.arn}:log-stream:{name}", created, number, events)

    # -- keeping

    def _touch(self, group: Group, stream: Stream, *, gone: bool = False) -> None:
        if self._touched is not None:
            self._touched[stream.number] = None if gone else (group, stream)

    @contextmanager
    def touched(self) -> Iterator[dict[int, tuple[Group, Stream] | None]]:
        """The streams that changed since it was last emptied, by number, None for one that is gone.

        Within the block nothing changes. The first call begins it.
        """
        with self._lock:
            if self._touched is None:
                self._touched = {}
            yield self._touched

    def restore_group(self, name: str, created: int, log_class: str, retention_days: int | None) -> Group:
        """Make a group as it was."""
        with self._lock:
            group = self._groups[name] = Group(name, self._arn(name), created, log_class, retention_days)
            return group

    def restore_stream(self, group: Group, name: str, created: int, number: int) -> Stream:
        """Make a stream as it was; fill its ``events`` and call ``settle``."""
        with self._lock:
            self._streams += 1
            self._streams_made = max(self._streams_made, number)
            stream = group.streams[name] = self._new_stream(group, name, created, number)
            return stream

    def settle(self) -> None:
        """After streams were restored: count what they cost, and see to the cap."""
        with self._lock:
            self._cost = sum(s.events.cost for group in self._groups.values() for s in group.streams.values())
            if self._cost > self._cap:
                self._cut_to_cap()
