"""Backups of a server that people write to: each starts, its log is whole, and it holds what was acknowledged."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.reliability.journal import Journal, invited_in
from tests.support.backups import restored, tools_for
from tests.support.commands import Command
from tests.support.server import Server, running_server
from tests.support.settings import environment_for
from tests.support.sizes import Figures, short_and_long
from tests.support.worlds import World

WRITERS = 8
WRITES_BEFORE = 20
BACKUPS_OF_AN_ORGANIZATION = 10
"""Then others write: an organization has 2,000 invitations a day."""


@contextmanager
def written_to(server: Server, journal: Journal) -> Iterator[None]:
    """Let people write within the block, and for a while before it."""
    is_over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(journal.write_until, server.url, is_over)
        try:
            journal.wait_for(WRITES_BEFORE)
            yield
        finally:
            is_over.set()
        writing.result()


@pytest.mark.parametrize("backups", short_and_long(1, 25))
def test_R11_backups_under_load_restore_start_and_hold_what_was_acknowledged(
    server: Server,
    environment: dict[str, str],
    world: World,
    tmp_path: Path,
    backups: int,
    figures: Figures,
) -> None:
    database_url, vestibule = environment["VESTIBULE_DATABASE_URL"], Command(environment)
    tools = tools_for(database_url)
    journal, written, seconds = Journal(world, world.person("Ada Winter", "ada@example.com")), 0, 0.0
    for number in range(backups):
        if number % BACKUPS_OF_AN_ORGANIZATION == 0:
            journal.use_new_organizations(WRITERS)
        file = tmp_path / f"{number}.backup"
        with written_to(server, journal):
            before, began = list(journal.invited), time.monotonic()
            assert vestibule("backup", file, **tools).status == 0
            seconds += time.monotonic() - began
            written += len(journal.invited) - len(before)
        with restored(file, database_url, tmp_path, tools) as url:
            assert Command(environment_for(url, tmp_path))("audit", "verify").status == 0
            assert Command(environment_for(url, tmp_path))("check").status == 0
            assert set(before) <= set(invited_in(url))
            with running_server(environment_for(url, tmp_path), tmp_path, "--workers", "1"):
                pass
    assert journal.statuses == {303}
    figures(backups=backups, started=backups, verified=backups, lost=0, writes_per_second=round(written / seconds))
