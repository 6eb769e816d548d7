"""A real server of four processes for whoever asks for one, and what it may never say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ledger import Ledger
from tests.support.server import Server, running_server

COMPLAINTS = ("Traceback", '"levelname": "ERROR"', '"status": 5')


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    """What the database holds."""
    return Ledger(database_url)


def complaints_of(server: Server) -> list[str]:
    """Return the lines of its log that speak of a failure."""
    return [line for line in server.log.splitlines() if any(word in line for word in COMPLAINTS)]


@pytest.fixture
def server_of_a_fickle_database(environment: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """The same, where so much is turned down that a change may fail as often as it is tried, which is a 503."""
    with running_server(environment, tmp_path, "--workers", "4") as running:
        yield running
        assert [line for line in complaints_of(running) if '"status": 503' not in line] == []


@pytest.fixture
def server(environment: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """The server; whatever a test does to it, nothing broke and nobody was told that the database is locked."""
    with running_server(environment, tmp_path, "--workers", "4") as running:
        yield running
        assert complaints_of(running) == []
        # When somebody was last seen is noted beside the request, tried once and only logged when it fails.
        assert running.log.count("database is locked") == running.log.count("not noted: ")
