"""Who is believed: SNS by its signature on an account, the secret and this machine without one."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import KitError
from kit.incidents import Inbox, signature
from kit.incidents.messages import MessageError, read_envelope, read_page
from kit.incidents.receiver import Receiver
from kit.incidents.signature import signed_text, verify
from kit.settings import Settings, load
from tests.incidents.conftest import ROOT, T0, TOPIC, envelope

NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)
CERTIFICATE = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def pem(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
    )
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def signed(key: rsa.RSAPrivateKey, version: str = "2", **more: str) -> dict[str, str]:
    told = envelope({"AlarmName": "a", "NewStateValue": "ALARM"}, SignatureVersion=version, **more)
    told.setdefault("SigningCertURL", CERTIFICATE)
    if "SigningCertURL" not in more:
        told["SigningCertURL"] = CERTIFICATE
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()
    text = signed_text(told["Type"], told)
    told["Signature"] = base64.b64encode(key.sign(text, padding.PKCS1v15(), digest)).decode()
    return told


def check(told: dict[str, str], pem: bytes, now: datetime = NOW) -> None:
    verify(read_envelope(json.dumps(told).encode()), now.timestamp(), lambda url: pem)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("more", [{}, {"Subject": "ALARM"}])
def test_what_sns_signed_is_believed(key: rsa.RSAPrivateKey, pem: bytes, version: str, more: dict[str, str]) -> None:
    check(signed(key, version, **more), pem)
    asked = signed(key, version, kind="SubscriptionConfirmation", Token="t", SubscribeURL="https://x", **more)
    check(asked, pem)


@pytest.mark.parametrize("field", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Signature"])
def test_a_changed_field_breaks_the_signature(key: rsa.RSAPrivateKey, pem: bytes, field: str) -> None:
    told = signed(key, Subject="s")
    told[field] = TOPIC + "x" if field == "TopicArn" else told[field][:-1] + "A="[told[field][-1:] == "A"]
    with pytest.raises(MessageError):
        check(told, pem)


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem",
        "https://evil.example/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com@evil.example/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com:444/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com/evil.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem?x=1",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://[bad/SimpleNotificationService-1.pem",
        "file:///etc/passwd",
    ],
)
def test_a_certificate_from_elsewhere_is_not_even_fetched(key: rsa.RSAPrivateKey, pem: bytes, url: str) -> None:
    told = signed(key, SigningCertURL=url)
    with pytest.raises(MessageError, match="SigningCertURL"):
        verify(read_envelope(json.dumps(told).encode()), NOW.timestamp(), lambda _: pytest.fail("fetched"))


def test_an_old_certificate_or_an_unknown_version_is_refused(key: rsa.RSAPrivateKey, pem: bytes) -> None:
    with pytest.raises(MessageError, match="out of date"):
        check(signed(key), pem, NOW + timedelta(days=2))
    with pytest.raises(MessageError, match="unknown version"):
        check({**signed(key), "SignatureVersion": "3"}, pem)
    with pytest.raises(MessageError, match="cannot be read"):
        check(signed(key), b"no certificate")


def account(tmp_path: Path, endpoint_url: str | None) -> Settings:
    base = load({}, ROOT, stage="local")
    return replace(base, root=tmp_path, endpoint_url=endpoint_url)


def receiver(tmp_path: Path, endpoint_url: str | None, *, private: bool = False) -> tuple[Receiver, Inbox, list[str]]:
    inbox, confirmed = Inbox(tmp_path, "local"), list[str]()
    settings = account(tmp_path, endpoint_url)
    return (
        Receiver(
            settings, inbox, lambda: T0, private_networks=private, confirm=lambda _, token: confirmed.append(token)
        ),
        inbox,
        confirmed,
    )


def test_on_an_account_the_signature_decides_wherever_it_comes_from(
    tmp_path: Path, key: rsa.RSAPrivateKey, pem: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signature, "_fetched", lambda _: pem)
    made, inbox, confirmed = receiver(tmp_path, None)
    monkeypatch.setattr(made, "_now", NOW.timestamp)
    assert made.take(json.dumps(envelope("unsigned")).encode(), "127.0.0.1").status == 403
    assert made.take(json.dumps(signed(key)).encode(), "203.0.113.9").status == 200
    asked = signed(key, kind="SubscriptionConfirmation", Token="secret", SubscribeURL="https://evil.example")
    assert made.take(json.dumps(asked).encode(), "203.0.113.9").status == 200
    assert confirmed == ["secret"]
    assert len(inbox.incidents(NOW.timestamp())) == 1


@pytest.mark.parametrize(
    ("sender", "private", "status"),
    [
        ("127.0.0.1", False, 200),
        ("::1", False, 200),
        ("10.1.2.3", False, 403),
        ("10.1.2.3", True, 200),
        ("203.0.113.9", True, 403),
        ("", True, 403),
        (None, True, 403),
    ],
)
def test_an_unsigned_message_comes_from_here_or_from_where_it_was_allowed(
    tmp_path: Path, sender: str | None, private: bool, status: int
) -> None:
    if sender == "203.0.113.9":
        sender = "8.8.8.8"  # documentation addresses count as private
    made, _, _ = receiver(tmp_path, "http://127.0.0.1:4566", private=private)
    assert made.take(json.dumps(envelope("m")).encode(), sender).status == status


def test_trouble_with_the_store_is_told_so_that_sns_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, inbox, _ = receiver(tmp_path, "http://127.0.0.1:4566")

    def full(_: Any) -> None:
        raise KitError("inbox", "no space left")

    monkeypatch.setattr(inbox, "receive", full)
    assert made.take(json.dumps(envelope("m")).encode(), "127.0.0.1").status == 503


def test_a_file_that_is_no_inbox_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "local.db").write_bytes(b"not a database" * 100)
    with pytest.raises(KitError, match="cannot be used"):
        Inbox(tmp_path, "local").incidents(T0)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["AlarmName", "NewStateValue"]), inner),
    max_leaves=8,
)


@given(json_values, st.text())
def test_whatever_is_published_becomes_a_page(message: Any, time: str) -> None:
    told = envelope(json.dumps(message), Subject="s") | {"Timestamp": time}
    page = read_page(read_envelope(json.dumps(told).encode()), T0)
    assert page.received == T0
    assert all(c.isprintable() or c == "\n" for c in page.reason + page.alarm + page.about)


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_posted_is_read_or_refused(body: bytes) -> None:
    with suppress(MessageError):
        assert read_envelope(body).id
