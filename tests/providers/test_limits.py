"""How long our client waits, how much it reads, and what is remembered of providers."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from flask import Response

from tests.providers.refusals import assert_refused, refusal_of
from tests.support.identity_provider import (
    LOOPBACK,
    Browser,
    HostileProvider,
    connected,
    connection_to,
    rsa_key,
)
from webapp.providers import http
from webapp.providers.base import Surroundings
from webapp.providers.errors import DoesNotAnswer, NotBelieved, ProviderError, Reason
from webapp.providers.http import Conversation, Network
from webapp.providers.registry import provider_for
from webapp.providers.remembered import MOST, REFETCH_SECONDS, Remembered

PATIENCE_SECONDS = 0.3


# ---- how long, how much ----


@contextmanager
def speaking(say: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Run a server that says whatever it likes to whoever connects, until the block ends."""
    listener, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve() -> None:
        with suppress(OSError):  # our client hangs up, as it should
            connection, _peer = listener.accept()
            with connection:
                say(connection, over)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


def drips(beginning: bytes, drop: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Return what says a little from time to time, and so never lets a single wait last long; it finds no end."""

    def say(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(4_096)
        connection.sendall(beginning)
        while not over.wait(PATIENCE_SECONDS / 10):
            connection.sendall(drop)

    return say


def is_silent(connection: socket.socket, over: threading.Event) -> None:
    over.wait()


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_X02_silence_ends(scheme: str) -> None:
    with speaking(is_silent) as address, pytest.raises(DoesNotAnswer) as refused:
        Conversation(LOOPBACK.network, PATIENCE_SECONDS).get(f"{scheme}://{address}/")
    assert refused.value.reason == Reason.TIMEOUT


@pytest.mark.parametrize(
    "say",
    [
        drips(b"HTTP/1.1 200 OK\r\n", b"X-Slow: y\r\n"),
        drips(OK + b"Content-Length: 100000\r\n\r\n", b" "),
        drips(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["headers", "body", "chunks"],
)
def test_X02_slow_answers_end_at_the_limit_for_all_of_it(
    say: Callable[[socket.socket, threading.Event], None],
) -> None:
    with speaking(say) as address, pytest.raises(DoesNotAnswer) as refused:
        Conversation(LOOPBACK.network, PATIENCE_SECONDS).get(f"http://{address}/")
    assert refused.value.reason == Reason.TIMEOUT


def test_X02_requests_of_one_sign_in_share_one_limit() -> None:
    conversation = Conversation(LOOPBACK.network, PATIENCE_SECONDS)
    with speaking(is_silent) as address, pytest.raises(DoesNotAnswer):
        conversation.get(f"http://{address}/")
    with pytest.raises(DoesNotAnswer) as refused:
        conversation.get("http://127.0.0.1:1/")
    assert refused.value.reason == Reason.TIMEOUT


def test_X02_name_service_that_is_silent_is_left_behind() -> None:
    over = threading.Event()

    def never(_host: str, _port: int) -> list[str]:
        over.wait()
        return []

    with pytest.raises(DoesNotAnswer) as refused:
        Conversation(Network(resolve=never), PATIENCE_SECONDS).get("https://idp.example.org/")
    over.set()
    assert refused.value.reason == Reason.TIMEOUT


def test_X02_limits_are_those_that_are_stated() -> None:
    stated = (http.CONNECT_SECONDS, http.ALL_SECONDS, http.BODY_MAX_BYTES)
    assert stated == (3, 10, 256 * 1024)


@pytest.mark.parametrize(
    "beginning",
    [
        OK + b"Content-Length: 314572800\r\n\r\n",
        OK + b"\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"fffffff\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
    ],
    ids=["announced", "endless", "chunks", "header"],
)
def test_X02_huge_answer_is_not_read_whole(beginning: bytes) -> None:
    sent = []

    def say(connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(4_096)
        connection.sendall(beginning)
        for _ in range(5_000):
            connection.sendall(b" " * 65_536)
            sent.append(65_536)

    with speaking(say) as address, pytest.raises(ProviderError):
        Conversation(LOOPBACK.network).get(f"http://{address}/")
    assert sum(sent) < 32 * 1024**2


def test_X02_endless_beginning_is_not_read() -> None:
    def say(connection: socket.socket, over: threading.Event) -> None:
        while not over.is_set():
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)

    with speaking(say) as address, pytest.raises(NotBelieved) as refused:
        Conversation(LOOPBACK.network).get(f"http://{address}/")
    assert refused.value.reason == Reason.TOO_LARGE


def test_X02_packed_answer_is_not_unpacked(theirs: HostileProvider) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    theirs.replies["discovery"] = lambda: Response(bomb, headers={"Content-Encoding": "gzip"})
    assert_refused(theirs, Reason.NOT_JSON, tokens=0)


@pytest.mark.parametrize(("count", "reason"), [(51, Reason.KEYS), (100_000, Reason.TOO_LARGE)])
def test_X02_too_many_keys_are_refused(theirs: HostileProvider, count: int, reason: Reason) -> None:
    theirs.key_set = [{"kty": "EC", "n": number} for number in range(count)]
    assert_refused(theirs, reason)


def test_X02_deep_description_is_refused(theirs: HostileProvider) -> None:
    theirs.replies["discovery"] = lambda: Response('{"a":' * 40_000)
    assert_refused(theirs, Reason.NOT_JSON, tokens=0)


@pytest.mark.parametrize("say", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", b"\0\0"])
def test_what_is_no_answer_is_refused(say: bytes) -> None:
    with speaking(lambda connection, _over: connection.sendall(say)) as address, pytest.raises(ProviderError):
        Conversation(LOOPBACK.network).get(f"http://{address}/").json_object()


# ---- what is remembered ----


def test_X03_tokens_with_unknown_keys_fetch_the_keys_once_more(theirs: HostileProvider) -> None:
    for number in range(30):
        theirs.header = {"kid": f"k-{number + 2}"}
        assert refusal_of(theirs).reason == Reason.SIGNATURE
    assert (theirs.hits["jwks"], theirs.hits["discovery"]) == (2, 1)


def test_X03_keys_of_a_connection_are_fetched_again_once_a_minute() -> None:
    now = [1_000.0]
    kept: Remembered[int] = Remembered(lambda: now[0])
    fetched = iter(range(1_000))

    def fetch() -> int:
        return next(fetched)

    assert [kept.get("a", fetch), kept.get("a", fetch)] == [0, 0]
    assert [kept.again("a", fetch) for _ in range(1_000)] == [1] * 1_000
    assert kept.again("b", fetch) == 2
    now[0] += REFETCH_SECONDS - 1
    assert kept.again("a", fetch) == 1
    now[0] += 1
    assert [kept.again("a", fetch), kept.get("a", fetch)] == [3, 3]


def test_X03_what_is_remembered_is_bounded() -> None:
    kept: Remembered[int] = Remembered()
    for number in range(MOST + 1):
        kept.get(str(number), lambda: 1)
    assert kept.get("0", lambda: 2) == 2
    assert kept.get(str(MOST), lambda: 2) == 1


def test_each_process_learns_of_providers_by_itself(theirs: HostileProvider) -> None:
    connection = connection_to(theirs)
    for number in (1, 2):
        surroundings = Surroundings(LOOPBACK.network)
        theirs.discovery_changes = {"jwks_uri": f"{theirs.issuer}/jwks?{number}"}
        for _sign_in in range(2):
            Browser(provider_for(connection, surroundings), theirs).sign_in()
        assert (theirs.hits["jwks"], theirs.hits["discovery"]) == (number, number)


@pytest.mark.parametrize("kid", ["k-2", "k-1", None], ids=["new", "same", "none"])
def test_R20_next_sign_in_works_with_new_keys(theirs: HostileProvider, kid: str | None) -> None:
    ours = connected(theirs)
    Browser(ours, theirs).sign_in()
    theirs.key = rsa_key("newer", kid)
    assert Browser(ours, theirs).sign_in().claims.subject == "u-1"
