"""The on-call inbox: pages come in by SNS over HTTP or from the alarms' history, and become incidents.

What was sent and what people did is stored (``Inbox``); which incident a page belongs to and how an incident stands
follows from that by pure functions (``grouping``).
"""

from __future__ import annotations

from kit.incidents.grouping import JOIN_S, QUIET_S, REOPEN_S
from kit.incidents.inbox import Inbox, open_inbox
from kit.incidents.model import Act, Entry, Incident, Page

__all__ = ["JOIN_S", "QUIET_S", "REOPEN_S", "Act", "Entry", "Inbox", "Incident", "Page", "open_inbox"]
