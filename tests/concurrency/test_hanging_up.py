"""Clients that do not hang up, or do not say all they announced, keep nobody else from being answered."""

import re
import socket
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.server import Server, running_server
from tests.support.settings import environment_for
from tests.support.visitor import TIMEOUT_SECONDS, Visitor
from webapp.cli.patient_worker import RECEIVING_SECONDS

# Gunicorn waits two seconds for each, which together is longer than the visitor below waits.
CLIENTS = TIMEOUT_SECONDS // 2 + 10
LARGE_FILE = "/static/vendor/bootstrap.min.css"
FORM = "Content-Type: application/x-www-form-urlencoded"
BEGUN = f"POST /login HTTP/1.1\r\nHost: localhost\r\n{FORM}\r\nContent-Length: 1000\r\n\r\nemail=".encode()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_pages_answer_while_clients_do_not_hang_up(database_url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        environment = environment_for(database_url, tmp_path)
        server = stack.enter_context(running_server(environment, tmp_path, "--workers", "1"))
        for _ in range(CLIENTS):
            client = HTTPConnection(urlsplit(server.url).netloc, timeout=TIMEOUT_SECONDS)
            stack.enter_context(closing(client))
            client.request("GET", "/healthz", headers={"Connection": "close"})
        assert Visitor(server.url).get("/login").status == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_X04_forms_that_never_end_are_given_up(database_url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        environment = environment_for(database_url, tmp_path)
        server = stack.enter_context(running_server(environment, tmp_path, "--workers", "1", "--threads", "4"))
        address = urlsplit(server.url)
        clients = [
            stack.enter_context(socket.create_connection((address.hostname, address.port), TIMEOUT_SECONDS))
            for _ in range(8)
        ]
        for client in clients:
            client.sendall(BEGUN)
        assert Visitor(server.url).get("/login").status == 200
        for client in clients:
            assert client.recv(12) == b"HTTP/1.1 400"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_X09_connections_that_say_nothing_hold_no_thread(database_url: str, tmp_path: Path) -> None:
    """Gunicorn has a thread wait five seconds for the first byte of each."""
    with ExitStack() as stack:
        environment = environment_for(database_url, tmp_path)
        server = stack.enter_context(running_server(environment, tmp_path, "--workers", "1", "--threads", "1"))
        silent = [
            stack.enter_context(socket.create_connection(address_of(server), TIMEOUT_SECONDS)) for _ in range(CLIENTS)
        ]
        assert Visitor(server.url).get("/healthz").status == 200
        silent[-1].setblocking(False)
        with pytest.raises(BlockingIOError):  # it came first and is waited for still
            silent[-1].recv(1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_X09_connections_that_say_little_are_waited_for_all_at_once(database_url: str, tmp_path: Path) -> None:
    """Ten seconds for each, one after the other, are longer than the visitor waits."""
    with ExitStack() as stack:
        environment = environment_for(database_url, tmp_path)
        server = stack.enter_context(running_server(environment, tmp_path, "--workers", "1", "--threads", "1"))
        for _ in range(TIMEOUT_SECONDS // RECEIVING_SECONDS + 2):
            client = stack.enter_context(socket.create_connection(address_of(server), TIMEOUT_SECONDS))
            client.sendall(b"G")
        assert Visitor(server.url).get("/login").status == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_X09_answers_that_nobody_takes_are_given_up(database_url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        environment = environment_for(database_url, tmp_path)
        small = ("--workers", "1", "--threads", "1", "--patience", "1")
        server = stack.enter_context(running_server(environment, tmp_path, *small))
        client = stack.enter_context(asking_for_much(server))
        assert Visitor(server.url).get("/login").status == 200
        assert 'a client took too slowly"' in server.log
        assert not is_whole(client)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_X09_slow_clients_make_room_for_others_and_no_more_of_them_than_needed(
    database_url: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        environment = environment_for(database_url, tmp_path)
        patient = ("--workers", "1", "--threads", "2", "--patience", "3600")
        server = stack.enter_context(running_server(environment, tmp_path, *patient))
        clients = [stack.enter_context(asking_for_much(server)) for _ in range(2)]
        assert Visitor(server.url).get("/login").status == 200
        assert sorted(is_whole(client) for client in clients) == [False, True]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_X09_requests_that_stall_make_room_before_slow_answers(database_url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        environment = environment_for(database_url, tmp_path)
        patient = ("--workers", "1", "--threads", "2", "--patience", "3600")
        server = stack.enter_context(running_server(environment, tmp_path, *patient))
        stalling = stack.enter_context(socket.create_connection(address_of(server), TIMEOUT_SECONDS))
        stalling.sendall(BEGUN)
        slow = stack.enter_context(asking_for_much(server))
        assert Visitor(server.url).get("/login").status == 200
        assert stalling.recv(12) == b"HTTP/1.1 400"
        assert is_whole(slow)


def address_of(server: Server) -> tuple[str, int]:
    address = urlsplit(server.url)
    return str(address.hostname), int(address.port or 0)


def asking_for_much(server: Server) -> socket.socket:
    """Ask for a large file, and take nothing of it yet; only little of it is on its way."""
    client = socket.socket()
    client.settimeout(TIMEOUT_SECONDS)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    client.connect(address_of(server))
    client.sendall(f"GET {LARGE_FILE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    return client


def is_whole(client: socket.socket) -> bool:
    """Take what comes to the end of it, and tell whether it is as much as was announced."""
    headers, _, taken = b"".join(iter(lambda: client.recv(4096), b"")).partition(b"\r\n\r\n")
    announced = re.search(rb"Content-Length: (\d+)", headers)
    assert announced
    return len(taken) == int(announced[1])
