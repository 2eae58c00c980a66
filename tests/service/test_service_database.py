"""The database: a schema that many may create at once, and times that keep their zone."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from service.database import Database, matched
from service.shop.catalogue import CATALOGUE, seed
from service.shop.models import Base, Cart, Item


@pytest.mark.parametrize("number", range(12))
def test_workers_that_start_at_once_on_an_empty_file_all_find_one_catalogue(tmp_path: Path, number: int) -> None:
    databases = [Database(f"sqlite:///{tmp_path}/new/shop-{number}.db", Base, seed) for _ in range(6)]
    start = threading.Barrier(len(databases))
    failures: list[SQLAlchemyError] = []

    def open_it(database: Database) -> None:
        start.wait()
        try:
            database.check()
        except SQLAlchemyError as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with databases[0].begin() as session:
        assert session.scalar(select(func.count()).select_from(Item)) == len(CATALOGUE)
    for database in databases:
        database.engine.dispose()


def test_an_item_that_a_release_adds_is_added_to_an_old_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    old = Database(url, Base, seed)
    with old.begin() as session:
        session.delete(session.get_one(Item, "tamper"))
    old.engine.dispose()
    new = Database(url, Base, seed)
    with new.begin() as session:
        assert session.get(Item, "tamper") is not None
    new.engine.dispose()


def test_times_come_back_aware_and_in_utc(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/shop.db", Base)
    written = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    with database.begin() as session:
        session.add(Cart(id="c", touched_at=written))
    with database.begin() as session:
        assert session.get_one(Cart, "c").touched_at == written
    database.engine.dispose()


def test_what_customers_typed_is_not_in_the_text_of_a_database_error(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/shop.db", Base)
    with database.begin() as session:
        session.add(Cart(id="private"))
    with pytest.raises(SQLAlchemyError) as refused, database.begin() as session:
        session.add(Cart(id="private"))
    assert "private" not in str(refused.value)
    database.engine.dispose()


def test_a_database_that_cannot_be_opened_fails_and_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    path.mkdir()
    database = Database(f"sqlite:///{path}", Base, seed)
    with pytest.raises(OperationalError):
        database.check()
    path.rmdir()
    database.check()
    database.engine.dispose()


def test_an_update_tells_how_many_rows_it_found(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/shop.db", Base)
    statement = Cart.__table__.update().values(touched_at=datetime.now(UTC))  # type: ignore[attr-defined]  # a Table
    with database.begin() as session:
        assert matched(session, statement) == 0
        session.add(Cart())
        session.flush()
        assert matched(session, statement) == 1
    database.engine.dispose()
