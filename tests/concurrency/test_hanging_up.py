"""Clients that do not hang up, or do not say all they announced, keep nobody else from being answered."""

import socket
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.server import running_server
from tests.support.settings import environment_for
from tests.support.visitor import TIMEOUT_SECONDS, Visitor

# Gunicorn waits two seconds for each, which together is longer than the visitor below waits.
CLIENTS = TIMEOUT_SECONDS // 2 + 10
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
