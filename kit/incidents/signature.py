"""Whether SNS wrote a message: its signature, by a certificate from SNS's own address.

Source: Amazon SNS Developer Guide, "Verifying the signatures of Amazon SNS messages": version 1 is RSA with SHA-1,
version 2 with SHA-256, over names and values by turns, a line each, in the order of the names.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import urllib3

from kit.incidents.messages import Envelope, MessageError

Fetch = Callable[[str], bytes]

_HOST = re.compile(r"sns\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?")
_PATH = re.compile(r"/SimpleNotificationService-[0-9a-zA-Z]+\.pem")
_TIMEOUT_S = 5.0
_LONGEST_CERTIFICATE = 20_000
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


def verify(envelope: Envelope, now: float, fetch: Fetch | None = None) -> None:
    """Raises MessageError unless the message is signed by SNS in its topic's Region, and its certificate holds now.

    ``fetch`` gets the certificate's PEM from its address (default: over HTTPS, kept for next time).
    """
    url = certificate_url(envelope)
    hashes: Any = import_module("cryptography.hazmat.primitives.hashes")  # 10 MB that only a real account needs
    padding: Any = import_module("cryptography.hazmat.primitives.asymmetric.padding")
    x509: Any = import_module("cryptography.x509")
    digests = {"1": hashes.SHA1, "2": hashes.SHA256}
    version = envelope.fields["SignatureVersion"]
    if version not in digests:
        raise MessageError("its signature is of an unknown version")
    try:
        signature = base64.b64decode(envelope.fields["Signature"], validate=True)
        certificate = x509.load_pem_x509_certificate((fetch or _fetched)(url))
    except (binascii.Error, ValueError):
        raise MessageError("its signature or certificate cannot be read") from None
    moment = datetime.fromtimestamp(now, UTC)
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        raise MessageError("its certificate is out of date")
    invalid: Any = import_module("cryptography.exceptions").InvalidSignature
    try:
        certificate.public_key().verify(
            signature, signed_text(envelope.kind, envelope.fields), padding.PKCS1v15(), digests[version]()
        )
    except (invalid, AttributeError, TypeError):
        raise MessageError("its signature is not that of its text") from None


def certificate_url(envelope: Envelope) -> str:
    """The certificate's address, which must be SNS's own in the topic's Region. Raises MessageError."""
    url = envelope.fields["SigningCertURL"]
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise MessageError("SigningCertURL cannot be read") from None
    host = _HOST.fullmatch(parts.netloc)
    arn = envelope.topic.split(":")
    if parts.scheme != "https" or not host or port is not None or not _PATH.fullmatch(parts.path) or parts.query:
        raise MessageError("SigningCertURL is not an address of SNS")
    if len(arn) != 6 or arn[2] != "sns" or arn[3] != host["region"]:
        raise MessageError("SigningCertURL is of another Region than the topic")
    return url


def signed_text(kind: str, fields: Mapping[str, str]) -> bytes:
    """What is signed: name and value by turns, a line each; a subject only where there is one."""
    return "".join(f"{name}\n{fields[name]}\n" for name in _SIGNED[kind] if name in fields).encode()


@lru_cache(maxsize=8)
def _fetched(url: str) -> bytes:
    try:
        answer = urllib3.request("GET", url, timeout=_TIMEOUT_S, retries=False, redirect=False, preload_content=False)
        pem: bytes = answer.read(_LONGEST_CERTIFICATE)
        answer.release_conn()
    except urllib3.exceptions.HTTPError:
        raise MessageError("its certificate cannot be had") from None
    if answer.status != 200:
        raise MessageError("its certificate cannot be had")
    return pem
