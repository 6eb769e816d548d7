"""Transactions: what they keep out, what they try again, and what they leave behind."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import TextClause, create_engine, event, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidRequestError, OperationalError, StatementError
from sqlalchemy.orm import object_session
from sqlalchemy.pool import NullPool

from tests.support.visitor import at_once
from tests.support.worlds import World
from webapp.db import (
    MAX_TRIES,
    MOST_POSTGRES_CONNECTIONS,
    MustWrite,
    db,
    engine_options,
    is_transient,
    perform,
    taken_back,
    transaction,
)
from webapp.models import Organization, User
from webapp.services import passwords
from webapp.services.organizations import lock_by_slug

# For faults that only one of the databases knows; the other has a test of its own.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

RENAME = text("update organization set name = name || '!' where id = :id")


@pytest.fixture
def app(fresh_app: Flask) -> Flask:
    """An application that its tests may change."""
    return fresh_app


@pytest.fixture
def organizations(world: World) -> list[int]:
    """The ids of two organizations."""
    ada = world.person("Ada Example", "ada@example.org")
    slugs = [world.organization(name, ada) for name in ("Harbour Works", "Hill School")]
    return [world.read(lambda slug=slug: id_of(slug)) for slug in slugs]


@pytest.fixture
def in_app(app: Flask, organizations: list[int]) -> Iterator[Flask]:
    """The application, with its context at hand and rows in its tables."""
    with app.app_context():
        yield app


def id_of(slug: str) -> int:
    return db.session.scalars(select(Organization.id).where(Organization.slug == slug)).one()


def name_of(organization_id: int) -> str:
    return perform(lambda: db.session.get_one(Organization, organization_id).name, write=False)


def rename(organization_id: int) -> None:
    db.session.execute(RENAME, {"id": organization_id})


@pytest.mark.parametrize("statement", [RENAME, text("delete from organization where id = :id")])
def test_reading_transaction_cannot_write(in_app: Flask, organizations: list[int], statement: TextClause) -> None:
    before = name_of(organizations[0])
    with pytest.raises(DBAPIError):
        perform(lambda: db.session.execute(statement, {"id": organizations[0]}), write=False)
    assert name_of(organizations[0]) == before


def test_writing_works_again_after_reading(in_app: Flask, organizations: list[int]) -> None:
    before = name_of(organizations[0])
    perform(lambda: rename(organizations[0]), write=True)
    assert name_of(organizations[0]) == f"{before}!"


def test_nothing_is_asked_outside_of_a_transaction(in_app: Flask) -> None:
    with pytest.raises(InvalidRequestError):
        db.session.execute(select(1))


def test_transactions_do_not_nest(in_app: Flask, organizations: list[int]) -> None:
    before = name_of(organizations[0])

    def rename_around_another() -> None:
        rename(organizations[0])
        perform(lambda: None, write=True)

    with pytest.raises(InvalidRequestError):
        perform(rename_around_another, write=True)
    assert name_of(organizations[0]) == before


def test_any_error_rolls_back(in_app: Flask, organizations: list[int]) -> None:
    before = name_of(organizations[0])

    def rename_and_stop() -> None:
        rename(organizations[0])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        perform(rename_and_stop, write=True)
    assert name_of(organizations[0]) == before


def test_what_is_tried_is_taken_back_and_holds_nobody_up_afterwards(in_app: Flask, organizations: list[int]) -> None:
    before = name_of(organizations[0])

    def try_it() -> None:
        lock_by_slug(db.session.get_one(Organization, organizations[0]).slug)
        with taken_back():
            rename(organizations[0])
        address = db.engine.url.render_as_string(hide_password=False)
        impatient = engine_options(address)["connect_args"]
        with closing(create_engine(address, poolclass=NullPool, connect_args=impatient).connect()) as other:
            other.execute(RENAME, {"id": organizations[0]})
            other.commit()

    perform(try_it, write=True, keep=False)
    assert name_of(organizations[0]) == f"{before}!"
    perform(lambda: rename(organizations[0]), write=True)
    assert name_of(organizations[0]) == f"{before}!!"


def test_transaction_that_keeps_nothing_is_not_committed(in_app: Flask, organizations: list[int]) -> None:
    before = name_of(organizations[0])
    perform(lambda: rename(organizations[0]), write=True, keep=False)
    assert name_of(organizations[0]) == before


def test_what_is_tried_on_the_way_to_a_change_is_taken_back_alone(in_app: Flask, organizations: list[int]) -> None:
    before = name_of(organizations[0])

    def try_and_do() -> None:
        with taken_back():
            rename(organizations[0])
        rename(organizations[0])

    perform(try_and_do, write=True)
    assert name_of(organizations[0]) == f"{before}!"


def test_nothing_is_tried_in_a_reading_transaction(in_app: Flask, organizations: list[int]) -> None:
    def try_it() -> None:
        with taken_back():
            rename(organizations[0])

    with pytest.raises(MustWrite):
        perform(try_it, write=False)


def test_what_was_loaded_is_read_afresh_in_the_next_transaction(in_app: Flask, organizations: list[int]) -> None:
    first = perform(lambda: db.session.get_one(Organization, organizations[0]), write=False)
    with closing(create_engine(db.engine.url, poolclass=NullPool).connect()) as other:
        other.execute(RENAME, {"id": organizations[0]})
        other.commit()
    second = perform(lambda: db.session.get_one(Organization, organizations[0]), write=False)
    assert second is not first
    assert second.name == f"{first.name}!"
    assert object_session(first) is None


def test_change_to_what_was_loaded_before_is_not_stored(in_app: Flask, organizations: list[int]) -> None:
    stale = perform(lambda: db.session.get_one(Organization, organizations[0]), write=True)
    before, stale.name = stale.name, "Stolen"
    perform(lambda: db.session.get_one(Organization, organizations[1]), write=True)
    assert name_of(organizations[0]) == before


def test_what_a_failed_transaction_made_is_not_stored_by_the_next(in_app: Flask) -> None:
    def make_and_fail() -> None:
        db.session.add(User(name="Nobody"))
        raise LookupError

    with pytest.raises(LookupError):
        perform(make_and_fail, write=True)
    assert perform(lambda: db.session.scalars(select(User.name)).all(), write=True) == ["Ada Example"]


def test_broken_constraint_is_not_tried_again(in_app: Flask, organizations: list[int]) -> None:
    tries = []

    def break_constraint() -> None:
        tries.append(1)
        db.session.execute(update(Organization).values(slug="the-same"))

    with pytest.raises(IntegrityError):
        perform(break_constraint, write=True)
    assert len(tries) == 1


@on_postgresql
def test_R13_serialization_failure_is_tried_again(in_app: Flask, organizations: list[int]) -> None:
    tries = []

    def read_then_write() -> None:
        tries.append(1)
        db.session.execute(text("set transaction isolation level repeatable read"))
        assert db.session.get(Organization, organizations[0])
        if len(tries) == 1:
            with create_engine(db.engine.url, poolclass=NullPool).begin() as other:
                other.execute(RENAME, {"id": organizations[0]})
        rename(organizations[0])

    before = name_of(organizations[0])
    perform(read_then_write, write=True)
    assert len(tries) == 2
    assert name_of(organizations[0]) == f"{before}!!"


@on_postgresql
def test_R13_deadlock_is_tried_again(in_app: Flask, organizations: list[int]) -> None:
    both_hold_one, tries = Barrier(2), []

    def rename_both(first: int, second: int) -> None:
        def step() -> None:
            tries.append(first)
            rename(first)
            if tries.count(first) == 1:
                both_hold_one.wait()
            rename(second)

        with in_app.app_context():
            perform(step, write=True)

    before = [name_of(number) for number in organizations]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(rename_both, organizations, reversed(organizations)))
    assert len(tries) > 2
    assert [name_of(number) for number in organizations] == [f"{name}!!" for name in before]


@pytest.fixture
def writer(in_app: Flask) -> Iterator[sqlite3.Connection]:
    """Another process that holds SQLite's write lock, while ours gives up waiting for it at once."""
    perform(lambda: db.session.execute(text("pragma busy_timeout=0")), write=False)
    with closing(sqlite3.connect(db.engine.url.database or "", isolation_level=None)) as connection:
        connection.execute("begin immediate")
        yield connection


