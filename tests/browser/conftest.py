"""One real server with its mail worker for all tests of this folder; every test finds it as after its installation."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
from flask import Flask
from playwright.sync_api import expect

from tests.browser.hall import Hall
from tests.support.browser import TIMEOUT_MILLISECONDS, Windows
from tests.support.databases import PostgresTemplate, SqliteTemplate
from tests.support.demo import issuer_of
from tests.support.ledger import Ledger
from tests.support.name_server import NameServer, running_name_server
from tests.support.server import START_SECONDS, Server, running_server
from tests.support.settings import environment_for
from tests.support.worlds import World

expect.set_options(timeout=TIMEOUT_MILLISECONDS)


@dataclass(frozen=True)
class House:
    """A running server, and the folder with its demo mailbox."""

    server: Server
    folder: Path


@pytest.fixture(scope="session", params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one database for all tests of this folder; the walk also asks for PostgreSQL."""
    template: SqliteTemplate[None] | PostgresTemplate[None] = request.getfixturevalue(f"{request.param}_template")
    with template.copy(tmp_path_factory.mktemp("database")) as url:
        yield url


@pytest.fixture(scope="session")
def names() -> Iterator[NameServer]:
    """The name server that the server asks."""
    with running_name_server() as running:
        yield running


@pytest.fixture(scope="session")
def house(database_url: str, names: NameServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The server with its mail worker and the demo mailbox."""
    folder = tmp_path_factory.mktemp("house")
    environment = environment_for(database_url, folder, private_providers="127.0.0.1", dns_resolver=names.address)
    with running_server(environment, folder, "--with-worker", "--demo") as server:
        # The provider beside it begins on its own, and is ready later
        urlopen(issuer_of(server), timeout=START_SECONDS).close()
        yield House(server, folder)


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    """What the database holds; emptied first, once no letter of an earlier test can come into the mailbox any more."""
    found = Ledger(database_url)
    found.call_letters_off()
    found.empty()
    return found


@pytest.fixture
def live_server(house: House, ledger: Ledger) -> Server:
    """The server, with nobody in it and no letters."""
    shutil.rmtree(house.folder / "demo-mailbox", ignore_errors=True)
    return house.server


@pytest.fixture
def world(app: Flask, ledger: Ledger) -> World:
    """Made-up people and organizations in the emptied database."""
    return World(app)


@pytest.fixture
def hall(live_server: Server, windows: Windows, world: World) -> Hall:
    """An organization with its owner, and windows for people at the server."""
    return Hall(live_server.url, windows, world)
