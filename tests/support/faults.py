"""Faults put into a real database: what the server runs into is the database's own doing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

When = Literal["statement", "commit"]

# A row that refers to nothing is refused only when the transaction is about to be committed.
PARENTLESS = "create table parentless (parent bigint references organization (id) deferrable initially deferred)"
SQLITE = {
    "statement": "create trigger forced before insert on {table} {when} begin select raise(abort, 'forced'); end",
    "commit": "create trigger forced after insert on {table} {when} begin insert into parentless values (-1); end",
}
POSTGRESQL = {
    "statement": "begin raise exception 'forced'; end",
    "commit": "begin insert into parentless values (-1); return null; end",
}


@contextmanager
def insertion_fails(database_url: str, table: str, when: When, of: int | None = None) -> Iterator[None]:
    """Let every transaction fail that inserts into a table, at once or when it is about to be committed.

    Args:
        database_url: where.
        table: into which.
        when: it fails.
        of: the id of the organization whose rows alone are meant.
    """
    engine = create_engine(database_url, poolclass=NullPool)
    is_sqlite = engine.dialect.name == "sqlite"
    of_one = f"when (new.organization_id = {of})" if of is not None else ""
    run(engine, PARENTLESS)
    if is_sqlite:
        run(engine, SQLITE[when].format(table=table, when=of_one))
    else:
        run(
            engine,
            f"create function forced() returns trigger language plpgsql as $$ {POSTGRESQL[when]} $$",
            f"create trigger forced after insert on {table} for each row {of_one} execute function forced()",
        )
    try:
        yield
    finally:
        run(engine, "drop trigger forced" if is_sqlite else "drop function forced cascade", "drop table parentless")


def run(engine: Engine, *statements: str) -> None:
    """Run statements in one transaction."""
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