@on_sqlite
def test_R13_busy_lock_is_tried_again(writer: sqlite3.Connection, organizations: list[int]) -> None:
    failures = []

    @event.listens_for(db.engine, "handle_error")
    def let_go(context: object) -> None:
        failures.append(context)
        writer.execute("rollback")

    before = name_of(organizations[0])
    perform(lambda: rename(organizations[0]), write=True)
    assert len(failures) == 1
    assert name_of(organizations[0]) == f"{before}!"


@on_sqlite
def test_R13_lock_that_stays_busy_is_tried_five_times(writer: sqlite3.Connection, organizations: list[int]) -> None:
    failures: list[object] = []
    event.listen(db.engine, "handle_error", failures.append)
    with pytest.raises(OperationalError) as error:
        perform(lambda: rename(organizations[0]), write=True)
    assert is_transient(error.value)
    assert len(failures) == MAX_TRIES == 5


@on_sqlite
def test_readers_do_not_wait_for_a_writer(writer: sqlite3.Connection, organizations: list[int]) -> None:
    writer.execute("delete from organization")
    assert name_of(organizations[0]) == "Harbour Works"


@on_sqlite
def test_sqlite_keeps_what_it_has_acknowledged(in_app: Flask) -> None:
    pragmas = ("journal_mode", "synchronous", "foreign_keys")
    with transaction(write=False):
        in_force = [db.session.execute(text(f"pragma {name}")).scalar() for name in pragmas]
    assert in_force == ["wal", 2, 1]


