"""The services' settings: read once from the environment, strictly; nothing else here reads it.

Telemetry reads its own variables (``OTEL_*``, ``AWS_*``, ``TELEMETRY_*``), gunicorn's configuration ``HOST``, ``PORT``,
``WEB_WORKERS`` and ``WEB_THREADS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAYMENTS_URL = "http://127.0.0.1:8081"
PAYMENTS_TIMEOUT_S = 5.0
RECOMMENDER_TIMEOUT_S = 0.3
POOL_SIZE = 10
POOL_TIMEOUT_S = 5.0
SHED_ABOVE = 20
RETRY_PAUSE_S = 0.05


class SettingsError(Exception):
    """A variable that cannot be used: one line that names it and the remedy."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What both services need. ``faults_state`` is None when fault injection does not exist here.

    ``pool_size``: database connections of one process at most; ``pool_timeout_s``: how long a request waits for one.
    """

    database_url: str
    faults_state: Path | None = None
    pool_size: int = POOL_SIZE
    pool_timeout_s: float = POOL_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Retries:
    """How often the shop asks payments again after an error: ``most`` times a charge, 0 for never.

    Before each it pauses for a random time up to ``pause_s``, doubled from one to the next. ``budget`` is how many
    retries 100 charges may cause together; None is without limit, which is what retry storms are made of.
    """

    most: int = 0
    budget: int | None = None
    pause_s: float = RETRY_PAUSE_S


@dataclass(frozen=True, slots=True)
class ShopSettings(ServiceSettings):
    """The shop's own: where payments answers, for how long (seconds) the shop waits for it, and how it saves itself.

    ``payments_at_once``: charges under way in one process at most; ``shed_above``: requests, likewise. 0 is without
    limit. ``recommender_url``: empty is for a shop without recommendations; ``fallback``: it shows carts without them.
    """

    payments_url: str = PAYMENTS_URL
    payments_timeout_s: float = PAYMENTS_TIMEOUT_S
    payments_at_once: int = 0
    retries: Retries = Retries()
    shed_above: int = 0
    recommender_url: str = ""
    recommender_timeout_s: float = RECOMMENDER_TIMEOUT_S
    fallback: bool = True


def read_shop(environ: Mapping[str, str]) -> ShopSettings:
    """Settings of the shop; raises SettingsError."""
    budget = environ.get("PAYMENTS_RETRY_BUDGET", "")
    return ShopSettings(
        **_common(environ, "shop"),
        payments_url=base_url(environ, "PAYMENTS_URL", PAYMENTS_URL),
        payments_timeout_s=seconds(environ, "PAYMENTS_TIMEOUT_S", PAYMENTS_TIMEOUT_S),
        payments_at_once=whole_number(environ, "PAYMENTS_AT_ONCE", 0, 0, 1_000),
        retries=Retries(
            most=whole_number(environ, "PAYMENTS_RETRIES", 0, 0, 5),
            budget=whole_number(environ, "PAYMENTS_RETRY_BUDGET", 0, 0, 100) if budget else None,
            pause_s=seconds(environ, "PAYMENTS_RETRY_PAUSE_S", RETRY_PAUSE_S),
        ),
        shed_above=whole_number(environ, "SHED_ABOVE", SHED_ABOVE, 0, 1_000),
        # The recommender is so small that it lives in the shop's own process, behind its own address.
        recommender_url=base_url(environ, "RECOMMENDER_URL", f"http://127.0.0.1:{environ.get('PORT') or 8080}"),
        recommender_timeout_s=seconds(environ, "RECOMMENDER_TIMEOUT_S", RECOMMENDER_TIMEOUT_S),
        fallback=switch(environ, "RECOMMENDER_FALLBACK", default=True),
    )


def read_payments(environ: Mapping[str, str]) -> ServiceSettings:
    """Settings of payments; raises SettingsError."""
    return ServiceSettings(**_common(environ, "payments"))


def _common(environ: Mapping[str, str], service: str) -> dict[str, Any]:
    return {
        "database_url": _database_url(environ, service),
        "faults_state": faults_state(environ),
        "pool_size": whole_number(environ, "DB_POOL_SIZE", POOL_SIZE, 1, 1_000),
        "pool_timeout_s": seconds(environ, "DB_POOL_TIMEOUT_S", POOL_TIMEOUT_S),
    }


READERS: Mapping[str, Callable[[Mapping[str, str]], ServiceSettings]] = {"shop": read_shop, "payments": read_payments}


def faults_state(environ: Mapping[str, str]) -> Path | None:
    """The state file of the fault control; None unless ``FAULTS_ENABLED=1``."""
    if not switch(environ, "FAULTS_ENABLED", default=False):
        return None
    path = environ.get("FAULTS_STATE", "")
    if not path:
        raise SettingsError("FAULTS_STATE: missing while FAULTS_ENABLED=1. Name the file its control writes.")
    return Path(path)


def switch(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    """1 or 0; raises SettingsError."""
    text = environ.get(name, "") or str(int(default))
    if text not in ("0", "1"):
        raise SettingsError(f"{name}: {text!r} is neither 0 nor 1. Write 1 for yes or 0 for no.")
    return text == "1"


def whole_number(environ: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """A whole number within bounds; raises SettingsError."""
    text = environ.get(name, "") or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise SettingsError(f"{name}: {text!r} is not a whole number from {low} to {high}. Mend or unset it.")
    return int(text)


def _database_url(environ: Mapping[str, str], service: str) -> str:
    url = environ.get("DATABASE_URL", "") or f"sqlite:///.kit/data/{service}.db"
    # The value may hold a password: the message must not repeat it.
    if not re.match(r"[a-z0-9]+(\+[a-z0-9]+)?://", url):
        raise SettingsError(
            "DATABASE_URL: not an SQLAlchemy URL. Write it as sqlite:///shop.db or postgresql+psycopg://…"
        )
    return url


def base_url(environ: Mapping[str, str], name: str, default: str) -> str:
    """An http(s) address without a path or a closing slash; raises SettingsError."""
    url = (environ.get(name, "") or default).rstrip("/")
    if not re.fullmatch(r"https?://[^\s/?#@]+", url):
        raise SettingsError(f"{name}: {url!r} is not an http(s) address. Write it as {default}.")
    return url


def seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    """A number of seconds up to 60; raises SettingsError."""
    text = environ.get(name, "") or str(default)
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", text) or not 0 < float(text) <= 60:
        raise SettingsError(f"{name}: {text!r} is not a number of seconds up to 60. Mend or unset it.")
    return float(text)
