"""vestibule serve: what it prints and when, and that nothing of it is left behind."""

import os
import select
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.commands import PATIENCE_SECONDS, script, variables
from tests.support.server import STOP_SECONDS, running_server
from tests.support.visitor import Visitor

REQUEST = '"route": "/login"'


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh SQLite database: none of this depends on the kind."""
    with request.getfixturevalue("sqlite_template").copy(tmp_path) as url:
        yield url


@contextmanager
def taken_port() -> Iterator[int]:
    """Yield a port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_taken_port_is_one_sentence(environment: dict[str, str]) -> None:
    with taken_port() as port:
        own = variables(environment, VESTIBULE_BASE_URL=f"http://127.0.0.1:{port}")
        command = [script(), "serve", "--demo", "--bind", f"127.0.0.1:{port}"]
        done = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: 127.0.0.1:{port} cannot be listened on: Address already in use.")
    assert done.stderr.count("\n") == 1


def test_greeting_stays_in_sight_in_a_demo(environment: dict[str, str], tmp_path: Path) -> None:
    with running_server(environment, tmp_path, "--demo", "--with-worker") as server:
        assert Visitor(server.url).get("/login").status == 200
        lines = server.log.splitlines()
    assert [line.split()[0] for line in lines] == ["Vestibule", "Mailbox", "Set-up"]


@pytest.mark.parametrize("arguments", [["--demo", "--verbose"], []])
def test_requests_are_logged_outside_of_demos_and_where_asked(
    environment: dict[str, str], tmp_path: Path, arguments: list[str]
) -> None:
    with running_server(environment, tmp_path, *arguments) as server:
        assert Visitor(server.url).get("/login").status == 200
        assert REQUEST in server.log


def test_killed_server_leaves_no_mail_worker_behind(environment: dict[str, str], tmp_path: Path) -> None:
    with running_server(environment, tmp_path, "--with-worker") as server:
        worker = mail_worker_of(server.process.pid)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(STOP_SECONDS)
        wait_for_end(worker)


def mail_worker_of(server: int) -> int:
    """Return the process id of the mail worker that a server runs."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    [found] = [int(pid) for pid, parent, command in rows if int(parent) == server and " worker " in command]
    return found


def wait_for_end(process: int) -> None:
    """Return once a process that is not ours has ended."""
    descriptor = os.pidfd_open(process)
    try:
        ended, _, _ = select.select([descriptor], [], [], PATIENCE_SECONDS)
        assert ended, "the mail worker outlived its server"
    finally:
        os.close(descriptor)
