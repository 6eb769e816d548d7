"""How long a client may keep an answer waiting, by a clock of the test's own."""

import os
import selectors
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn

from webapp.cli.patient_worker import (
    LEAST_BYTES_A_SECOND,
    SILENT_SECONDS,
    SLOW_SECONDS,
    PatientSocket,
    PatientWorker,
)

PATIENCE = 60


class Clock:
    """Shows so many seconds more whenever it is looked at."""

    def __init__(self, seconds: float) -> None:
        self._now = 0.0
        self._step = seconds

    def __call__(self) -> float:
        self._now += self._step
        return self._now


@pytest.fixture
def line() -> Iterator[tuple[PatientSocket, socket.socket]]:
    """The server's end of a connection, and the client's."""
    ours, theirs = socket.socketpair()
    with PatientSocket(fileno=ours.detach()) as server, theirs:
        yield server, theirs


def pieces_taken(line: tuple[PatientSocket, socket.socket], piece: bytes, seconds: float, most: int) -> int:
    """Return how many pieces, at most so many, a client gets that takes one in so many seconds."""
    server, client = line
    with server.answering(PATIENCE, Clock(seconds)):
        for number in range(most):
            try:
                server.sendall(piece)
            except TimeoutError:
                return number
            client.recv(len(piece), socket.MSG_WAITALL)
    return most


def test_X09_small_pieces_have_no_patience_of_their_own(line: tuple[PatientSocket, socket.socket]) -> None:
    """A row of a list every ten seconds would last for days."""
    assert pieces_taken(line, b"a row", 10, 1000) == PATIENCE // 10


@pytest.mark.parametrize(("seconds", "taken"), [(0.9, 1000), (2, PATIENCE - 1)])
def test_X09_large_answers_have_longer(line: tuple[PatientSocket, socket.socket], seconds: float, taken: int) -> None:
    """As long as a client takes what a slow line lets through, and its patience besides."""
    piece = bytes(LEAST_BYTES_A_SECOND)
    assert pieces_taken(line, piece, seconds, 1000) == taken


def test_each_answer_on_a_connection_is_counted_anew(line: tuple[PatientSocket, socket.socket]) -> None:
    assert [pieces_taken(line, b"answer", 50, 1) for _ in range(3)] == [1, 1, 1]


@pytest.fixture
def worker() -> Iterator[PatientWorker]:
    """A process that accepts three connections at once, and has not begun to."""
    config = Config()
    config.set("worker_connections", 3)
    config.set("threads", 1)
    made = PatientWorker(0, os.getppid(), [], None, 30, config, Logger(config))
    with selectors.DefaultSelector() as made.poller:
        yield made
    made.tmp.close()


def connected(worker: PatientWorker, seconds: float) -> socket.socket:
    """Let a client have connected so many seconds ago, who has said nothing yet; return the client's end."""
    ours, theirs = socket.socketpair()
    conn = TConn(worker.cfg, ours, "", "")
    worker.nr_conns += 1
    worker.enqueue_req(conn)
    conn.timeout -= seconds
    return theirs


@pytest.mark.parametrize(
    ("connections", "seconds", "ended"),
    [(3, SILENT_SECONDS + 1, 3), (3, SILENT_SECONDS / 2, 0), (2, SILENT_SECONDS + 1, 0)],
)
def test_X09_silent_connections_make_room_once_no_other_is_accepted(
    worker: PatientWorker, connections: int, seconds: int, ended: int
) -> None:
    with ExitStack() as stack:
        for _ in range(connections):
            stack.enter_context(connected(worker, seconds))
        worker.wait_for_and_dispatch_events(0)
        worker.murder_pending()
        assert worker.nr_conns == connections - ended
        for conn in worker.pending_conns:
            conn.close()


def test_connection_that_has_said_something_is_not_silent(worker: PatientWorker) -> None:
    worker.tpool, worker.worker_connections = worker.get_thread_pool(), 1
    worker.method_queue.init()
    with worker.tpool, connected(worker, SILENT_SECONDS + 1) as client:
        client.sendall(b"G")
        worker.wait_for_and_dispatch_events(1)
        worker.murder_pending()
        assert (worker.nr_conns, list(worker.pending_conns)) == (1, [])
    worker.method_queue.close()


@pytest.fixture
def answering(worker: PatientWorker) -> Iterator[PatientWorker]:
    """The same, with its one thread; what it answers reads the whole request first."""

    def read(environ: Any, start_response: Any) -> list[bytes]:
        environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", "0")])
        return []

    worker.app, worker.wsgi = SimpleNamespace(patience=PATIENCE), read
    worker.tpool = worker.get_thread_pool()
    worker.method_queue.init()
    worker.poller.register(worker.method_queue.fileno(), selectors.EVENT_READ, worker.method_queue.run_callbacks)
    with worker.tpool:
        yield worker
    worker.method_queue.close()


def test_request_that_waited_for_a_thread_may_take_as_long_to_arrive_as_others_if_its_headers_are_there(
    answering: PatientWorker,
) -> None:
    now = [0.0]
    answering.seconds = lambda: now[0]
    begun = b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 9\r\n\r\nhalf"
    said = [b"G", begun, b"G", begun]
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(answering, 0)) for _ in said]
        conns = list(answering.pending_conns)
        for client, piece in zip(clients, said, strict=True):
            client.sendall(piece)
            answering.wait_for_and_dispatch_events(1)
        now[0] += SLOW_SECONDS + 1
        answering.wait_for_and_dispatch_events(0)
        assert clients[0].recv(1) == b"", "had the thread for too long, while others waited"
        clients[0].close()
        answering.wait_for_and_dispatch_events(1)
        assert not conns[1].sock.is_heard_out, "has the thread since just now"
        clients[1].sendall(b"whole")
        assert clients[1].recv(12) == b"HTTP/1.1 200"
        clients[1].close()
        assert clients[2].recv(1) == b"", "did not even send its headers while it waited"
        clients[2].close()
        clients[3].sendall(b"whole")
        assert clients[3].recv(12) == b"HTTP/1.1 200"


def test_X09_connections_that_end_are_counted_once(answering: PatientWorker) -> None:
    for _ in range(answering.worker_connections + 1):
        with connected(answering, 0) as client:
            client.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            answering.wait_for_and_dispatch_events(1)
            assert client.recv(12) == b"HTTP/1.1 200"
            while answering.nr_conns > 0:
                answering.wait_for_and_dispatch_events(1)
        assert answering.nr_conns == 0
