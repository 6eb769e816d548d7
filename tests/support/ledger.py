"""Looks into a database past the application, so that no fault of ours can hide what it holds."""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, create_engine, delete, func, insert, select, text
from sqlalchemy.pool import NullPool

from webapp.db import db


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

    def empty(self) -> None:
        """Delete everything: the installation is as after its first migration."""
        with self._engine.begin() as connection:
            restore = drop_audit_triggers(connection)
            for table in reversed(db.metadata.sorted_tables):
                connection.execute(delete(table))
            connection.execute(insert(db.metadata.tables["instance"]).values(id=1))
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
