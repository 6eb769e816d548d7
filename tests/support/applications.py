"""Applications that tests share: making one, and compiling its statements, takes longer than most tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from weakref import ref

from flask import Flask
from jinja2 import BytecodeCache
from sqlalchemy import Dialect, Engine, Pool, QueuePool, event, make_url
from sqlalchemy.util import LRUCache

from tests.support.restoring import KEPT_CONNECTIONS
from webapp import create_app
from webapp.config import Settings
from webapp.db import db
from webapp.http import sso

KEPT = 8
MOST_POOLS = 3
MOST_CONNECTIONS = 2
"""Of a pool that is kept: after many at once its connections end, since a server takes a hundred in all."""
MOST_STATEMENTS = 3_000
ASKED_FOR_WHEN_NEEDED: dict[str, Any] = {"data_dir": Path(), "mail_port": 0, "dns_resolver": None}
"""Settings that differ from test to test, and that nothing reads when an application is made."""

Change = Callable[[Flask], None]


class Applications:
    """One application for all tests with the same settings, each on its own database.

    PostgreSQL's connections are kept as well, for the next test on the same database: a new one has to learn everything
    about the tables first. A test that changes the application asks for `fresh_app`.
    """

    def __init__(self, compiled_templates: BytecodeCache) -> None:
        self._compiled_templates = compiled_templates
        self._compiled_statements: LRUCache[Any, Any] = LRUCache(MOST_STATEMENTS)
        self._kept: dict[tuple[Settings, Change | None], Flask] = {}
        self._pools: dict[tuple[Engine, str], Pool] = {}

    @contextmanager
    def on(self, settings: Settings, changed: Change | None = None) -> Iterator[Flask]:
        """Yield the application with these settings, on the database they name, changed once in this way if any."""
        kind = make_url(settings.database_url).get_backend_name()
        key = replace(settings, database_url=kind, **ASKED_FOR_WHEN_NEEDED), changed
        app = self._kept.pop(key, None) or self._made(settings, changed)
        self._kept[key] = app
        if len(self._kept) > KEPT:
            self._forget(self._kept.pop(next(iter(self._kept))))
        app.extensions["vestibule"] = settings
        app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
        sso.init_app(app, settings)  # nothing is known of providers that earlier tests had
        with self._connected(engine_of(app), settings.database_url):
            yield app

    @contextmanager
    def fresh(self, settings: Settings) -> Iterator[Flask]:
        """Yield an application that no other test has had."""
        app = self._made(settings)
        yield app
        close(app)

    def close(self) -> None:
        """Close the connections that are kept."""
        for app in self._kept.values():
            self._forget(app)

    @contextmanager
    def _connected(self, engine: Engine, url: str) -> Iterator[None]:
        """Let an application connect to a database, on PostgreSQL as it was connected to it before."""
        pool = self._pools.pop((engine, url), None)
        if pool:
            engine.pool = pool
        yield
        if engine.dialect.name == "sqlite" or cast(QueuePool, engine.pool).checkedin() > MOST_CONNECTIONS:
            engine.dispose()
            return
        self._pools[engine, url] = engine.pool
        engine.pool = engine.pool.recreate()
        ours = [key for key in self._pools if key[0] is engine]
        for key in ours[:-MOST_POOLS]:
            self._pools.pop(key).dispose()

    def _forget(self, app: Flask) -> None:
        engine = engine_of(app)
        for key in [key for key in self._pools if key[0] is engine]:
            self._pools.pop(key).dispose()

    def _made(self, settings: Settings, changed: Change | None = None) -> Flask:
        app = create_app(settings)
        if changed:
            changed(app)
        app.jinja_env.bytecode_cache = self._compiled_templates
        engine_of(app).update_execution_options(compiled_cache=self._compiled_statements)
        _connect_as_settings_say(app)
        return app


def engine_of(app: Flask) -> Engine:
    """Return what connects an application to its database."""
    with app.app_context():
        return db.engine


def close(app: Flask) -> None:
    """Close the connections an application keeps."""
    engine_of(app).dispose()


def _connect_as_settings_say(app: Flask) -> None:
    known = ref(app)  # an engine that held its application would keep both for ever

    @event.listens_for(engine_of(app), "do_connect")
    def to_present_database(dialect: Dialect, _record: object, arguments: list[Any], named: dict[str, Any]) -> None:
        present = cast(Flask, known())
        arguments[:], given = dialect.create_connect_args(make_url(present.extensions["vestibule"].database_url))
        named.update(given)
        if dialect.name == "postgresql":
            named["application_name"] = KEPT_CONNECTIONS
