"""How long a client may keep an answer waiting, by a clock of the test's own."""

import socket
from collections.abc import Iterator

import pytest

from webapp.cli.patient_worker import LEAST_BYTES_A_SECOND, PatientSocket

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
