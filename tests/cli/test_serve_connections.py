"""vestibule serve: as many processes as the database has connections for."""

from flask import Flask

from webapp.cli.serve import too_many_connections
from webapp.config import THREADS
from webapp.db import db


def test_more_connections_than_the_database_takes_are_said_at_the_start(app: Flask) -> None:
    assert too_many_connections(app, 2, THREADS) is None
    with app.app_context():
        is_postgres = db.engine.dialect.name == "postgresql"
    warning = too_many_connections(app, 64, 64)
    assert warning is None if not is_postgres else "64 processes may keep 1280." in (warning or "")
