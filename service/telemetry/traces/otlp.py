"""Spans by OTLP over HTTP: to a collector, or to X-Ray's own endpoint, signed.

(OpenTelemetry: "OTLP Specification", OTLP/HTTP; AWS X-Ray: "OTLP Endpoints".) A record is one serialised request with
one span in base64: serialised requests that stand one after the other are one request with all their spans.
"""

from __future__ import annotations

import base64
import gzip
import re
from typing import Any
from urllib.parse import urlsplit

import urllib3
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from ..aws import Caller, CallError
from ..delivery import Batch, Outcome
from ..otlp_settings import Otlp as Settings
from ..readable import readable
from ..span_data import SpanData

AMAZON = re.compile(r"xray\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
# Codes of a signed call that no second attempt would mend.
POISON = re.compile(r"InvalidRequest|Validation|Serialization|HTTP 4(?:00|13|15)")
# OpenTelemetry: "OTLP Specification", Retryable response codes; 401 and 403 mend when a token is renewed.
RETRYABLE = frozenset({401, 403, 408, 429, 500, 502, 503, 504})


def record(span: SpanData) -> str:
    """One span as a serialised ExportTraceServiceRequest, in base64."""
    return base64.b64encode(encode_spans([readable(span)]).SerializeToString()).decode()


class Otlp:
    """The transport to one OTLP endpoint, for one thread. X-Ray's own wants its calls signed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        parts = urlsplit(settings.url)
        amazon = AMAZON.fullmatch(parts.hostname or "")
        self._path = parts.path
        self._caller = Caller("xray", amazon[1], f"{parts.scheme}://{parts.netloc}") if amazon else None
        timeout = urllib3.Timeout(total=settings.timeout)
        self._pool = urllib3.PoolManager(num_pools=1, maxsize=1, timeout=timeout, retries=False, **_tls(settings))

    def send(self, batch: Batch) -> Outcome:
        """Post all of the batch as one request."""
        body = b"".join([base64.b64decode(one.text) for one in batch.records])
        headers = {"Content-Type": "application/x-protobuf", **dict(self._settings.headers)}
        if self._settings.compression == "gzip":
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return self._signed(batch, headers, body, self._caller) if self._caller else self._posted(batch, headers, body)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()
        if self._caller is not None:
            self._caller.close()

    def _signed(self, batch: Batch, headers: dict[str, str], body: bytes, caller: Caller) -> Outcome:
        try:
            caller.call(self._path, headers, body)
        except CallError as error:
            if POISON.search(error.code):
                return Outcome.refuse(batch, error.code)
            return Outcome.retry(batch, error.code, unanswered=error.unanswered)
        return Outcome()

    def _posted(self, batch: Batch, headers: dict[str, str], body: bytes) -> Outcome:
        try:
            response = self._pool.request("POST", self._settings.url, body=body, headers=headers, redirect=False)
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            return Outcome.retry(batch, type(error).__name__)
        except urllib3.exceptions.HTTPError as error:
            return Outcome.retry(batch, type(error).__name__, unanswered=True)
        if response.status < 300:
            return Outcome()
        if response.status in RETRYABLE:
            return Outcome.retry(batch, f"HTTP {response.status}")
        return Outcome.refuse(batch, f"HTTP {response.status}")


def _tls(settings: Settings) -> dict[str, Any]:
    files = {"ca_certs": settings.ca, "cert_file": settings.certificate, "key_file": settings.key}
    return {name: path for name, path in files.items() if path is not None}
