"""What the database is asked."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from flask import Flask
from sqlalchemy import event

from webapp.db import db

NO_QUERY = ("BEGIN", "PRAGMA", "COMMIT", "ROLLBACK")

Statements = Callable[[], AbstractContextManager[list[str]]]


@contextmanager
def collected(app: Flask) -> Iterator[list[str]]:
    """Collect every statement that reaches the database of `app` within the block.

    Whether a connection is switched to reading or to writing first depends on its last use, and is left out.
    """
    with app.app_context():
        engine = db.engine
    asked: list[str] = []

    def note(*arguments: object) -> None:
        if not str(arguments[2]).startswith("pragma query_only"):
            asked.append(str(arguments[2]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextmanager
def queries(app: Flask) -> Iterator[list[str]]:
    """Collect what `collected` does, but for what opens and closes transactions, once the block has ended."""
    found: list[str] = []
    with collected(app) as asked:
        yield found
    found += [statement for statement in asked if not statement.upper().startswith(NO_QUERY)]
