"""The requests that made what SNS, SQS and EventBridge hold, as rows; what a later request undid is thrown away.

<number>   a request, in the order in which they were made
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from kit.emulator.keeping.rows import Drop, Put, Read, Row
from kit.emulator.kept_requests import KeptRequest, Repeats

_SUBSCRIPTION = re.compile(rb"<SubscriptionArn>(arn:[^<]+)</SubscriptionArn>")

# What is deleted whole, and by which parameter it is named.
_DELETIONS: Mapping[str, str] = {
    "DeleteTopic": "TopicArn",
    "DeleteQueue": "QueueUrl",
    "DeleteRule": "Name",
    "DeleteEventBus": "Name",
    "DeleteArchive": "ArchiveName",
    "DeleteConnection": "Name",
    "DeleteApiDestination": "Name",
}
# Asked again they come to the same, whatever was asked in between: only the last of equal ones counts.
_OVERWRITING = (
    *("Set", "Tag", "Untag", "Enable", "Disable", "PutTargets", "RemoveTargets"),
    *("AddPermission", "RemovePermission", "PutPermission"),
)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(KeptRequest).decode


class KeptServices:
    """A room of the keeper's, and the list that is asked again at the next start. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[int, KeptRequest] = {}
        self._changed: dict[int, None] = {}
        self._next = 1
        self._repeats = Repeats()

    def __len__(self) -> int:
        return len(self._requests)

    def all(self) -> list[KeptRequest]:
        """Every request that still counts, oldest first."""
        with self._lock:
            return [self._requests[number] for number in sorted(self._requests)]

    def again(self, request: KeptRequest) -> None:
        """One of these has been asked again."""
        with self._lock:
            self._repeats.changes(request)

    def add(self, request: KeptRequest, answer: bytes) -> None:
        """Keep a request that succeeded; ``answer`` is what was answered."""
        made = _SUBSCRIPTION.search(answer) if request.action == "Subscribe" else None
        with self._lock:
            if not self._repeats.changes(request):
                return
            if made is not None:
                request = msgspec.structs.replace(request, made=made[1].decode())
            if self._undoes(request):
                return
            number = next(self._older(request), None) if request.action == "PutRule" else None
            if number is None:
                number, self._next = self._next, self._next + 1
            self._requests[number] = request
            self._changed[number] = None

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._changed.update(dict.fromkeys(self._requests))
            self._requests.clear()
            self._repeats = Repeats()

    def changes(self) -> list[Row]:
        """Requests that were added, replaced or thrown away."""
        with self._lock:
            changed = {number: self._requests.get(number) for number in self._changed}
            self._changed.clear()
        return [Put(str(n), _encode(request)) if request else Drop(str(n)) for n, request in changed.items()]

    def everything(self) -> list[Row]:
        """All requests."""
        with self._lock:
            self._changed = dict.fromkeys(sorted(self._requests))
        return self.changes()

    def load(self, read: Read) -> int:
        """Fills the list; nothing is asked yet."""
        unread = 0
        for key, body in read(""):
            try:
                self._requests[int(key)] = _decode(body)
            except (msgspec.DecodeError, ValueError):
                unread += 1
                continue
            self._next = max(self._next, int(key) + 1)
        return unread

    def _undoes(self, request: KeptRequest) -> bool:
        """Throws away what this request makes pointless; whether it is pointless itself then."""
        gone: list[int] = []
        if request.action in _DELETIONS or request.action == "Unsubscribe":
            gone = list(self._of_what_goes(request))
        elif request.action.startswith(_OVERWRITING):
            gone = list(self._older(request, exactly=True))
        made = any(self._requests[number].action.startswith(("Create", "Put", "Subscribe")) for number in gone)
        for number in gone:
            del self._requests[number]
            self._changed[number] = None
        # a stack may have made it too, or may have found it there: then its deletion must be asked again
        stacks = any(other.service == "cloudformation" for other in self._requests.values())
        return made and not stacks and not request.action.startswith(_OVERWRITING)

    def _of_what_goes(self, request: KeptRequest) -> Iterator[int]:
        """The requests about what this one deletes."""
        if request.action == "Unsubscribe":
            arn = str(request.parameters.get("SubscriptionArn"))
            return (
                n for n, other in self._near(request) if arn in (other.made, other.parameters.get("SubscriptionArn"))
            )
        kind, name = request.action.removeprefix("Delete"), _name(request.parameters.get(_DELETIONS[request.action]))
        bus = _bus(request.parameters)
        return (n for n, other in self._near(request) if name in _names(other, kind) and _bus(other.parameters) == bus)

    def _older(self, request: KeptRequest, *, exactly: bool = False) -> Iterator[int]:
        """Requests for the same; of the same content if ``exactly``."""
        parameters = request.parameters
        same = json.dumps(parameters, sort_keys=True, default=str)
        for number, other in self._near(request):
            if other.action != request.action:
                continue
            theirs = other.parameters
            if exactly:
                found = json.dumps(theirs, sort_keys=True, default=str) == same
            else:
                found = theirs.get("Name") == parameters.get("Name") and _bus(theirs) == _bus(parameters)
            if found:
                yield number

    def _near(self, request: KeptRequest) -> Iterator[tuple[int, KeptRequest]]:
        place = (request.service, request.region)
        return ((n, other) for n, other in self._requests.items() if (other.service, other.region) == place)


def _names(request: KeptRequest, kind: str) -> set[str]:
    """What a request is about, if it is about something of this kind: a Topic, Queue, Rule and so on."""
    asked = request.parameters
    match kind:
        case "Topic":
            arn = str(asked.get("SubscriptionArn") or "").rpartition(":")[0]
            named = [asked.get("TopicArn"), asked.get("ResourceArn"), arn]
            named += [asked.get("Name")] if request.action == "CreateTopic" else []
        case "Queue":
            named = [asked.get("QueueUrl"), asked.get("QueueName")]
        case "Rule":
            named = [asked.get("Rule"), asked.get("Name") if request.action.endswith("Rule") else None]
            arn = str(asked.get("ResourceARN") or "")
            named += [arn] if ":rule/" in arn else []
        case _:
            named = [asked.get(f"{kind}Name"), asked.get("Name") if request.action.endswith(kind) else None]
    return {_name(name) for name in named if name}


def _name(reference: Any) -> str:
    """The name in a name, an ARN or a queue's URL."""
    return re.split(r"[:/]", str(reference))[-1]


def _bus(parameters: Mapping[str, Any]) -> str:
    return _name(parameters.get("EventBusName") or "default")
