"""What one visitor can cost the server: long headers are refused, and passwords are hashed a few at a time."""

import os
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from argon2 import PasswordHasher

from tests.support.ledger import Ledger
from tests.support.server import Server, running_server
from tests.support.settings import environment_for
from tests.support.sizes import short_and_long
from tests.support.visitor import at_once, visitor_at
from tests.support.worlds import PASSWORD, World
from webapp.services.passwords import hash_password

THREADS = 32
KIBIBYTES_PER_HASH = PasswordHasher().memory_cost
HASHED_AT_ONCE = max(2, os.cpu_count() or 2)
SLACK_KIBIBYTES = 128 * 1024
"""For what so many threads and their answers take besides."""


@pytest.mark.parametrize("name", ["Cookie", "X-Something", "User-Agent", "Referer", "HX-Current-URL"])
def test_X04_header_of_64_kibibytes_is_refused(server: Server, name: str) -> None:
    for path in ("/login", "/healthz"):
        connection = HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        connection.request("GET", path, headers={name: "x" * 64 * 1024})
        assert connection.getresponse().status in (400, 431)
        connection.close()


def test_X04_many_headers_and_long_addresses_are_refused(server: Server) -> None:
    for path, headers in (("/login", {f"X-{n}": "x" for n in range(200)}), (f"/login?{'x' * 64 * 1024}", {})):
        connection = HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        connection.request("GET", path, headers=headers)
        assert connection.getresponse().status in (400, 414, 431)
        connection.close()


def children_of(process: int) -> list[int]:
    return [int(number) for number in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def most_kibibytes(process: int) -> int:
    """Return how much memory a process has had at most."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


@pytest.mark.parametrize("number", short_and_long(6 * HASHED_AT_ONCE, 200))
def test_X05_many_sign_ins_at_once_take_the_memory_of_a_few(
    world: World, ledger: Ledger, database_url: str, tmp_path: Path, number: int
) -> None:
    hashed = hash_password(PASSWORD)
    people = [world.person(f"Guest {guest}", f"guest{guest}@example.org", hashed) for guest in range(number)]
    environment = environment_for(database_url, tmp_path, trusted_proxies=1)
    with running_server(environment, tmp_path, "--workers", "1", "--threads", str(THREADS)) as server:
        browsers = [visitor_at(server.url, "/login") for _ in people]
        [worker] = children_of(server.process.pid)
        before = most_kibibytes(worker)

        def sign_in(index: int) -> int:
            form = {"email": people[index].email, "password": PASSWORD}
            return browsers[index].send("/login", forwarded_for=f"203.0.{index}.7", **form).status

        assert Counter(at_once(number, sign_in)) == {303: number}
        grown = most_kibibytes(worker) - before
    assert ledger.count("session") == number
    assert KIBIBYTES_PER_HASH < grown < HASHED_AT_ONCE * KIBIBYTES_PER_HASH + SLACK_KIBIBYTES
