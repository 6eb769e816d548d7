"""The schema: bring a database up to date, and tell whether it is."""

from functools import cache
from pathlib import Path

import flask_migrate
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Connection

_PACKAGE = Path(__file__).resolve().parent


def directory() -> Path:
    """Return where the migrations lie: inside the installed package, or beside it in a checkout."""
    shipped = _PACKAGE / "_migrations"
    return shipped if shipped.is_dir() else _PACKAGE.parent / "migrations"


def upgrade(app: Flask, revision: str = "head") -> None:
    """Bring the database of `app` to `revision`, making it where there is none."""
    with app.app_context():
        flask_migrate.upgrade(str(directory()), revision)


def downgrade(app: Flask, revision: str) -> None:
    """Take the database of `app` back to `revision`."""
    with app.app_context():
        flask_migrate.downgrade(str(directory()), revision)


@cache
def _heads() -> frozenset[str]:
    return frozenset(ScriptDirectory(str(directory())).get_heads())


def is_current(connection: Connection) -> bool:
    """Tell whether the schema is the one this version expects."""
    return frozenset(MigrationContext.configure(connection).get_current_heads()) == _heads()
