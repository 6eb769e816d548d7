"""Somebody with an account, and what the accounts' pages leave behind."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from sqlalchemy import event, select

from tests.support.worlds import Person, World
from webapp.db import db
from webapp.models import AuditEntry

Statements = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def ada(world: World) -> Person:
    """Ada, who has an account."""
    return world.person("Ada Example", "ada@example.org")


@pytest.fixture
def events(world: World) -> Callable[[], list[str]]:
    """Returns what happened to accounts after they were made, oldest first."""

    def read() -> list[str]:
        statement = select(AuditEntry.event).where(AuditEntry.organization_id.is_(None)).order_by(AuditEntry.sequence)
        found = world.read(lambda: db.session.scalars(statement).all())
        return [name for name in found if name != "account.created"]

    return read


@pytest.fixture
def statements(world: World) -> Statements:
    """Opens a block that collects every statement the database is asked."""

    @contextmanager
    def collect() -> Iterator[list[str]]:
        with world.app.app_context():
            engine = db.engine
        asked: list[str] = []

        def note(*arguments: object) -> None:
            asked.append(str(arguments[2]))

        event.listen(engine, "before_cursor_execute", note)
        yield asked
        event.remove(engine, "before_cursor_execute", note)

    return collect
