"""Runs the migrations on one connection, with SQLite's foreign keys off and checked before the commit."""

from alembic import context
from sqlalchemy import create_engine, text

from webapp.db import db, engine_options, prepare_engine

ADVISORY_LOCK = 0x76657374


def run() -> None:
    url = db.engine.url.render_as_string(hide_password=False)
    engine = create_engine(url, **engine_options(url, patient=True))
    prepare_engine(engine, foreign_keys=False)
    try:
        with engine.begin() as connection:
            is_sqlite = connection.dialect.name == "sqlite"
            if not is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
            context.configure(connection=connection, target_metadata=db.metadata, render_as_batch=is_sqlite)
            context.run_migrations()
            if is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").all():
                raise RuntimeError("the migration would leave rows that refer to nothing; nothing was changed")
    finally:
        engine.dispose()


run()
