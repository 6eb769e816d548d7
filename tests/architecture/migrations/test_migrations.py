"""Migrations: they make exactly the schema of the models, and lead down and up again with rows in the tables."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Connection, Integer, inspect, text

from tests.support.acme import Acme
from tests.support.applications import close
from tests.support.commands import PATIENCE_SECONDS, Copied, variables
from tests.support.shapes import rows_of, sequences_of, shape_of
from tests.support.worlds import World
from webapp import schema
from webapp.db import db
from webapp.models import Organization

REVISIONS = [script.revision for script in ScriptDirectory(str(schema.directory())).walk_revisions()]


def test_models_and_schema_do_not_differ(app: Flask, connection: Connection) -> None:
    options = {"compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(connection, opts=options)
    assert compare_metadata(context, db.metadata) == []


def test_every_table_has_rows_for_the_way_down(filled: Acme, connection: Connection) -> None:
    assert [name for name, rows in rows_of(connection).items() if not rows] == []


def test_R16_each_migration_leads_down_and_up_again(app: Flask, filled: Acme, connection: Connection) -> None:
    shape, rows, sequences = shape_of(connection), rows_of(connection), sequences_of(connection)
    for revision, before in zip(REVISIONS, [*REVISIONS[1:], "base"], strict=True):
        if revision == "0012":
            do_what_is_owed(connection)
            rows = rows_of(connection)
        schema.downgrade(app, before)
        shape_below, kept, sequences_below = shape_of(connection), rows_of(connection), sequences_of(connection)
        schema.upgrade(app, revision)
        assert shape_of(connection) == shape
        for table in kept:
            columns = kept[table][0].keys() if kept[table] else ()
            # Without the column that says who copied it, a copied link would be taken for a mailed one.
            lasting = [row for row in rows[table] if revision != "0002" or row.get("copied_by_id") is None]
            assert kept[table] == [{name: row[name] for name in columns} for row in lasting]
            assert sequences_of(connection).get(table) == sequences.get(table)
        schema.downgrade(app, before)
        shape, rows, sequences = shape_below, kept, sequences_below
    assert shape_of(connection) == {}
    schema.upgrade(app)
    assert compare_metadata(MigrationContext.configure(connection), db.metadata) == []


def do_what_is_owed(connection: Connection) -> None:
    """Let no errand wait, as the worker does before a database goes back to where nobody knows them."""
    connection.execute(text("delete from sso_errand"))
    connection.commit()


def test_R16_way_down_is_refused_while_somebody_is_owed_something(
    app: Flask, filled: Acme, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    schema.downgrade(app, "0012")
    shape, rows = shape_of(connection), rows_of(connection)
    with pytest.raises(SystemExit):
        schema.downgrade(app, "0011")
    assert "let the worker run until they are gone" in caplog.text
    assert (shape_of(connection), rows_of(connection)) == (shape, rows)


def test_schema_made_anew_works(app: Flask, filled: Acme, world: World, connection: Connection) -> None:
    do_what_is_owed(connection)
    schema.downgrade(app, "base")
    schema.upgrade(app)
    owner = world.person("Ada Example", "ada@example.org")
    assert world.roles(world.organization("Harbour Works", owner)) == {"Ada Example": "owner"}


def test_upgrading_twice_changes_nothing(app: Flask, filled: Acme, connection: Connection) -> None:
    before = shape_of(connection), rows_of(connection)
    schema.upgrade(app)
    assert (shape_of(connection), rows_of(connection)) == before


def test_only_the_newest_schema_is_current(app: Flask, connection: Connection) -> None:
    assert schema.is_current(connection)
    connection.rollback()
    schema.downgrade(app, "base")
    assert not schema.is_current(connection)


def test_R16_processes_that_migrate_at_once_make_one_schema(
    app: Flask, environment: dict[str, str], connection: Connection, tmp_path: Path
) -> None:
    shape = shape_of(connection)
    schema.downgrade(app, "base")
    close(app)
    log = tmp_path / "migrate.log"
    log.touch()
    processes = [Copied(["migrate"], variables(environment), str(log)) for _ in range(3)]
    assert [process.wait(PATIENCE_SECONDS) for process in processes] == [0, 0, 0], log.read_text()
    assert shape_of(connection) == shape


def test_ids_are_never_used_again(world: World) -> None:
    def make() -> int:
        organization = Organization(name="Harbour Works", slug="harbour-works")
        db.session.add(organization)
        db.session.flush()
        return organization.id

    def remove(number: int) -> None:
        db.session.delete(db.session.get_one(Organization, number))

    first = world.write(make)
    world.write(remove, first)
    assert world.write(make) > first


def test_every_table_with_ids_of_its_own_keeps_them_unique_for_ever(connection: Connection) -> None:
    """SQLite hands out the highest id again after its row is deleted, unless the table says AUTOINCREMENT."""
    counted = [
        table.name
        for table in db.metadata.sorted_tables
        if [c.name for c in table.primary_key] == ["id"]
        and table.c.id.autoincrement
        and isinstance(table.c.id.type, Integer)
    ]
    assert len(counted) > 8
    if connection.dialect.name == "sqlite":
        made = connection.execute(text("select name, sql from sqlite_master where type = 'table'"))
        sources = {name: source for name, source in made}
        assert [name for name in counted if "AUTOINCREMENT" not in sources[name]] == []
    else:
        defaults = {name: inspect(connection).get_columns(name)[0] for name in counted}
        assert [n for n, c in defaults.items() if "nextval" not in str(c["default"]) and not c.get("identity")] == []
