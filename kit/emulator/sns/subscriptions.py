"""HTTP and HTTPS subscriptions as SNS keeps them: pending until their token comes back, then notified.

Source: Amazon SNS Developer Guide, "Fanout Amazon SNS notifications to HTTPS endpoints". moto takes such a subscription
for confirmed at once and posts in the publisher's thread, so four methods of its classes are replaced.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

from kit.emulator.sns import messages
from kit.emulator.sns.messages import Post

_PROTOCOLS = ("http", "https")
_TOKEN_LENGTH = 64


# Where the emulator is reached whose request this thread answers: of the process, as it need not be the one that has
# been installed last.
_answering = threading.local()


class HttpSubscriptions:
    """The handshake and the notifications. ``send`` delivers a post; ``now`` is epoch seconds."""

    def __init__(self, send: Callable[[Post], None], now: Callable[[], float]) -> None:
        self._send = send
        self._now = now
        self.silent = False
        """While true nothing is sent: what is replayed was sent before."""

    def reached_at(self, base_url: str) -> None:
        """Say, in the thread that answers a request, where its sender reaches this emulator."""
        _answering.base_url = base_url

    def install(self) -> None:
        """Replace moto's methods; call once, after importing moto.

        Emulators that share a process, as in tests, share moto's state and classes: of those that are installed, the
        one that came last does the work, in whatever order they leave.
        """
        models, responses = import_module("moto.sns.models"), import_module("moto.sns.responses")
        if not _installed:
            _replace(models.SNSBackend, "subscribe", "_subscribe")
            _replace(models.Subscription, "publish", "_publish")
            _replace(responses.SNSResponse, "subscribe", "_answer_subscribe")
            _replace(responses.SNSResponse, "confirm_subscription", "_confirm")
            for name in ("list_subscriptions", "list_subscriptions_by_topic"):
                _replace(responses.SNSResponse, name, "_list")
        _installed.append(self)

    def uninstall(self) -> None:
        """Undo what install did."""
        if self not in _installed:
            return
        _installed.remove(self)
        if not _installed:
            for owner, name, before in _replaced:
                setattr(owner, name, before)
            _replaced.clear()

    def _subscribe(self, original: Callable[..., Any], backend: Any, *arguments: Any, **named: Any) -> Any:
        subscription = original(backend, *arguments, **named)
        if subscription.protocol not in _PROTOCOLS or subscription.confirmed:
            return subscription
        if not hasattr(subscription, "token"):
            random = import_module("moto.moto_api._internal").mock_random
            subscription.token = random.get_random_hex(_TOKEN_LENGTH)
            subscription.base_url = getattr(_answering, "base_url", "http://127.0.0.1:4566")
            subscription.attributes |= {"PendingConfirmation": True, "ConfirmationWasAuthenticated": False}
        if not self.silent:
            self._send(
                messages.confirmation(
                    subscription.endpoint,
                    subscription.topic.arn,
                    subscription.token,
                    subscription.base_url,
                    self._now(),
                )
            )
        return subscription

    def _publish(self, original: Callable[..., Any], subscription: Any, *arguments: Any, **named: Any) -> None:
        if subscription.protocol not in _PROTOCOLS:
            original(subscription, *arguments, **named)
        elif subscription.confirmed:
            self._notify(subscription, *arguments, **named)

    def _notify(
        self,
        subscription: Any,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        message_structure: str | None = None,
        **_fifo: Any,
    ) -> None:
        policy = subscription._filter_policy_matcher  # noqa: SLF001 - moto offers no other way to ask it
        if policy is not None and not policy.matches(message_attributes, message):
            return
        if message_structure == "json":
            message = subscription._parse_message_structure(message, subscription.protocol)  # noqa: SLF001
        what = messages.Notification(subscription.topic.arn, message_id, message, subject, message_attributes or {})
        if str(subscription.attributes.get("RawMessageDelivery", "")).lower() == "true":
            self._send(messages.raw(subscription.endpoint, subscription.arn, what))
            return
        post = messages.notification(subscription.endpoint, subscription.arn, what, subscription.base_url, self._now())
        self._send(post)

    def _answer_subscribe(self, original: Callable[..., Any], response: Any) -> Any:
        answer = original(response)
        subscription = response.backend.subscriptions.get(answer.result["SubscriptionArn"])
        wants_arn = str(response._get_param("ReturnSubscriptionArn")).lower() == "true"  # noqa: SLF001
        if subscription is not None and _is_pending(subscription) and not wants_arn:
            answer.result["SubscriptionArn"] = "pending confirmation"
        return answer

    def _confirm(self, original: Callable[..., Any], response: Any) -> Any:
        answer = original(response)
        topic, token = (response._get_param(name) for name in ("TopicArn", "Token"))  # noqa: SLF001
        for subscription in response.backend.subscriptions.values():
            if subscription.topic.arn == topic and token and getattr(subscription, "token", None) == token:
                subscription.confirmed = True
                subscription.attributes["PendingConfirmation"] = False
                answer.result["SubscriptionArn"] = subscription.arn
                return answer
        raise import_module("moto.sns.exceptions").SNSInvalidParameter("Invalid parameter: Token")

    def _list(self, original: Callable[..., Any], response: Any) -> Any:
        answer = original(response)
        answer.result["Subscriptions"] = [_listed(item) for item in answer.result["Subscriptions"]]
        return answer


_installed: list[HttpSubscriptions] = []
_replaced: list[tuple[type, str, Any]] = []


def _replace(owner: type, name: str, by: str) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def method(it: Any, *arguments: Any, **named: Any) -> Any:
        return getattr(_installed[-1], by)(original, it, *arguments, **named)

    _replaced.append((owner, name, original))
    setattr(owner, name, method)


def _is_pending(subscription: Any) -> bool:
    return subscription.protocol in _PROTOCOLS and not subscription.confirmed


def _listed(subscription: Any) -> dict[str, str]:
    return {
        "SubscriptionArn": "PendingConfirmation" if _is_pending(subscription) else subscription.arn,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": subscription.topic.arn,
    }
