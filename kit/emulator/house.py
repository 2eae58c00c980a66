"""Which engines there are, as rooms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kit.emulator.cloudwatch.engine import Engine as CloudWatchEngine
from kit.emulator.cloudwatch.kept_alarms import KeptAlarms
from kit.emulator.cloudwatch.kept_dashboards import KeptDashboards
from kit.emulator.cloudwatch.kept_metrics import KeptMetrics
from kit.emulator.engines import Engines
from kit.emulator.keeping.rows import Room
from kit.emulator.kept_clock import KeptClock
from kit.emulator.kept_services import KeptServices
from kit.emulator.logs.engine import Engine as LogsEngine
from kit.emulator.logs.kept import KeptLogs
from kit.emulator.protocol import AwsError
from kit.emulator.xray.engine import Engine as XRayEngine
from kit.emulator.xray.kept import KeptXRay

_DASHBOARDS = "dashboards"
_SERVICES = "services"
_CLOCK = "clock"


class House:
    """A room lasts as long as its engine: once the engines were reset, there are other rooms of the same names."""

    first = _CLOCK
    """See Rooms."""

    def __init__(self, engines: Engines, services: KeptServices) -> None:
        self._engines = engines
        self._services = services
        self._made: dict[str, tuple[object, Room]] = {}

    def rooms(self) -> Mapping[str, Room]:
        """See Rooms."""
        found: dict[str, Room] = {_SERVICES: self._services}
        dashboards = self._engines.dashboards
        found[_DASHBOARDS] = self._of(_DASHBOARDS, dashboards, lambda: KeptDashboards(dashboards))
        for engine in self._engines.all():
            for name, make in _rooms_of(engine).items():
                found[name] = self._of(name, engine, make)
        # last: what is read at a time may then be older than the clock, never younger; anew whenever all is forgotten
        found[_CLOCK] = self._of(_CLOCK, dashboards, self._new_clock)
        self._made = {name: made for name, made in self._made.items() if name in found}
        return found

    def room(self, name: str) -> Room | None:
        """See Rooms."""
        service, _, region = name.partition(" ")
        if region:
            engine_of: Mapping[str, Callable[[str], Any]] = {
                "metrics": self._engines.cloudwatch,
                "alarms": self._engines.cloudwatch,
                "logs": self._engines.logs,
                "xray": self._engines.xray,
            }
            if service not in engine_of:
                return None
            try:
                engine_of[service](region)
            except AwsError:  # too many Regions
                return None
        return self.rooms().get(name)

    def _new_clock(self) -> Room:
        return KeptClock(self._engines.clock, lambda: bool(self._engines.all()))

    def _of(self, name: str, engine: object, make: Callable[[], Room]) -> Room:
        made = self._made.get(name)
        if made is None or made[0] is not engine:
            made = self._made[name] = (engine, make())
        return made[1]


def _rooms_of(engine: CloudWatchEngine | LogsEngine | XRayEngine) -> Mapping[str, Callable[[], Room]]:
    match engine:
        case CloudWatchEngine():
            return {
                f"metrics {engine.region}": lambda: KeptMetrics(engine.metrics),
                f"alarms {engine.region}": lambda: KeptAlarms(engine.alarms, engine.region, engine.account),
            }
        case LogsEngine():
            return {f"logs {engine.region}": lambda: KeptLogs(engine)}
        case XRayEngine():
            return {f"xray {engine.region}": lambda: KeptXRay(engine)}
