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


@pytest.fixture
def server(environment: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """The server; whatever a test does to it, nothing broke and nobody was told that the database is locked."""
    with running_server(environment, tmp_path, "--workers", "4") as running:
        yield running
        assert [line for line in running.log.splitlines() if any(word in line for word in COMPLAINTS)] == []
        # When somebody was last seen is noted beside the request, tried once and only logged when it fails.
        assert running.log.count("database is locked") == running.log.count("not noted: ")
