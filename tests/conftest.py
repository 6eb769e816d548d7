"""What every test may ask for. The machinery is in tests/support."""

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as made_up
from jinja2 import FileSystemBytecodeCache
from playwright.sync_api import Browser
from sqlalchemy import URL

from tests.support import security
from tests.support.acme import Acme, build
from tests.support.applications import Applications, close
from tests.support.browser import Windows, running_browser
from tests.support.databases import PostgresTemplate, SqliteTemplate, postgres_server
from tests.support.dumps import Dump, kept_dumps
from tests.support.routes import Place, Routes
from tests.support.server import Server, running_server
from tests.support.settings import environment_for
from tests.support.sizes import Figures
from tests.support.smtp import SmtpSink
from tests.support.worlds import World
from webapp import create_app
from webapp.config import Settings
from webapp.schema import upgrade

MEMORY = Path("/dev/shm")  # noqa: S108  (each test's folder in it is its own)
MEMORY_BYTES = 2 * 1024**3
PLACES = 60
READY_MADE = 10_000  # the number of the first of them


def pytest_configure(config: pytest.Config) -> None:
    """Keep the tests' databases in memory where there is room: waiting for a disk would take most of their time."""
    security.register(config)
    # How long an example takes to make up says how busy the machine is
    made_up.register_profile("patient", made_up(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    made_up.load_profile("patient")
    has_room = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    if has_room and "TMPDIR" not in os.environ:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


def pytest_collection_finish() -> None:
    """Look for garbage less often, and not among all that was imported: that took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def migrate(database_url: str, data_dir: Path) -> None:
    """Bring a database to the newest schema."""
    application = create_app(Settings.from_environment(environment_for(database_url, data_dir)))
    upgrade(application)
    close(application)


class ReadyMade(NamedTuple):
    """What is in the database of a test from its beginning."""

    acme: Acme
    places: list[Place]


def with_acme(database_url: str, data_dir: Path, places: int = 0) -> ReadyMade:
    """Put Acme into a migrated database, and so many places in Acme."""
    application = create_app(Settings.from_environment(environment_for(database_url, data_dir)))
    acme = build(World(application))
    made = ReadyMade(acme, [Place(acme, number) for number in range(READY_MADE, READY_MADE + places)])
    close(application)
    return made


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate[None]:
    """A migrated SQLite database to copy."""
    folder = tmp_path_factory.mktemp("sqlite")
    return SqliteTemplate(folder, lambda url: migrate(url, folder))


@pytest.fixture(scope="session")
def sqlite_acme_template(
    sqlite_template: SqliteTemplate[None], tmp_path_factory: pytest.TempPathFactory
) -> SqliteTemplate[ReadyMade]:
    """The same with Acme in it: making it anew for each test would take a third of the time of the tests it serves."""
    folder = tmp_path_factory.mktemp("sqlite")
    return SqliteTemplate(folder, lambda url: with_acme(url, folder), sqlite_template)


@pytest.fixture(scope="session")
def sqlite_places_template(
    sqlite_template: SqliteTemplate[None], tmp_path_factory: pytest.TempPathFactory
) -> SqliteTemplate[ReadyMade]:
    """The same with something in Acme that each route can be about."""
    folder = tmp_path_factory.mktemp("sqlite")
    return SqliteTemplate(folder, lambda url: with_acme(url, folder, PLACES), sqlite_template)


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """The address of a real PostgreSQL server."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_template(postgres: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresTemplate[None]]:
    """A migrated PostgreSQL database to copy."""
    folder = tmp_path_factory.mktemp("postgres")
    template = PostgresTemplate(postgres, lambda url: migrate(url, folder))
    yield template
    template.drop()


@pytest.fixture(scope="session")
def postgresql_acme_template(
    postgres: URL, postgresql_template: PostgresTemplate[None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PostgresTemplate[ReadyMade]]:
    """The same with Acme in it."""
    folder = tmp_path_factory.mktemp("postgres")
    template = PostgresTemplate(postgres, lambda url: with_acme(url, folder), postgresql_template)
    yield template
    template.drop()


@pytest.fixture(scope="session")
def postgresql_places_template(
    postgres: URL, postgresql_template: PostgresTemplate[None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PostgresTemplate[ReadyMade]]:
    """The same with something in Acme that each route can be about."""
    folder = tmp_path_factory.mktemp("postgres")
    template = PostgresTemplate(postgres, lambda url: with_acme(url, folder, PLACES), postgresql_template)
    yield template
    template.drop()


def template_of(request: pytest.FixtureRequest, kind: str) -> SqliteTemplate[Any] | PostgresTemplate[Any]:
    """Return what the test's database is a copy of; it holds Acme, or places in it, where the test asks for them."""
    asked_for = set(request.fixturenames)
    contents = "_places" if "places" in asked_for else "_acme" if "ready_made" in asked_for else ""
    found: SqliteTemplate[Any] | PostgresTemplate[Any] = request.getfixturevalue(f"{kind}{contents}_template")
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, migrated database; tests that use it run on both kinds."""
    with template_of(request, request.param).copy(tmp_path) as url:
        yield url


@pytest.fixture
def ready_made(request: pytest.FixtureRequest, database_url: str) -> ReadyMade:
    """What is in the database of this test from its beginning."""
    made: ReadyMade = template_of(request, "sqlite" if database_url.startswith("sqlite") else "postgresql").contents
    return made


@pytest.fixture
def places(ready_made: ReadyMade) -> list[Place]:
    """What routes can be about, in the database of this test."""
    return ready_made.places


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The VESTIBULE_* variables of this test, for `settings` and for processes it starts."""
    return environment_for(database_url, tmp_path)


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    """The settings of `app`. A test module that needs others overrides this fixture."""
    return Settings.from_environment(environment)


@pytest.fixture(scope="session")
def applications(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applications]:
    """The applications of this process, and what Jinja compiles their templates to."""
    kept = Applications(FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates"))))
    yield kept
    kept.close()


@pytest.fixture
def app(applications: Applications, settings: Settings) -> Iterator[Flask]:
    """The application on a fresh database."""
    with applications.on(settings) as application:
        yield application


@pytest.fixture
def fresh_app(applications: Applications, settings: Settings) -> Iterator[Flask]:
    """The same, which no other test has: a module whose tests change the application lets its `app` be this one."""
    with applications.fresh(settings) as application:
        yield application


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a page: cookies and requests."""
    return app.test_client()


@pytest.fixture
def within_a_day(database_url: str) -> Iterator[None]:
    """Let it be noon of tomorrow: no day ends while the test runs, and what was made today is past."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with time_machine.travel(tomorrow.replace(hour=12)):
        yield


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """A mail server without TLS."""
    with SmtpSink() as sink:
        yield sink


@pytest.fixture
def live_server(environment: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """The real server with its mail worker and the demo mailbox."""
    with running_server(environment, tmp_path, "--with-worker", "--demo") as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, shared by the tests of this process."""
    with running_browser() as chromium:
        yield chromium


@pytest.fixture
def windows(browser: Browser) -> Iterator[Windows]:
    """Opens browser windows; fails the test when a page complained."""
    opened = Windows(browser)
    yield opened
    opened.close()


@pytest.fixture
def figures(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Figures:
    """Says in one line what a test counted; `make soak` shows it."""

    def say(**counted: object) -> None:
        line = f"{request.node.name}: " + ", ".join(f"{name} {value}" for name, value in counted.items())
        if request.node.get_closest_marker("soak"):
            with capsys.disabled():
                print(f"\n{line}")
        else:
            print(line)

    return say


@pytest.fixture
def world(app: Flask) -> World:
    """Made-up people and organizations on the fresh database."""
    return World(app)


@pytest.fixture
def dump(world: World) -> Iterator[Callable[[], Dump]]:
    """What dumps the world, for tests that look after each request whether it changed something."""
    with kept_dumps(world) as dump:
        yield dump


@pytest.fixture
def acme(world: World, ready_made: ReadyMade) -> Acme:
    """Acme with somebody in each role, and an organization of strangers."""
    acme = replace(ready_made.acme, world=world)
    acme.wake()
    return acme


@pytest.fixture
def routes(acme: Acme, places: list[Place]) -> Routes:
    """All routes, about things in Acme."""
    return Routes(acme, places)
