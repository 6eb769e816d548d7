"""kill -9 of the whole server while people write: what was acknowledged is there, whole, and the database is sound."""

import os
import random
import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.reliability.journal import Journal, invited_in
from tests.support.server import Server, running_server
from tests.support.sizes import Figures, short_and_long, soak_factor
from tests.support.worlds import World

KILLS = 50
LIVES_OF_AN_ORGANIZATION = 20
"""Then others write: an organization has 2,000 invitations a day."""

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@on_sqlite
@pytest.mark.parametrize("kills", short_and_long(3, KILLS * soak_factor()))
def test_R09_killed_server_loses_nothing_it_has_acknowledged(
    environment: dict[str, str], database_url: str, world: World, tmp_path: Path, kills: int, figures: Figures
) -> None:
    owner, source = world.person("Ada Winter", "ada@example.com"), random.Random(kills)  # noqa: S311
    journal = Journal(world, owner)
    for life in range(kills):
        if life % LIVES_OF_AN_ORGANIZATION == 0:
            journal.use_new_organizations(4)
        with running_server(environment, tmp_path) as server:
            kill_amid(server, source.randint(1, 12), journal)
        assert journal.statuses == {303}
        assert is_sound(database_url)
        stored = invited_in(database_url)
        assert set(journal.invited) <= set(stored)
    figures(kills=kills, acknowledged=len(journal.invited), lost=0, stored=len(stored), integrity="ok")


def kill_amid(server: Server, writes: int, journal: Journal) -> None:
    """Let people write, and kill the server and all its processes after so many writes, amid others."""
    is_over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(journal.write_until, server.url, is_over)
        journal.wait_for(writes)
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
        is_over.set()
        writing.result()


def is_sound(database_url: str) -> bool:
    with closing(sqlite3.connect(make_url(database_url).database or "")) as connection:
        return bool(connection.execute("pragma integrity_check").fetchall() == [("ok",)])
