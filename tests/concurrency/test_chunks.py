"""X04: forms that come in chunks, as from proxies that pass on what they have not read whole; by the real server."""

import socket
from contextlib import closing
from http.client import HTTPResponse
from urllib.parse import urlencode, urlsplit

import pytest

from tests.support.server import Server
from tests.support.visitor import TIMEOUT_SECONDS, Visitor
from tests.support.worlds import PASSWORD, Person, World
from webapp.http.limits import MAX_BYTES

LAST = b"0\r\n\r\n"


@pytest.fixture
def person(world: World) -> Person:
    """Somebody who signs in."""
    return world.person("Ada Winter", "ada@example.com")


def status_of(server: Server, person: Person, *, last: bytes, more: str = "") -> int:
    """Return what a browser gets that sends the form of the sign-in in chunks.

    Args:
        server: where.
        person: who signs in.
        last: what comes behind the chunks.
        more: what the form holds besides.
    """
    address, visitor = urlsplit(server.url), Visitor(server.url)
    visitor.get("/login")
    fields = {"email": person.email, "password": PASSWORD, "csrf_token": visitor.csrf, "more": more}
    head = {
        "Host": address.netloc,
        "Cookie": f"vestibule={visitor.cookies['vestibule']}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Transfer-Encoding": "chunked",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    with closing(socket.create_connection((address.hostname, address.port), TIMEOUT_SECONDS)) as line:
        line.sendall(f"POST /login HTTP/1.1\r\n{lines}\r\n".encode() + chunks(urlencode(fields).encode()) + last)
        line.shutdown(socket.SHUT_WR)
        answer = HTTPResponse(line, method="POST")
        answer.begin()
        return answer.status


def chunks(body: bytes) -> bytes:
    """Return a body in chunks of fifty bytes."""
    pieces = [body[begin : begin + 50] for begin in range(0, len(body), 50)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


def test_X04_form_in_chunks_is_taken_like_any_other(server: Server, person: Person) -> None:
    assert status_of(server, person, last=LAST) == 303


@pytest.mark.parametrize(
    "last",
    [b"", b"5\r\nab", b"x\r\n", b"0\r\n", b"0\r\nno trailer\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n"],
    ids=["none", "half a chunk", "no size", "no end", "no trailer", "forbidden trailer"],
)
def test_X04_chunks_that_do_not_end_as_they_should_are_refused(server: Server, person: Person, last: bytes) -> None:
    assert status_of(server, person, last=last) == 400


def test_X04_chunks_are_limited_as_announced_forms_are(server: Server, person: Person) -> None:
    assert status_of(server, person, last=LAST, more="x" * MAX_BYTES) == 413
