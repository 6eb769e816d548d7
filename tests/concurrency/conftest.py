"""One real server of four processes for each kind of database; every test finds it empty."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest
from flask import Flask

from tests.support.databases import PostgresTemplate, SqliteTemplate
from tests.support.ledger import Ledger
from tests.support.server import Server, running_server
from tests.support.settings import environment_for
from tests.support.worlds import World
from webapp.services.audit import FIRST_HASH

LOCKED = "database is locked"
COMPLAINTS = ("Traceback", '"levelname": "ERROR"', '"status": 5')


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one database for all tests of this folder; they run on both kinds."""
    template: SqliteTemplate[None] | PostgresTemplate[None] = request.getfixturevalue(f"{request.param}_template")
    with template.copy(tmp_path_factory.mktemp("crowd")) as url:
        yield url


@pytest.fixture(scope="session")
def crowded_server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server, in four processes of four threads."""
    folder = tmp_path_factory.mktemp("server")
    with running_server(environment_for(database_url, folder), folder, "--workers", "4") as running:
        yield running


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """What the database holds; emptied first. Whatever a test does, no chain of audit entries forks or breaks."""
    found = Ledger(database_url)
    found.empty()
    yield found
    chains = defaultdict(list)
    for entry in sorted(found.rows("audit_entry"), key=lambda entry: entry["sequence"]):
        chains[entry["organization_id"]].append(entry)
    for chain in chains.values():
        assert [entry["sequence"] for entry in chain] == list(range(1, len(chain) + 1))
        assert [entry["previous_hash"] for entry in chain] == [FIRST_HASH, *(entry["hash"] for entry in chain[:-1])]


@pytest.fixture
def server(crowded_server: Server) -> Iterator[Server]:
    """The server; whatever a test does to it, nothing broke and nobody was told that the database is locked."""
    before = len(crowded_server.log)
    yield crowded_server
    assert complaints_in(crowded_server.log[before:], (*COMPLAINTS, LOCKED)) == []


@pytest.fixture
def contended_server(crowded_server: Server) -> Iterator[Server]:
    """The same, where so many write that noting when somebody was last seen, tried once beside a request, may fail."""
    before = len(crowded_server.log)
    yield crowded_server
    log = crowded_server.log[before:]
    assert complaints_in(log, COMPLAINTS) == []
    assert log.count(LOCKED) == log.count("not noted: ")


def complaints_in(log: str, complaints: Sequence[str]) -> list[str]:
    """Return the lines of a log that hold one of these."""
    return [line for line in log.splitlines() if any(complaint in line for complaint in complaints)]


@pytest.fixture
def world(app: Flask, ledger: Ledger) -> World:
    """Made-up people and organizations in the emptied database."""
    return World(app)
