"""What happens to a message that SNS posts: whether it is believed, and what follows.

On AWS it must be signed by SNS. The embedded AWS has no key that Amazon vouches for and signs nothing: there only the
secret in the path and an address on this machine speak for it. A topic must be one of the stage's either way. A
subscription is confirmed by the API with the token that came, never by visiting an address that a message names.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from kit import aws
from kit.errors import KitError
from kit.incidents.inbox import Inbox, with_severity
from kit.incidents.messages import LARGEST, Envelope, MessageError, read_envelope, read_page
from kit.incidents.signature import verify
from kit.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and text for SNS. It tries again on 5xx and 429, and takes any other 4xx for final."""

    status: int
    text: str


class Receiver:
    """Takes posts for one stage. ``confirm(topic, token)`` speaks to SNS; ``now()`` gives epoch seconds."""

    def __init__(
        self,
        settings: Settings,
        inbox: Inbox,
        now: Callable[[], float],
        *,
        private_networks: bool = False,
        confirm: Callable[[str, str], None] | None = None,
    ) -> None:
        """``private_networks``: an unsigned message may come from there too, as it does between containers."""
        self._settings = settings
        self._inbox = inbox
        self._now = now
        self._private_networks = private_networks
        self._confirm = confirm or self._confirm_by_api
        self._signed = settings.endpoint_url is None

    def take(self, body: bytes, sender: str | None) -> Answer:
        """``body`` as posted by the address ``sender``."""
        if len(body) > LARGEST:
            return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too long for a message of SNS")
        try:
            envelope = read_envelope(body)
            self._believe(envelope, sender)
        except MessageError as error:
            log.warning("a message was refused: %s", error)
            return Answer(HTTPStatus.FORBIDDEN, f"refused: {error}")
        try:
            return self._act(envelope)
        except (KitError, BotoCoreError, ClientError) as error:
            log.warning("a message could not be taken: %s", error)
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, "not taken; try again")

    def _believe(self, envelope: Envelope, sender: str | None) -> None:
        if envelope.topic not in self._settings.stage.actions.values():
            raise MessageError("the topic is none of this stage")
        if self._signed:
            verify(envelope, self._now())
        elif not _near(sender, private_networks=self._private_networks):
            raise MessageError("it is not signed, and not from this machine")

    def _act(self, envelope: Envelope) -> Answer:
        if envelope.kind == "SubscriptionConfirmation":
            self._confirm(envelope.topic, envelope.fields["Token"])
            return Answer(HTTPStatus.OK, "confirmed")
        if envelope.kind == "Notification":
            page = with_severity(read_page(envelope, self._now()), dict(self._settings.stage.actions))
            self._inbox.receive(page)
        return Answer(HTTPStatus.OK, "taken")

    def _confirm_by_api(self, topic: str, token: str) -> None:
        sns: Any = aws.client(self._settings, "sns", attempts=2, read_timeout_s=4)
        sns.confirm_subscription(TopicArn=topic, Token=token)


def _near(sender: str | None, *, private_networks: bool) -> bool:
    try:
        address = ipaddress.ip_address(sender or "")
    except ValueError:
        return False
    return address.is_loopback or (private_networks and address.is_private)
