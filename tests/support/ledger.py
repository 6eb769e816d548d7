"""Looks into a database past the application, so that no fault of ours can hide what it holds."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, create_engine, delete, func, insert, select, text, update
from sqlalchemy.pool import NullPool

from webapp.db import db
from webapp.models import LetterState

Everything = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows of a database by their table."""
AS_MIGRATED: Everything = {"instance": [{"id": 1}]}
LETTER_SECONDS = 60


class Ledger:
    """Counts rows of one database, and empties it between tests that share a server."""

    def __init__(self, database_url: str) -> None:
        self._engine = create_engine(database_url, poolclass=NullPool)

    def rows(self, table: str, **where: object) -> Sequence[RowMapping]:
        """Return the rows of a table whose columns have these values."""
        found = select(db.metadata.tables[table]).filter_by(**where)
        with self._engine.connect() as connection:
            return connection.execute(found).mappings().all()

    def count(self, table: str, **where: object) -> int:
        """Return how many rows of a table have these values."""
        number = select(func.count()).select_from(db.metadata.tables[table]).filter_by(**where)
        with self._engine.connect() as connection:
            return connection.scalars(number).one()

    def everything(self) -> Everything:
        """Return every row of every table that has some."""
        with self._engine.connect() as connection:
            found = {t.name: connection.execute(select(t)).mappings().all() for t in db.metadata.sorted_tables}
        return {name: [dict(row) for row in rows] for name, rows in found.items() if rows}

    def call_letters_off(self) -> None:
        """Let no letter be taken to be sent any more, and return once none is on its way."""
        letters = db.metadata.tables["outbox_message"]
        with self._engine.begin() as connection:
            connection.execute(
                update(letters).where(letters.c.state == LetterState.QUEUED).values(state=LetterState.DROPPED)
            )
        until = time.monotonic() + LETTER_SECONDS
        while self.count("outbox_message", state=LetterState.SENDING):
            assert time.monotonic() < until, "a letter is still on its way"

    def empty(self, but: Everything = AS_MIGRATED) -> None:
        """Delete everything but these rows: by default the installation is as after its first migration."""
        with self._engine.begin() as connection:
            restore = drop_audit_triggers(connection)
            for table in reversed(db.metadata.sorted_tables):
                connection.execute(delete(table))
            for name, rows in but.items():
                connection.execute(insert(db.metadata.tables[name]), rows)
            for statement in restore:
                connection.exec_driver_sql(statement)


def drop_audit_triggers(connection: Connection) -> list[str]:
    """Let the audit log be changed, as whoever owns the database can; return the statements that forbid it again."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("alter table audit_entry disable trigger user"))
        return ["alter table audit_entry enable trigger user"]
    triggers = connection.execute(text("select name, sql from sqlite_master where type = 'trigger'")).all()
    for name, _source in triggers:
        connection.execute(text(f"drop trigger {name}"))
    return [source for _name, source in triggers]
