"""Applications that tests share: making one, and compiling its statements, takes longer than most tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from sqlalchemy import Dialect, event, make_url
from sqlalchemy.util import LRUCache

from webapp import create_app
from webapp.config import Settings
from webapp.db import db
from webapp.http import sso

KEPT = 8
MOST_STATEMENTS = 3_000

Change = Callable[[Flask], None]


class Applications:
    """One application for all tests with the same settings, each on its own database.

    A test that changes the application asks for `fresh_app`.
    """

    def __init__(self, compiled_templates: BytecodeCache) -> None:
        self._compiled_templates = compiled_templates
        self._compiled_statements: LRUCache[Any, Any] = LRUCache(MOST_STATEMENTS)
        self._kept: dict[tuple[Settings, Change | None], Flask] = {}

    @contextmanager
    def on(self, settings: Settings, changed: Change | None = None) -> Iterator[Flask]:
        """Yield the application with these settings, on the database they name, changed once in this way if any."""
        kind = make_url(settings.database_url).get_backend_name()
        key = replace(settings, database_url=kind, data_dir=Path()), changed
        app = self._kept.pop(key, None) or self._made(settings, changed)
        self._kept[key] = app
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        app.extensions["vestibule"] = settings
        app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
        sso.init_app(app, settings)  # nothing is known of providers that earlier tests had
        yield app
        close(app)

    @contextmanager
    def fresh(self, settings: Settings) -> Iterator[Flask]:
        """Yield an application that no other test has had."""
        app = self._made(settings)
        yield app
        close(app)

    def _made(self, settings: Settings, changed: Change | None = None) -> Flask:
        app = create_app(settings)
        if changed:
            changed(app)
        app.jinja_env.bytecode_cache = self._compiled_templates
        with app.app_context():
            db.engine.update_execution_options(compiled_cache=self._compiled_statements)
        _connect_as_settings_say(app)
        return app


def close(app: Flask) -> None:
    """Close the connections an application keeps."""
    with app.app_context():
        db.engine.dispose()


def _connect_as_settings_say(app: Flask) -> None:
    with app.app_context():
        engine = db.engine

    @event.listens_for(engine, "do_connect")
    def to_present_database(dialect: Dialect, _record: object, arguments: list[Any], named: dict[str, Any]) -> None:
        arguments[:], given = dialect.create_connect_args(make_url(app.extensions["vestibule"].database_url))
        named.update(given)
