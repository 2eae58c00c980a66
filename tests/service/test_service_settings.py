"""The environment is read strictly: what is wrong is named in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.database import Database
from service.settings import SettingsError, read_payments, read_shop
from service.shop.models import Base


def test_without_any_variable_the_shop_has_what_it_needs() -> None:
    settings = read_shop({})
    assert settings.database_url == "sqlite:///.kit/data/shop.db"
    assert settings.payments_url == "http://127.0.0.1:8081"
    assert settings.faults_state is None


def test_the_environment_decides() -> None:
    settings = read_shop(
        {
            "DATABASE_URL": "postgresql+psycopg://u:p@db/shop",
            "PAYMENTS_URL": "http://payments:8081/",
            "PAYMENTS_TIMEOUT_S": "0.5",
            "FAULTS_ENABLED": "1",
            "FAULTS_STATE": "/faults/shop.json",
        }
    )
    assert settings.database_url == "postgresql+psycopg://u:p@db/shop"
    assert settings.payments_url == "http://payments:8081"
    assert settings.payments_timeout_s == 0.5
    assert settings.faults_state == Path("/faults/shop.json")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "shop.db"),
        ("PAYMENTS_URL", "payments:8081"),
        ("PAYMENTS_URL", "http://user:secret@payments"),
        ("PAYMENTS_TIMEOUT_S", "soon"),
        ("PAYMENTS_TIMEOUT_S", "0"),
        ("PAYMENTS_TIMEOUT_S", "nan"),
        ("FAULTS_ENABLED", "yes"),
        ("FAULTS_STATE", ""),
    ],
)
def test_a_bad_variable_is_named_in_one_line(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_shop({"FAULTS_ENABLED": "1", "FAULTS_STATE": "x", name: value})
    assert str(refused.value).startswith(f"{name}: ")
    assert "\n" not in str(refused.value)


def test_a_bad_database_url_is_not_repeated_for_it_may_hold_a_password() -> None:
    with pytest.raises(SettingsError) as refused:
        read_payments({"DATABASE_URL": "user:hunter2@db"})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "nosuchdb://x/y", "mysql+nodriver://u:p@h/d"])
def test_a_database_that_cannot_be_used_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL: [^\n]+$"):
        Database(url, Base)
