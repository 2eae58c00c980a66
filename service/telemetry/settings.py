"""Settings, read once and strictly from the environment.

OpenTelemetry's and AWS's own variables where one exists (OpenTelemetry: "Environment Variable Specification"; AWS: "AWS
SDKs and Tools: Environment variables", "Running the X-Ray daemon"), ``TELEMETRY_*`` for the rest. An empty value is no
value. A value out of range, or a ``TELEMETRY_`` name that does not exist, is a SettingsError of one line.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from .names import NAMESPACE
from .otlp_settings import Otlp, exporter

Value = TypeVar("Value")

SAMPLERS = frozenset(
    {
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
        "xray",
    }
)
# CloudWatch Logs API: PutRetentionPolicy, retentionInDays.
RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})
KNOWN = frozenset(
    "TELEMETRY_" + name
    for name in (
        "NAMESPACE",
        "LOG_GROUP_PREFIX",
        "LOG_LEVEL",
        "LOG_CALLER",
        "LOG_QUEUE_BYTES",
        "EMF_QUEUE_BYTES",
        "SPAN_QUEUE",
        "RETENTION_DAYS",
        "CLOSE_SECONDS",
        "SPANS",
        "SPAN_QUEUE_BYTES",
        "SPILL_DIR",
        "SPILL_BYTES",
        "EMF",
        "METRIC_SERIES",
    )
)


class SettingsError(ValueError):
    """A setting that cannot be used: one line that names it, says what is wrong, and what would be right."""


@dataclass(frozen=True, slots=True)
class DaemonAddress:
    """Where the X-Ray daemon listens: (host, port) for segments (UDP) and for sampling rules (TCP)."""

    udp: tuple[str, int] = ("127.0.0.1", 2000)
    tcp: tuple[str, int] = ("127.0.0.1", 2000)


@dataclass(frozen=True)
class Settings:
    """All that the telemetry of one process needs to know.

    Credentials are not among it: boto3's own chain finds them. Caps are per process: the ``…_queue_bytes`` in bytes of
    memory that encoded records take while they wait for an endpoint, ``span_queue`` in ended spans that wait to be
    encoded, ``spill_bytes`` in bytes on disk for all signals together. ``spill_dir`` None: nothing goes to disk.
    ``metric_series``: the most series that one metric may have.
    """

    service: str
    environment: str = "local"
    release: str = "dev"
    region: str = "us-east-1"
    endpoint_url: str | None = None
    daemon: DaemonAddress = DaemonAddress()
    sampler: str = "parentbased_always_on"
    sampler_ratio: float = 1.0
    spans: str = "light"
    traces_exporter: str = "xray"
    xray_delivery: str = "daemon"
    xray_endpoint_url: str | None = None
    otlp: Otlp = field(default_factory=Otlp)
    disabled: bool = False
    namespace: str = NAMESPACE
    log_group_prefix: str = "/" + NAMESPACE.lower()
    log_level: str = "INFO"
    log_caller: bool = False
    log_queue_bytes: int = 8 * 1024 * 1024
    emf_queue_bytes: int = 2 * 1024 * 1024
    span_queue: int = 16_384
    span_queue_bytes: int = 8 * 1024 * 1024
    spill_dir: str | None = None
    spill_bytes: int = 256 * 1024 * 1024
    strict_emf: bool = False
    metric_series: int = 200
    retention_days: int = 14
    close_seconds: float = 5.0

    @property
    def log_group(self) -> str:
        """The log group of the JSON lines."""
        return f"{self.log_group_prefix}/{self.environment}/{self.service}/logs"

    @property
    def emf_group(self) -> str:
        """The log group of the embedded-metric-format documents."""
        return f"{self.log_group_prefix}/{self.environment}/{self.service}/emf"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, default_service: str = "") -> Settings:
        """Read every setting from ``environ`` (default: os.environ). Raises SettingsError."""
        read = _Reader(os.environ if environ is None else environ)
        read.refuse_unknown()
        resource: dict[str, str] = read("OTEL_RESOURCE_ATTRIBUTES", _resource, {})
        service = read("OTEL_SERVICE_NAME", _name, "") or _check(
            "OTEL_RESOURCE_ATTRIBUTES service.name", _name, resource.get("service.name") or default_service
        )
        namespace = read("TELEMETRY_NAMESPACE", _namespace, NAMESPACE)
        sampler = read("OTEL_TRACES_SAMPLER", _one_of(SAMPLERS), "parentbased_always_on")
        # The argument means a ratio to the ratio samplers only; others define it otherwise, so it is not read for them.
        ratio = read("OTEL_TRACES_SAMPLER_ARG", _ratio, 1.0) if sampler.endswith("ratio") else 1.0
        return cls(
            service=service,
            environment=_attribute(resource, "deployment.environment.name", "local"),
            release=_attribute(resource, "service.version", "dev"),
            region=read("AWS_REGION", _region, read("AWS_DEFAULT_REGION", _region, "us-east-1")),
            endpoint_url=read("AWS_ENDPOINT_URL_LOGS", _url, read("AWS_ENDPOINT_URL", _url, None)),
            daemon=read("AWS_XRAY_DAEMON_ADDRESS", _daemon, DaemonAddress()),
            sampler=sampler,
            sampler_ratio=ratio,
            spans=read("TELEMETRY_SPANS", _one_of(frozenset({"light", "sdk"})), "light"),
            traces_exporter=read("OTEL_TRACES_EXPORTER", exporter, "xray"),
            xray_delivery=read("XRAY_DELIVERY", _one_of(frozenset({"daemon", "api"})), "daemon"),
            xray_endpoint_url=read("AWS_ENDPOINT_URL_XRAY", _url, read("AWS_ENDPOINT_URL", _url, None)),
            otlp=Otlp.read(read),
            disabled=read("OTEL_SDK_DISABLED", _flag, default=False),
            namespace=namespace,
            log_group_prefix=read("TELEMETRY_LOG_GROUP_PREFIX", _group_prefix, "/" + namespace.lower()),
            log_level=read("TELEMETRY_LOG_LEVEL", _one_of(LEVELS), "INFO"),
            log_caller=read("TELEMETRY_LOG_CALLER", _one_of(frozenset({"on", "off"})), "off") == "on",
            log_queue_bytes=read("TELEMETRY_LOG_QUEUE_BYTES", _whole(65_536, 1 << 32), cls.log_queue_bytes),
            emf_queue_bytes=read("TELEMETRY_EMF_QUEUE_BYTES", _whole(65_536, 1 << 32), cls.emf_queue_bytes),
            span_queue=read("TELEMETRY_SPAN_QUEUE", _whole(1, 1 << 20), cls.span_queue),
            span_queue_bytes=read("TELEMETRY_SPAN_QUEUE_BYTES", _whole(65_536, 1 << 32), cls.span_queue_bytes),
            spill_dir=read("TELEMETRY_SPILL_DIR", _directory, _directory(tempfile.gettempdir())),
            spill_bytes=read("TELEMETRY_SPILL_BYTES", _whole(0, 1 << 40), cls.spill_bytes),
            strict_emf=read("TELEMETRY_EMF", _one_of(frozenset({"compact", "strict"})), "compact") == "strict",
            metric_series=read("TELEMETRY_METRIC_SERIES", _whole(1, 100_000), cls.metric_series),
            retention_days=read("TELEMETRY_RETENTION_DAYS", _retention, cls.retention_days),
            close_seconds=read("TELEMETRY_CLOSE_SECONDS", _seconds, cls.close_seconds),
        )


class _Reader:
    """Reads one variable at a time, and names it in the error."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __call__(self, name: str, parse: Callable[[str], Value], default: Value) -> Value:
        text = self._environ.get(name, "").strip()
        return _check(name, parse, text) if text else default

    def refuse_unknown(self) -> None:
        for name in self._environ:
            if name.startswith("TELEMETRY_") and name not in KNOWN:
                raise SettingsError(f"{name}: no such setting; there are {', '.join(sorted(KNOWN))}")


