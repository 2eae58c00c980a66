"""The canary's settings, read once from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from service.settings import SettingsError, base_url, seconds

NAMESPACE = "Shop"
INTERVAL_S = 10.0
DEADLINE_S = 5.0

_NAME = r"[A-Za-z0-9._-]{1,100}"


@dataclass(frozen=True, slots=True)
class CanarySettings:
    """``service`` is who is probed (the dimension of the metric), ``name`` the canary's own name in logs and traces."""

    url: str
    service: str
    name: str
    environment: str
    release: str
    interval_s: float
    deadline_s: float
    region: str
    endpoint_url: str
    daemon: tuple[str, int]
    log_group: str


def read_canary(environ: Mapping[str, str]) -> CanarySettings:
    """The settings that ``environ`` holds.

    ``CANARY_URL`` and ``CANARY_SERVICE`` say who is probed, ``CANARY_INTERVAL_S`` and ``CANARY_DEADLINE_S`` how often
    and for how long at most; the rest are OpenTelemetry's and AWS's own. Raises SettingsError.
    """
    resource = dict(pair.partition("=")[::2] for pair in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","))
    named = {
        "service": environ.get("CANARY_SERVICE") or "shop",
        "name": environ.get("OTEL_SERVICE_NAME") or "canary",
        "environment": unquote(resource.get("deployment.environment.name", "")) or "local",
        "release": unquote(resource.get("service.version", "")) or "dev",
    }
    for what, name in named.items():
        if not re.fullmatch(_NAME, name):
            raise SettingsError(f"the {what} {name!r}: use 1 to 100 letters, digits, '.', '_' or '-'.")
    interval_s = seconds(environ, "CANARY_INTERVAL_S", INTERVAL_S)
    deadline_s = seconds(environ, "CANARY_DEADLINE_S", min(DEADLINE_S, interval_s / 2))
    if deadline_s >= interval_s:
        raise SettingsError("CANARY_DEADLINE_S: must be less than CANARY_INTERVAL_S, so that probes do not overlap.")
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    if not re.fullmatch(r"[a-z]{2,5}(-[a-z]+)+-\d", region):
        raise SettingsError(f"AWS_REGION: {region!r} is not a Region. Write it as us-east-1.")
    amazon = f"https://logs.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
    which = "AWS_ENDPOINT_URL_LOGS" if environ.get("AWS_ENDPOINT_URL_LOGS") else "AWS_ENDPOINT_URL"
    return CanarySettings(
        url=base_url(environ, "CANARY_URL", "http://127.0.0.1:8080"),
        interval_s=interval_s,
        deadline_s=deadline_s,
        region=region,
        endpoint_url=base_url(environ, which, amazon),
        daemon=_daemon(environ.get("AWS_XRAY_DAEMON_ADDRESS") or "127.0.0.1:2000"),
        log_group=f"/{NAMESPACE.lower()}/{named['environment']}/{named['name']}/logs",
        **named,
    )


def _daemon(text: str) -> tuple[str, int]:
    """The UDP half of ``host:port`` or ``tcp:host:port udp:host:port`` (AWS: "Using the X-Ray daemon")."""
    parts = text.split()
    udp = parts[0] if len(parts) == 1 else next((part[4:] for part in parts if part.startswith("udp:")), "")
    match = re.fullmatch(r"([A-Za-z0-9._-]+):([0-9]{1,5})", udp)
    if match is None or not 0 < int(match[2]) < 65_536:
        raise SettingsError(f"AWS_XRAY_DAEMON_ADDRESS: {text!r} is not an address. Write it as 127.0.0.1:2000.")
    return match[1], int(match[2])
