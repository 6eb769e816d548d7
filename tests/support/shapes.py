"""What a database consists of, whatever the models say: its tables, and what stands in them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, MetaData, inspect, select, text

NOT_OURS = {"alembic_version", "sqlite_sequence"}


Rows = dict[str, list[dict[str, Any]]]


def rows_of(connection: Connection) -> Rows:
    """Return every row of our tables as the database has them, whatever the models say."""
    found = MetaData()
    found.reflect(connection)
    tables = [table for table in found.sorted_tables if table.name not in NOT_OURS]
    rows = {t.name: [dict(row) for row in connection.execute(select(t)).mappings()] for t in tables}
    connection.rollback()
    return rows


def shape_of(connection: Connection) -> dict[str, object]:
    """Return columns, keys, indexes and checks of our tables, in an order that does not depend on history."""
    seen = inspect(connection)
    shape: dict[str, object] = {}
    for name in sorted(set(seen.get_table_names()) - NOT_OURS):
        columns = {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in seen.get_columns(name)}
        read = (seen.get_indexes, seen.get_foreign_keys, seen.get_unique_constraints, seen.get_check_constraints)
        parts: list[list[Any]] = [list(get(name)) for get in read]
        shape[name] = (columns, seen.get_pk_constraint(name), *(sorted(map(in_words, part)) for part in parts))
    connection.rollback()
    return shape


def in_words(part: Mapping[str, Any]) -> str:
    """Return what an index or a constraint is, conditions as their text."""
    options = {name: str(value) for name, value in part.get("dialect_options", {}).items()}
    return repr({**part, "dialect_options": options})


def sequences_of(connection: Connection) -> dict[str, int]:
    """Return the highest id SQLite remembers of each table; PostgreSQL's sequences are part of its columns."""
    if connection.dialect.name != "sqlite":
        return {}
    found = {name: number for name, number in connection.execute(text("select name, seq from sqlite_sequence"))}
    connection.rollback()
    return found