def _check(name: str, parse: Callable[[str], Value], text: str) -> Value:
    try:
        return parse(text)
    except ValueError as error:
        raise SettingsError(f"{name}={text!r}: {error}") from None


def _attribute(resource: Mapping[str, str], key: str, default: str) -> str:
    return _check(f"OTEL_RESOURCE_ATTRIBUTES {key}", _name, resource.get(key) or default)


def _name(text: str) -> str:
    # The part of a log group name (CloudWatch Logs: CreateLogGroup) that is also a fit segment name.
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", text):
        raise ValueError("must be 1 to 100 letters, digits, '.', '_' or '-'")
    return text


def _namespace(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._/#-]{1,255}", text) or text.startswith("AWS/"):
        raise ValueError("must be 1 to 255 letters, digits, '.', '_', '/', '#' or '-', and not start with 'AWS/'")
    return text


def _group_prefix(text: str) -> str:
    if not re.fullmatch(r"/?[A-Za-z0-9._/#-]{1,200}", text) or text.startswith(("aws/", "/aws/")) or text.endswith("/"):
        raise ValueError("must be letters, digits, '.', '_', '/', '#' or '-', not under aws/, and not end with '/'")
    return text


def _region(text: str) -> str:
    if not re.fullmatch(r"[a-z]{2,5}(-[a-z]+)+-\d", text):
        raise ValueError("must be a Region name such as us-east-1")
    return text


def _url(text: str) -> str | None:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// URL")
    _ = parts.port  # raises ValueError when it is no port
    return text


def _directory(text: str) -> str | None:
    if not Path(text).is_absolute():
        raise ValueError("must be the absolute path of a directory")
    return text


def _flag(text: str) -> bool:
    # OpenTelemetry: "Environment Variable Specification", Boolean: only "true" is true; here others are refused.
    if text.lower() not in {"true", "false"}:
        raise ValueError("must be true or false")
    return text.lower() == "true"


def _ratio(text: str) -> float:
    ratio = float(text)
    if not 0 <= ratio <= 1:
        raise ValueError("must be from 0 to 1")
    return ratio


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.1 <= seconds <= 60:
        raise ValueError("must be from 0.1 to 60 seconds")
    return seconds


def _retention(text: str) -> int:
    if int(text) not in RETENTION_DAYS:
        raise ValueError(f"must be one of {', '.join(map(str, sorted(RETENTION_DAYS)))}")
    return int(text)


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise ValueError(f"must be from {least} to {most}")
        return number

    return parse


def _one_of(allowed: frozenset[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(sorted(allowed))}")
        return text

    return parse


def _resource(text: str) -> dict[str, str]:
    """``key=value,key=value``, values percent-encoded (OpenTelemetry: "Resource SDK")."""
    attributes = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise ValueError("must be key=value pairs parted by commas")
        attributes[key.strip()] = unquote(value.strip())
    return attributes


def _daemon(text: str) -> DaemonAddress:
    """``host:port``, or ``tcp:host:port udp:host:port`` in either order (AWS: "Using the X-Ray daemon")."""
    parts = text.split()
    if len(parts) == 1:
        address = _host_and_port(parts[0])
        return DaemonAddress(udp=address, tcp=address)
    by_protocol = {protocol: rest for protocol, _, rest in (part.partition(":") for part in parts)}
    if len(parts) != 2 or set(by_protocol) != {"tcp", "udp"}:
        raise ValueError("must be host:port, or tcp:host:port udp:host:port")
    return DaemonAddress(udp=_host_and_port(by_protocol["udp"]), tcp=_host_and_port(by_protocol["tcp"]))


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not re.fullmatch(r"[A-Za-z0-9._-]+", host) or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError("must be host:port, or tcp:host:port udp:host:port")
    return host, int(port)
