"""Clients that do not hang up keep nobody else from being answered."""

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
