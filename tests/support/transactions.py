"""Watches the transactions of an application: what each said to the database, and whether it was committed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from sqlalchemy import event

from webapp.db import db

NO_QUERY = ("BEGIN", "PRAGMA", "COMMIT", "ROLLBACK")


@dataclass
class Transaction:
    """One transaction, as far as it has come."""

    statements: list[str] = field(default_factory=list)
    is_committed: bool = False

    def changes(self, table: str | None = None) -> list[str]:
        """Return the statements that change a table, or any but the audit log."""
        words = [statement.replace('"', "").split(maxsplit=3) for statement in self.statements]
        tables = [
            said[1] if said[0].upper() == "UPDATE" else said[2]
            for said in words
            if said[0].upper() in ("INSERT", "UPDATE", "DELETE")
        ]
        return [name for name in tables if (name == table if table else not name.startswith("audit_"))]


@contextmanager
def transactions(app: Flask) -> Iterator[list[Transaction]]:
    """Collect the transactions that begin within the block, in order."""
    found: list[Transaction] = []

    def begin(_connection: Any) -> None:
        found.append(Transaction())

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.upper().startswith(NO_QUERY):
            found[-1].statements.append(statement)

    def commit(_connection: Any) -> None:
        found[-1].is_committed = True

    with app.app_context():
        engine = db.engine
    hooks = (("begin", begin), ("before_cursor_execute", note), ("commit", commit))
    for name, hook in hooks:
        event.listen(engine, name, hook)
    try:
        yield found
    finally:
        for name, hook in hooks:
            event.remove(engine, name, hook)


@contextmanager
def clashes(app: Flask) -> Iterator[list[str]]:
    """Collect what the database says of statements that fail within the block, also where they are tried again."""
    found: list[str] = []

    def note(context: Any) -> None:
        found.append(str(context.original_exception))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "handle_error", note)
    try:
        yield found
    finally:
        event.remove(engine, "handle_error", note)
