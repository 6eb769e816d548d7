"""vestibule serve: what it prints and when, and that nothing of it is left behind."""

import os
import resource
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
from webapp.cli.serve import most_connections

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
    assert [line.split()[0] for line in lines] == ["Vestibule", "Mailbox", "Sign-on", "Set-up"]


@pytest.mark.parametrize("arguments", [["--demo", "--verbose"], []])
def test_requests_are_logged_outside_of_demos_and_where_asked(
    environment: dict[str, str], tmp_path: Path, arguments: list[str]
) -> None:
    with running_server(environment, tmp_path, *arguments) as server:
        assert Visitor(server.url).get("/login").status == 200
        assert REQUEST in server.log


def test_killed_server_leaves_no_mail_worker_behind(environment: dict[str, str], tmp_path: Path) -> None:
    with running_server(environment, tmp_path, "--with-worker") as server:
        worker = child_of(server.process.pid, "worker")
        with ending(worker):
            server.process.send_signal(signal.SIGKILL)
            server.process.wait(STOP_SECONDS)


def child_of(server: int, command: str) -> int:
    """Return the process id of a command that a server runs beside it."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    [found] = [int(pid) for pid, parent, line in rows if int(parent) == server and f" {command} " in line]
    return found


@contextmanager
def ending(process: int) -> Iterator[None]:
    """Let a process that is not ours end within the block, or soon after."""
    descriptor = os.pidfd_open(process)
    try:
        yield
        ended, _, _ = select.select([descriptor], [], [], PATIENCE_SECONDS)
        assert ended, "it outlived its server"
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(("open_files", "clients"), [(1024, 768), (20_000, 1000), (64, 16)])
def test_X09_clients_leave_a_process_the_files_it_needs(open_files: int, clients: int) -> None:
    """Where it cannot open one more it ends, and all it was about to answer with it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, hard))
    try:
        assert most_connections(threads=16) == clients
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
