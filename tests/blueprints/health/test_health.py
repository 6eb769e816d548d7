"""What load balancers and monitors are told."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.support.applications import close
from tests.support.server import reserved_port
from tests.support.worlds import World
from webapp import create_app
from webapp.config import Settings
from webapp.db import db


def test_live_and_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "alive"}
    assert client.get("/readyz").json == {"status": "ready"}


def test_schema_of_another_version_is_not_ready(client: FlaskClient, world: World) -> None:
    world.write(lambda: db.session.execute(text("update alembic_version set version_num = '0000'")))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "vestibule migrate" in answer.text
    assert client.get("/healthz").status_code == 200


@pytest.fixture
def cut_off(settings: Settings, app: Flask) -> Iterator[Flask]:
    """The application, whose database is out of reach."""
    with reserved_port() as port:
        nowhere = {True: "sqlite:////nowhere/hall.db", False: f"postgresql+psycopg://127.0.0.1:{port}/hall"}
        application = create_app(replace(settings, database_url=nowhere[settings.is_sqlite]))
        yield application
        close(application)


def browser_of(app: Flask) -> FlaskClient:
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["token"] = "that of somebody signed in"
    return browser


def test_process_without_its_database_is_live_and_not_ready(cut_off: Flask) -> None:
    browser = browser_of(cut_off)
    assert browser.get("/healthz").status_code == 200
    answer = browser.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"status": "the database is out of reach"})


@pytest.mark.parametrize("path", ["/", "/login", "/orgs/acme/members", "/nowhere", "/healthz/nowhere"])
def test_pages_without_their_database_say_so(cut_off: Flask, path: str) -> None:
    answer = browser_of(cut_off).get(path)
    assert answer.status_code == (404 if "nowhere" in path else 503)
    assert (answer.headers["X-Request-Id"] in answer.text) == (answer.status_code == 503)
    assert answer.headers["Content-Security-Policy"]
