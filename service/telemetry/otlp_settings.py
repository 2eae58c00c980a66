"""OpenTelemetry's own variables for OTLP (OpenTelemetry: "OpenTelemetry Protocol Exporter")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import unquote, urlsplit

DEFAULT_ENDPOINT = "http://localhost:4318"
PREFIX = "OTEL_EXPORTER_OTLP_"


@dataclass(frozen=True, slots=True)
class Otlp:
    """Where spans go by OTLP over HTTP. timeout in seconds; the paths are of PEM files."""

    url: str = DEFAULT_ENDPOINT + "/v1/traces"
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float = 10.0
    compression: str = "none"
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None

    @classmethod
    def read(cls, read: Callable[[str, Callable[[str], Any], Any], Any]) -> Otlp:
        """Read the variables; the one for traces alone wins. ``read(name, parse, default)`` names the culprit."""

        def either(name: str, parse: Callable[[str], Any], default: Any) -> Any:
            return read(PREFIX + "TRACES_" + name, parse, read(PREFIX + name, parse, default))

        either("PROTOCOL", _protocol, "http/protobuf")
        base = read(PREFIX + "ENDPOINT", _url, DEFAULT_ENDPOINT)
        return cls(
            url=read(PREFIX + "TRACES_ENDPOINT", _url, base.rstrip("/") + "/v1/traces"),
            headers=either("HEADERS", _headers, ()),
            timeout=either("TIMEOUT", _seconds, 10.0),
            compression=either("COMPRESSION", _compression, "none"),
            ca=either("CERTIFICATE", str, None),
            certificate=either("CLIENT_CERTIFICATE", str, None),
            key=either("CLIENT_KEY", str, None),
        )


def exporter(text: str) -> str:
    """OTEL_TRACES_EXPORTER: ``xray``, ``otlp`` (if its package is there) or ``none``."""
    if text not in {"xray", "otlp", "none"}:
        raise ValueError("must be xray, otlp or none")
    if text == "otlp" and not _installed():
        raise ValueError("needs opentelemetry-exporter-otlp-proto-http; install the extra `otlp`")
    return text


def _installed() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.common.trace_encoder") is not None
    except ModuleNotFoundError:
        return False


def _protocol(text: str) -> str:
    if text != "http/protobuf":
        raise ValueError("must be http/protobuf, the one protocol that AWS's endpoint and every collector take")
    return text


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// URL")
    _ = parts.port  # raises ValueError when it is no port
    return text


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    found = []
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise ValueError("must be key=value pairs parted by commas")
        value = unquote(value.strip())
        if not (key.strip() + value).isascii() or "\n" in value or "\r" in value:
            raise ValueError("must hold what an HTTP header may hold")
        found.append((key.strip(), value))
    return tuple(found)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.1 <= seconds <= 60:
        raise ValueError("must be from 0.1 to 60 seconds")
    return seconds


def _compression(text: str) -> str:
    if text not in {"none", "gzip"}:
        raise ValueError("must be none or gzip")
    return text
