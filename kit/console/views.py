"""What the three pages show, as plain data for JSON. Times are epoch milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kit.charts.alarm import alarm_widget, threshold
from kit.charts.dashboard import Dashboard, DashboardError, Widget, read_dashboard
from kit.charts.drawing import Drawing, draw_metric, draw_still
from kit.charts.logs import draw_log
from kit.charts.queries import own_range
from kit.charts.theme import SCREEN
from kit.charts.timerange import TimeRange, choose_range
from kit.console.cloud import Cloud, MissingError
from kit.console.logs import LogReader, Read
from kit.console.pickers import Pickers
from kit.console.tiles import children, line_json, milliseconds, ribbon, tile, worst_first
from kit.console.watched import Watched, Watcher

DEFAULT_START = "-PT30M"
SPARKLINES = 100
RECENT = 12

Json = dict[str, Any]


class Views:
    """Puts the pages' data together. Every method raises KitError when the endpoint does not answer."""

    def __init__(self, cloud: Cloud, clock: Callable[[], float]) -> None:
        self._cloud = cloud
        self._clock = clock
        self._watcher = Watcher(cloud, clock)
        self._logs = LogReader(cloud, clock)
        self._pickers = Pickers(cloud, clock)

    def overview(self, choice: str | None) -> Json:
        """Every alarm with its state, its recent past and the series it watches; every dashboard."""
        shown = choose_range(DEFAULT_START, None, choice, self._clock())
        alarms = worst_first(self._cloud.alarms())
        changes = self._cloud.changes(shown.start, shown.end)
        sparks = self._sparklines(alarms[:SPARKLINES], shown)
        dashboards = self._cloud.dashboards()
        tiles = [
            tile(alarm)
            | {
                "ribbon": ribbon(alarm, changes, shown.start, shown.end),
                "spark": sparks.get(number),
                "children": [
                    {"name": child["AlarmName"], "state": child.get("StateValue")} for child in children(alarm, alarms)
                ],
            }
            for number, alarm in enumerate(alarms)
        ]
        recent = [
            {"alarm": c.alarm, "at": round(c.at * 1000), "before": c.before, "after": c.after, "reason": c.reason}
            for c in changes[:RECENT]
        ]
        return {
            **_status(alarms, [each.name for each in dashboards]),
            **_range(shown),
            "alarms": tiles,
            "changes": recent,
            "dashboards": [
                {"name": each.name, "modified": None if each.modified is None else round(each.modified * 1000)}
                for each in dashboards
            ],
        }

    def frame(self) -> Json:
        """What every page shows around its own: how many alarms are in which state, and the dashboards' names."""
        return _status(self._cloud.alarms(), [each.name for each in self._cloud.dashboards()])

    def alarm(self, name: str, choice: str | None) -> Json:
        """One alarm: definition, history, its children, and the graph of what it watches.

        Raises MissingError when there is none of this name.
        """
        alarms = self._cloud.alarms()
        alarm = next((each for each in alarms if each["AlarmName"] == name), None)
        if alarm is None:
            raise MissingError("alarm", f"there is none named {name}", "Put it with `kit apply`.")
        shown = choose_range(DEFAULT_START, None, choice, self._clock())
        changes = self._cloud.changes(shown.start, shown.end, name)
        past = ribbon(alarm, changes, shown.start, shown.end)
        widget = alarm_widget(alarm)
        drawn = None
        if widget is not None:
            watched = self._watcher.watch([widget], shown, adapt=True)[widget.index]
            drawn = _drawn(widget, self._drawing(widget, watched, shown, alarm), shown, watched.problem)
            drawn["spans"] = [{"t0": s, "t1": e, "color": SCREEN.alarm} for s, e, state in past if state == "ALARM"]
        return {
            **_status(alarms, [each.name for each in self._cloud.dashboards()]),
            **_range(shown),
            "alarm": tile(alarm) | {"ribbon": past},
            "definition": _definition(alarm),
            "children": [tile(child) for child in worst_first(children(alarm, alarms))],
            "parents": [tile(each) for each in alarms if alarm in children(each, alarms)],
            "history": [_history(item) for item in self._cloud.history(name)],
            "chart": drawn,
        }

    def dashboard(self, name: str, choice: str | None, asked: Mapping[str, str]) -> Json:
        """One dashboard, read back and drawn with the values ``asked`` for its variables (by id).

        Raises MissingError when there is none of this name.
        """
        body = self._cloud.dashboard_body(name)
        alarms = self._cloud.alarms()
        names = [each.name for each in self._cloud.dashboards()]
        try:
            dashboard = read_dashboard(body)
        except DashboardError as error:
            shown = choose_range(None, None, choice, self._clock())
            problem = f"{name} cannot be read: {error}"
            return {**_status(alarms, names), **_range(shown), "problem": problem, "widgets": [], "variables": []}
        dashboard, variables = self._pickers.choose(dashboard, asked)
        shown = choose_range(dashboard.start, dashboard.end, choice, self._clock())
        return {
            **_status(alarms, names),
            **_range(shown),
            "problem": None,
            "variables": variables,
            "widgets": self._widgets(dashboard, shown, alarms),
        }

    def _widgets(self, dashboard: Dashboard, shown: TimeRange, alarms: Sequence[Mapping[str, Any]]) -> list[Json]:
        by_arn = {alarm.get("AlarmArn"): alarm for alarm in alarms}
        logs = [widget for widget in dashboard.widgets if widget.type == "log" and not widget.problem]
        read = self._logs.read(logs, shown)
        still: dict[int, Drawing | None] = {
            widget.index: _log_drawing(widget, read[widget.index], shown)
            if widget.index in read
            else draw_still(widget)
            for widget in dashboard.widgets
        }
        watching: dict[int, Widget] = {}
        watched_alarm: dict[int, Mapping[str, Any]] = {}
        for widget in dashboard.widgets:
            if still[widget.index] is not None:
                continue
            alarm = by_arn.get(_annotated_alarm(widget))
            graph = alarm_widget(alarm, widget.index) if alarm is not None else None
            if alarm is not None and graph is not None:
                watched_alarm[widget.index] = alarm
                watching[widget.index] = replace(widget, properties={**widget.properties, **graph.properties})
            else:
                watching[widget.index] = widget
        data = self._watcher.watch(watching.values(), shown, adapt=dashboard.adapt_periods)
        tiles = {alarm["AlarmName"]: tile(alarm) for alarm in alarms}
        result = []
        for widget in dashboard.widgets:
            drawing, problem = still[widget.index], None
            messages: tuple[str, ...] = ()
            if drawing is None:
                mine = data[widget.index]
                drawn_widget = watching[widget.index]
                drawing = self._drawing(drawn_widget, mine, shown, watched_alarm.get(widget.index))
                problem, messages = mine.problem, mine.messages
            result.append(_drawn(widget, drawing, shown, problem, tiles) | {"messages": messages})
        return result

    @staticmethod
    def _drawing(widget: Widget, watched: Watched, shown: TimeRange, alarm: Mapping[str, Any] | None) -> Drawing:
        line = threshold(alarm, "") if alarm is not None else None
        return draw_metric(widget, watched.lines, shown, SCREEN, [replace(line, color=SCREEN.alarm)] if line else ())

    def _sparklines(self, alarms: Sequence[Mapping[str, Any]], shown: TimeRange) -> dict[int, Json]:
        widgets = [alarm_widget(alarm, number) for number, alarm in enumerate(alarms)]
        data = self._watcher.watch([widget for widget in widgets if widget], shown, adapt=True)
        return {
            number: {
                "t": watched.lines[0].times,
                "v": watched.lines[0].values,
                "threshold": alarms[number].get("Threshold"),
            }
            for number, watched in data.items()
            if watched.lines
        }