@pytest.mark.parametrize("write", [True, False])
def test_X09_passwords_are_not_hashed_inside_a_transaction(in_app: Flask, write: bool) -> None:
    with transaction(write=write):
        with pytest.raises(RuntimeError):
            passwords.hash_password("correct horse battery staple")
        with pytest.raises(RuntimeError):
            passwords.verify("correct horse battery staple", None)
    assert passwords.hash_password("correct horse battery staple")


def test_moments_come_back_in_utc(in_app: Flask, organizations: list[int]) -> None:
    noon_in_tokyo = datetime(2027, 1, 1, 12, tzinfo=timezone(timedelta(hours=9)))

    def store() -> None:
        db.session.execute(update(Organization).values(created_at=noon_in_tokyo))

    perform(store, write=True)
    found = perform(lambda: db.session.get_one(Organization, organizations[0]).created_at, write=False)
    assert found.isoformat() == "2027-01-01T03:00:00+00:00"
    assert found.tzinfo is UTC


def test_moment_without_a_zone_is_refused(in_app: Flask) -> None:
    naive = datetime(2027, 1, 1, 12)
    with pytest.raises(StatementError):
        perform(lambda: db.session.execute(update(Organization).values(created_at=naive)), write=True)


@on_postgresql
def test_connection_that_was_ended_while_nobody_used_it_is_replaced(in_app: Flask, organizations: list[int]) -> None:
    def own_number() -> int:
        return db.session.scalars(text("select pg_backend_pid()")).one()

    number = perform(own_number, write=False)
    with create_engine(db.engine.url, poolclass=NullPool).connect() as connection:
        connection.execute(text("select pg_terminate_backend(:number, 10000)"), {"number": number})
    assert perform(own_number, write=False) != number
    assert name_of(organizations[0]) == "Harbour Works"


@on_postgresql
def test_connections_are_kept_and_no_more_than_said_are_made(app: Flask) -> None:
    opened = []
    with app.app_context():
        event.listen(db.engine, "connect", lambda *_given: opened.append(1))
    everybody = Barrier(MOST_POSTGRES_CONNECTIONS)

    def meet(_index: int) -> int:
        with app.app_context():
            return perform(everybody.wait, write=False)

    for _ in range(3):
        at_once(MOST_POSTGRES_CONNECTIONS, meet)
    assert len(opened) <= MOST_POSTGRES_CONNECTIONS
    assert engine_options("postgresql://localhost/any")["max_overflow"] == 0
