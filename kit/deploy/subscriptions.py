"""A first person on call: an e-mail address subscribed to the topics of a stage."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kit import aws
from kit.deploy.stage import Account, own_topics, sns_client
from kit.deploy.topics import by_region, subscribe
from kit.errors import KitError
from kit.settings import Settings


def require_email(settings: Settings, email: str | None) -> None:
    """Refuse what is no address, and one for topics that are of another account."""
    if email is None:
        return
    if not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+", email):
        raise KitError("--email", f"{email!r} is not an e-mail address", "Write it as someone@example.org.")
    if not own_topics(settings):
        where = f"stages/{settings.stage.name}.yaml"
        raise KitError(where, "actions: names no topic of its own account to subscribe to", "Add page and ticket.")


def subscribe_all(account: Account, email: str | None) -> Iterator[str]:
    """Subscribe ``email`` to each topic of the stage, yielding those that now wait for its confirmation."""
    if email is None:
        return
    for region, arns in by_region(own_topics(account.settings)).items():
        sns = sns_client(account.settings, region)
        for arn in arns:
            with aws.readable_errors(account.settings, f"subscribing to {arn}"):
                asked = subscribe(sns, arn, email, account.call)
            if asked:
                yield arn