def _log_drawing(widget: Widget, read: Read, shown: TimeRange) -> Drawing:
    if read.rows is None:
        return Drawing("note", content=read.problem)
    return draw_log(widget, read.rows, own_range(widget, shown), SCREEN)


def _drawn(
    widget: Widget,
    drawing: Drawing,
    shown: TimeRange,
    problem: str | None,
    tiles: Mapping[str, Json] | None = None,
) -> Json:
    own = own_range(widget, shown)
    content = drawing.content
    kind: str = drawing.kind
    if problem:
        kind, content = "note", problem
    elif kind == "alarms":
        wanted = widget.properties.get("states")
        content = [
            (tiles or {}).get(name, {"name": name, "state": "MISSING", "reason": "There is no alarm of this name."})
            for name in content
        ]
        if isinstance(wanted, list):
            content = [each for each in content if each["state"] in wanted]
    return {
        "index": widget.index,
        "type": widget.type,
        "view": widget.view if widget.type in ("metric", "log") else None,
        "title": widget.title,
        "x": widget.x,
        "y": widget.y,
        "width": widget.width,
        "height": widget.height,
        "from": round(own.start * 1000),
        "to": round(own.end * 1000),
        "kind": kind,
        "spec": None if problem else drawing.spec,
        "spec_key": None if problem else drawing.spec_key,
        "params": drawing.params,
        "lines": [line_json(line) for line in drawing.lines],
        "points": drawing.points,
        "content": content,
    }


def _status(alarms: Sequence[Mapping[str, Any]], dashboards: Sequence[str]) -> Json:
    states = [str(alarm.get("StateValue")) for alarm in alarms]
    return {
        "counts": {state: states.count(state) for state in ("ALARM", "INSUFFICIENT_DATA", "OK")},
        "states": {alarm["AlarmName"]: alarm.get("StateValue") for alarm in alarms},
        "names": list(dashboards),
    }


def _range(shown: TimeRange) -> Json:
    return {
        "from": round(shown.start * 1000),
        "to": round(shown.end * 1000),
        "live": shown.live,
        "at": round(shown.end * 1000) if shown.live else None,
    }


def _annotated_alarm(widget: Widget) -> str | None:
    annotations = widget.properties.get("annotations")
    arns = annotations.get("alarms") if isinstance(annotations, dict) else None
    return arns[0] if isinstance(arns, list) and arns and isinstance(arns[0], str) else None


def _definition(alarm: Mapping[str, Any]) -> Json:
    """The definition without what the account adds to it."""
    served = ("State", "AlarmArn", "AlarmConfigurationUpdatedTimestamp", "EvaluationState", "ActionsSuppressedBy")
    return {
        key: value
        for key, value in alarm.items()
        if not key.startswith(served) and value not in (None, [], "") and key != "ActionsSuppressedReason"
    }


def _history(item: Mapping[str, Any]) -> Json:
    return {
        "at": milliseconds(item.get("Timestamp")),
        "type": item.get("HistoryItemType", ""),
        "summary": item.get("HistorySummary", ""),
        "data": item.get("HistoryData", ""),
    }
