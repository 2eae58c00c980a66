"""The services' settings: read once from the environment, strictly; nothing else here reads it.

Telemetry reads its own variables (``OTEL_*``, ``AWS_*``, ``TELEMETRY_*``), gunicorn's configuration ``HOST``, ``PORT``,
``WEB_WORKERS`` and ``WEB_THREADS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

PAYMENTS_URL = "http://127.0.0.1:8081"
PAYMENTS_TIMEOUT_S = 2.0


class SettingsError(Exception):
    """A variable that cannot be used: one line that names it and the remedy."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What both services need. ``faults_state`` is None when fault injection does not exist here."""

    database_url: str
    faults_state: Path | None = None


@dataclass(frozen=True, slots=True)
class ShopSettings(ServiceSettings):
    """The shop's own: where payments answers, and for how long (seconds) the shop waits for it."""

    payments_url: str = PAYMENTS_URL
    payments_timeout_s: float = PAYMENTS_TIMEOUT_S


def read_shop(environ: Mapping[str, str]) -> ShopSettings:
    """Settings of the shop; raises SettingsError."""
    return ShopSettings(
        database_url=_database_url(environ, "shop"),
        faults_state=faults_state(environ),
        payments_url=base_url(environ, "PAYMENTS_URL", PAYMENTS_URL),
        payments_timeout_s=seconds(environ, "PAYMENTS_TIMEOUT_S", PAYMENTS_TIMEOUT_S),
    )


def read_payments(environ: Mapping[str, str]) -> ServiceSettings:
    """Settings of payments; raises SettingsError."""
    return ServiceSettings(database_url=_database_url(environ, "payments"), faults_state=faults_state(environ))


READERS: Mapping[str, Callable[[Mapping[str, str]], ServiceSettings]] = {"shop": read_shop, "payments": read_payments}


def faults_state(environ: Mapping[str, str]) -> Path | None:
    """The state file of the fault control; None unless ``FAULTS_ENABLED=1``."""
    enabled = environ.get("FAULTS_ENABLED", "0")
    if enabled not in ("0", "1"):
        raise SettingsError(f"FAULTS_ENABLED: {enabled!r} is neither 0 nor 1. Write 1 to allow fault injection.")
    if enabled == "0":
        return None
    path = environ.get("FAULTS_STATE", "")
    if not path:
        raise SettingsError("FAULTS_STATE: missing while FAULTS_ENABLED=1. Name the file its control writes.")
    return Path(path)


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
