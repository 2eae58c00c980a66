"""One engine a service and Region, made when it is first asked for, and the wiring between them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from kit.emulator.clock import Clock
from kit.emulator.cloudwatch.dashboards import Dashboards
from kit.emulator.cloudwatch.engine import Engine as CloudWatchEngine
from kit.emulator.events import AlarmEvents
from kit.emulator.logs.engine import Engine as LogsEngine
from kit.emulator.protocol import AwsError
from kit.emulator.xray.engine import Engine as XRayEngine
from kit.evaluation.alarm import EXTRA_PERIODS

E = TypeVar("E")
Notify = Callable[[str, str, str], None]

# AWS has fewer Regions; the bound keeps a client that invents names from growing the process.
_MOST_REGIONS = 40


class Engines:
    """Every engine of this emulator.

    ``notify(topic_arn, subject, message)`` publishes to SNS; ``events`` carries alarm events to EventBridge.
    """

    def __init__(
        self,
        account: str,
        clock: Clock,
        notify: Notify,
        *,
        events: AlarmEvents | None = None,
        evaluation_range_extra: int = EXTRA_PERIODS,
    ) -> None:
        self._events = events
        self._account = account
        self._clock = clock
        self._notify = notify
        self._evaluation_range_extra = evaluation_range_extra
        self._lock = threading.RLock()
        self._dashboards = Dashboards()  # global on AWS
        self._cloudwatch: dict[str, CloudWatchEngine] = {}
        self._logs: dict[str, LogsEngine] = {}
        self._xray: dict[str, XRayEngine] = {}
        self._makers: Mapping[str, Callable[[str], Any]] = {
            "cloudwatch": self.cloudwatch,
            "logs": self.logs,
            "xray": self.xray,
        }

    def of(self, service: str, region: str) -> Any:
        """The engine of ``cloudwatch``, ``logs`` or ``xray`` in a Region. AwsError if there are too many Regions."""
        return self._makers[service](region)

    def cloudwatch(self, region: str) -> CloudWatchEngine:
        """CloudWatch's engine in a Region."""
        return self._of(self._cloudwatch, region, self._new_cloudwatch)

    def _new_cloudwatch(self, region: str) -> CloudWatchEngine:
        engine = CloudWatchEngine(
            region,
            self._account,
            self._clock,
            self._notify,
            dashboards=self._dashboards,
            evaluation_range_extra=self._evaluation_range_extra,
        )
        if self._events is not None:
            self._events.follow(engine.alarms)
        return engine

    def logs(self, region: str) -> LogsEngine:
        """CloudWatch Logs' engine in a Region; the metrics it finds in events go to CloudWatch there."""
        return self._of(self._logs, region, self._new_logs)

    def _new_logs(self, region: str) -> LogsEngine:
        return LogsEngine(region, self._account, self._clock, self.cloudwatch(region).record)

    def xray(self, region: str) -> XRayEngine:
        """X-Ray's engine in a Region."""
        return self._of(self._xray, region, lambda named: XRayEngine(named, self._account, self._clock))

    def alarm_engines(self) -> list[CloudWatchEngine]:
        """Every CloudWatch engine there is so far."""
        with self._lock:
            return list(self._cloudwatch.values())

    def timed_engines(self) -> Sequence[LogsEngine | CloudWatchEngine]:
        """Every engine with work at certain times; logs first, whose metrics the alarms of that time may read."""
        with self._lock:
            return [*self._logs.values(), *self._cloudwatch.values()]

    @property
    def clock(self) -> Clock:
        """What tells the time here."""
        return self._clock

    @property
    def dashboards(self) -> Dashboards:
        """The account's dashboards, which every Region shows."""
        return self._dashboards

    def all(self) -> Sequence[CloudWatchEngine | LogsEngine | XRayEngine]:
        """Every engine there is so far."""
        with self._lock:
            return [*self._cloudwatch.values(), *self._logs.values(), *self._xray.values()]

    def evaluations(self) -> int:
        """How many times a metric alarm has been evaluated so far, in all Regions."""
        return sum(engine.evaluations for engine in self.alarm_engines())

    def wait_idle(self, seconds: float) -> bool:
        """Wait until what alarms have set off is done, for so many seconds at most; whether that is so."""
        deadline = time.monotonic() + seconds
        done = [engine.alarms.actions.wait_idle(deadline - time.monotonic()) for engine in self.alarm_engines()]
        if self._events is not None:
            done.append(self._events.wait_idle(deadline - time.monotonic()))
        return all(done)

    def reset(self) -> None:
        """Forget everything; the caller sees to it that nobody is asking, and that nothing is being evaluated."""
        with self._lock:
            gone = self.alarm_engines()
            self._cloudwatch, self._logs, self._xray = {}, {}, {}
            self._dashboards = Dashboards()
        for engine in gone:
            engine.close()
        if self._events is not None:
            self._events.forget()

    def close(self) -> None:
        """End the engines' own threads."""
        for engine in self.alarm_engines():
            engine.close()
        if self._events is not None:
            self._events.close()

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """For the health page: what each engine holds and has dropped, and how punctual its evaluations are."""
        with self._lock:
            cloudwatch, logs, xray = dict(self._cloudwatch), dict(self._logs), dict(self._xray)
        return (
            {f"cloudwatch {region}": engine.counts() for region, engine in cloudwatch.items()}
            | {f"logs {region}": engine.counts() for region, engine in logs.items()}
            | {f"xray {region}": engine.counts() for region, engine in xray.items()}
        )

    def _of(self, engines: dict[str, E], region: str, make: Callable[[str], E]) -> E:
        found = engines.get(region)
        if found is not None:
            return found
        with self._lock:
            if region not in engines:
                if len(engines) >= _MOST_REGIONS:
                    raise AwsError("UnrecognizedClientException", f"Region {region} is one too many for this emulator.")
                engines[region] = make(region)
            return engines[region]
