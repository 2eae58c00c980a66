"""Which incident a page belongs to, and how an incident stands: pure functions of what was stored.

Pages of one cause become one incident. What the cause is nobody knows at that moment, so the rule goes by what is
known, and leans towards a new incident where an old one could swallow news:

1. An alarm that is in an incident already goes on there while it is unresolved, and for ``REOPEN_S`` after.
2. An alarm of the same service goes there too, if the incident's last page or its end is less than ``REOPEN_S`` away.
3. An alarm of another service goes there if the incident's last page is less than ``JOIN_S`` away: what breaks at the
   same time mostly breaks together.
4. Else it is a new incident.

The service of an alarm is its name up to the first dash, ``practice-`` aside (names are
``<service>-<objective>-<tier>``): a notification carries no tags. Where several incidents would do, the one with the
latest page is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from kit.incidents.model import ALARM, NO_ALARM, OK, Act, Entry, Incident, Page, Severity, State

JOIN_S = 300.0
REOPEN_S = 900.0
QUIET_S = 300.0
"""An incident all of whose alarms have been OK for so long is resolved by itself."""

PRACTICE = "practice-"
_ITSELF = "kit"


def service_of(alarm: str) -> str:
    """``shop`` for ``practice-shop-checkout-availability-page-fast``."""
    return alarm.removeprefix(PRACTICE).partition("-")[0]


def choose(page: Page, incidents: Iterable[Incident]) -> int | None:
    """The id of the incident that ``page`` belongs to, None for a new one (ALARM) or none (OK and the like).

    ``incidents`` are as they stood at ``page.at``; see ``stand``.
    """
    fitting = [found for found in incidents if (_takes(found, page) if page.state == ALARM else _follows(found, page))]
    return max(fitting, key=lambda found: (found.last_page, found.id)).id if fitting else None


def _takes(incident: Incident, page: Page) -> bool:
    """Rules 1 to 3. A page that came late may be older than what the incident has: distances count both ways."""
    if page.at < incident.opened:
        return incident.opened - page.at < JOIN_S
    ended = incident.resolved
    near_end = ended is None or page.at - ended < REOPEN_S
    if page.alarm in incident.alarms and page.alarm != NO_ALARM:
        return near_end
    since = page.at - incident.last_page
    if page.alarm != NO_ALARM and service_of(page.alarm) in {service_of(alarm) for alarm in incident.alarms if alarm}:
        return since < REOPEN_S or (ended is not None and near_end)
    return ended is None and since < JOIN_S


def _follows(incident: Incident, page: Page) -> bool:
    return page.alarm in incident.alarms and page.alarm != NO_ALARM and page.at >= incident.opened - QUIET_S


def stand(number: int, pages: Iterable[Page], acts: Iterable[Act], now: float) -> Incident:
    """The incident as it stands at ``now`` (epoch seconds); at least one page must be of the state ALARM.

    Everything is taken in the order in which it happened, however it came in. Between two things that happened, and
    after the last, the incident ends by itself when all its alarms have been OK for ``QUIET_S``. A later ALARM opens
    it again, and so does the first page of an incident that was only a ticket when it was acknowledged.
    """
    known = sorted(pages, key=lambda page: (page.at, page.received, page.id))
    happened: list[Page | Act] = sorted([*known, *acts], key=lambda each: (each.at, isinstance(each, Act)))
    first = next(page for page in known if page.state == ALARM)
    course = _Course()
    for each in happened:
        course.rest_until(each.at)
        if isinstance(each, Page):
            course.page(each)
        else:
            course.act(each)
    course.rest_until(now)
    fired = [page for page in known if page.state == ALARM]
    return Incident(
        id=number,
        state=course.state,
        severity=course.severity,
        title=_title(first, course.alarms),
        about=first.about,
        opened=first.at,
        last_page=fired[-1].at,
        alarms=course.alarms,
        pages=len(fired),
        reopened=course.reopened,
        first_ack=course.first_ack,
        acknowledged=course.acknowledged,
        acknowledged_by=course.acknowledged_by,
        resolved=course.resolved,
        resolved_by=course.resolved_by,
        timeline=tuple(course.timeline),
    )


def _title(first: Page, alarms: Sequence[str] | dict[str, str]) -> str:
    if first.alarm == NO_ALARM:
        return first.about or first.reason
    others = len(alarms) - 1
    return first.alarm + (f" and {others} more" if others else "")


@dataclass(slots=True)
class _Course:
    """An incident while it is told from its beginning."""

    state: State = "open"
    severity: Severity = "ticket"
    alarms: dict[str, str] = field(default_factory=dict)
    reopened: int = 0
    first_ack: float | None = None
    acknowledged: float | None = None
    acknowledged_by: str | None = None
    resolved: float | None = None
    resolved_by: str | None = None
    timeline: list[Entry] = field(default_factory=list)
    _begun: bool = False
    _last_change: float = 0.0

    def rest_until(self, moment: float) -> None:
        """What happens while nothing happens."""
        quiet_at = self._last_change + QUIET_S
        calm = self._begun and bool(self.alarms) and all(state == OK for state in self.alarms.values())
        if self.state != "resolved" and calm and quiet_at <= moment:
            self._resolve(quiet_at, _ITSELF, f"all alarms have been OK for {QUIET_S / 60:.0f} min")

    def page(self, page: Page) -> None:
        self.alarms[page.alarm] = page.state
        self._last_change = page.at
        if page.state != ALARM:
            self.timeline.append(Entry(page.at, "ok", page.alarm, page.reason))
            return
        louder = page.severity == "page" and self.severity == "ticket" and self._begun
        self.timeline.append(Entry(page.at, page.severity, page.alarm or _sender(page), page.reason))
        if self.state == "resolved" or (louder and self.state == "acknowledged"):
            why = "it had been resolved" if self.state == "resolved" else "it had been a ticket until now"
            self.timeline.append(Entry(page.at, "opened again", _ITSELF, why))
            self.reopened += 1
            self.state, self.resolved, self.resolved_by = "open", None, None
            self.acknowledged, self.acknowledged_by = None, None
        if page.severity == "page":
            self.severity = "page"
        self._begun = True

    def act(self, act: Act) -> None:
        if act.kind == "resolve":
            if self.state != "resolved":
                self._resolve(act.at, act.actor, act.text)
            return
        self.timeline.append(Entry(act.at, act.kind, act.actor, act.text))
        if act.kind == "ack" and self.state == "open":
            self.state, self.acknowledged, self.acknowledged_by = "acknowledged", act.at, act.actor
            self.first_ack = act.at if self.first_ack is None else self.first_ack

    def _resolve(self, at: float, actor: str, text: str) -> None:
        self.state, self.resolved, self.resolved_by = "resolved", at, actor
        self.timeline.append(Entry(at, "resolve", actor, text))


def _sender(page: Page) -> str:
    return page.topic.rpartition(":")[2] or _ITSELF
