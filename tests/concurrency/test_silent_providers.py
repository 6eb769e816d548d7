"""A provider that never says a word keeps a few threads of the server waiting; everybody else is answered meanwhile."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from select import select
from urllib.parse import urlsplit

import pytest

from tests.support.acme import organization_of
from tests.support.rounds import silence
from tests.support.server import Server, running_server
from tests.support.settings import environment_for
from tests.support.sso import connection
from tests.support.visitor import TIMEOUT_SECONDS, Visitor, visitor_at
from tests.support.worlds import World

DEPARTURES = 40
"""More than the server has threads, and few enough for a slow machine to take them while the first is waited for."""
NOT_ASKED = "The provider was not asked"


@pytest.fixture
def trusting_server(database_url: str, tmp_path: Path) -> Iterator[Server]:
    """The server as it starts by itself, which may ask providers on this machine."""
    environment = environment_for(database_url, tmp_path, private_providers="127.0.0.1")
    with running_server(environment, tmp_path) as running:
        yield running


def sent(server: Server, way: str, visitor: Visitor) -> HTTPConnection:
    """Ask for a page without reading the answer."""
    asked = HTTPConnection(urlsplit(server.url).netloc, timeout=TIMEOUT_SECONDS)
    asked.request("GET", way, headers={"Cookie": f"vestibule={visitor.cookies['vestibule']}"})
    return asked


def answered(departures: list[HTTPConnection]) -> list[str]:
    """Return the pages of those that have an answer by now."""
    readable, _, _ = select([asked.sock for asked in departures], [], [], 0)
    return [asked.getresponse().read().decode() for asked in departures if asked.sock in readable]


def test_X02_pages_answer_while_a_silent_provider_is_waited_for(world: World, trusting_server: Server) -> None:
    owner = world.person("Ada Winter", "ada@example.com")
    slug = world.organization("Harbour Works", owner)
    way_in = f"/orgs/{slug}/sso/login"
    member = visitor_at(trusting_server.url, "/login", world, owner)
    with silence() as issuer, ExitStack() as stack:
        world.write(lambda: connection(organization_of(slug), issuer))
        leaving = [visitor_at(trusting_server.url, way_in) for _ in range(DEPARTURES)]
        ways = [visitor.send(way_in).location for visitor in leaving]
        departures = [sent(trusting_server, way, visitor) for way, visitor in zip(ways, leaving, strict=True)]
        for asked in departures:
            stack.enter_context(closing(asked))
        assert Visitor(trusting_server.url).get("/login").status == 200
        assert member.get(f"/orgs/{slug}/members").status == 200
        pages = answered(departures)
    assert [page for page in pages if NOT_ASKED not in page] == []
    assert len(pages) < DEPARTURES
