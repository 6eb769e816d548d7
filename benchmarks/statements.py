"""How many statements an address costs."""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from sqlalchemy import event

from webapp.db import db

NO_QUERY = ("BEGIN", "PRAGMA", "COMMIT", "ROLLBACK")


def number_of(app: Flask, path: str, headers: Mapping[str, str]) -> int:
    """Return how many statements reach the database for one request, the second of its kind."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.upper().startswith(NO_QUERY):
            found.append(statement)

    with app.app_context():
        engine = db.engine
    browser = app.test_client(use_cookies=False)
    browser.get(path, headers=dict(headers))
    event.listen(engine, "before_cursor_execute", note)
    try:
        browser.get(path, headers=dict(headers))
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(found)
