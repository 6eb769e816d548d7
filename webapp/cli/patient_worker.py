"""How the server deals with clients that dawdle: each gets so many seconds, so that none keeps threads from others."""

import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import takewhile
from time import monotonic
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

RECEIVING_SECONDS: Final = 10
"""For the first byte of a request to arrive, and for the rest from then on: our forms are small."""
SENDING_SECONDS: Final = 60
"""For an answer to be taken; a large one has a second more for each `LEAST_BYTES_A_SECOND`."""
LEAST_BYTES_A_SECOND: Final = 50_000
SLOW_SECONDS: Final = 5
"""For a request to arrive, or an answer to be taken, while others wait for a thread."""
END_OF_HEADERS: Final = b"\r\n\r\n"
MOST_PEEKED_BYTES: Final = 65_536
SILENT_SECONDS: Final = 3
"""For the first byte of a request to arrive, while a process has as many connections as it accepts."""


class PatientSocket(socket.socket):
    """A connection to a client that may keep whoever sends it an answer waiting for so long, all of it together.

    However small the pieces of an answer are, and however little a client takes now and then, its end is in sight.
    `is_heard_out` says that nothing more is received, so that no other request follows.
    """

    is_heard_out = False
    _patience: float | None = None
    _waited = 0.0
    _since: float | None = None
    _seconds: Callable[[], float] = monotonic

    @contextmanager
    def answering(self, patience: float, seconds: Callable[[], float] = monotonic) -> Iterator[None]:
        """Send one answer within the block.

        Args:
            patience: for how many seconds the client may keep us waiting.
            seconds: a clock that only goes forward.
        """
        self._patience, self._seconds = patience, seconds
        try:
            yield
        finally:
            self._patience, self._waited, self._since = None, 0.0, None

    def setblocking(self, flag: bool, /) -> None:
        """Set it, unless the connection has ended: gunicorn ends each once more, and counts twice what fails then."""
        if self.fileno() >= 0:
            super().setblocking(flag)

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send a piece of an answer.

        Raises:
            TimeoutError: the client has not taken it in its time.
        """
        if self._patience is None:
            super().sendall(data, flags)
            return
        self._patience += len(data) / LEAST_BYTES_A_SECOND
        self._since = since = self._seconds()
        self.settimeout(self._patience - self._waited)
        super().sendall(data, flags)
        self._waited, self._since = self._waited + self._seconds() - since, None
        if self._waited >= self._patience:
            raise TimeoutError

    def kept_waiting(self) -> float:
        """Return for how many seconds the client has kept us waiting with this answer."""
        since = self._since
        return self._waited + (0.0 if since is None else self._seconds() - since)


class PatientWorker(ThreadWorker):
    """Answers requests in threads, and waits for their clients no longer than it says.

    A connection has no thread before its first byte has come. It ends in the thread that answered on it: gunicorn
    would end it in the thread that accepts all others, and wait there for clients that do not hang up. `seconds` is a
    clock that only goes forward.
    """

    seconds: Callable[[], float] = staticmethod(monotonic)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # Since when each request has a thread; none while it waits for one, which is no fault of its client.
        self._begun: dict[Any, float | None] = {}
        self._came: dict[Any, float] = {}

    def enqueue_req(self, conn: Any) -> None:
        """Give a connection to a thread, but a new one to the poller, which calls again when its first byte comes."""
        if conn.initialized or conn.data_ready:
            self._begun[conn], self._came[conn] = None, self.seconds()
            super().enqueue_req(conn)
            return
        conn.sock = PatientSocket(fileno=conn.sock.detach())
        conn.sock.setblocking(False)
        conn.timeout = monotonic() + RECEIVING_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle(self, conn: Any) -> Any:
        """Answer a request, then end the connection where no other may follow; ending it again does nothing.

        Who waited for a thread, and has not even sent the headers meanwhile, is not waited for in their turn.
        """
        self._begun[conn] = now = self.seconds()
        if now - self._came.pop(conn) > SLOW_SECONDS and not _has_headers(conn):
            _end_receiving(conn)
        try:
            goes_on = super().handle(conn)
        finally:
            del self._begun[conn]
        if goes_on is False or conn.sock.is_heard_out:
            conn.close(graceful=True)
            return False
        return goes_on

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer a request that has come so far as its headers, unless its client does not take the answer."""
        try:
            with conn.sock.answering(self.app.patience):
                return bool(super().handle_request(req, conn))
        except TimeoutError:
            self.log.info("Gave up an answer that a client took too slowly")
            return False

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Accept connections and take up what is ready; once a second at least, end the waiting for clients."""
        super().wait_for_and_dispatch_events(timeout)
        self._hurry_silent()
        begun = [(conn, since) for conn, since in list(self._begun.items()) if since is not None]
        for conn in [conn for conn, since in begun if since < self.seconds() - RECEIVING_SECONDS]:
            _end_receiving(conn)
        self._make_room(begun, len(self._begun) - self.cfg.threads)

    def _hurry_silent(self) -> None:
        """Let connections that have said nothing for some seconds end next, if no other is accepted until they do."""
        if self.nr_conns < self.worker_connections:
            return
        latest = monotonic() + RECEIVING_SECONDS - SILENT_SECONDS
        for conn in takewhile(lambda conn: conn.timeout <= latest, self.pending_conns):
            conn.timeout = 0.0

    def _make_room(self, begun: list[tuple[Any, float]], waiting: int) -> None:
        """Give up as many slow clients as others wait for a thread.

        First those who may not have sent their requests yet, then those who have taken longest.
        """
        if waiting <= 0:
            return
        earliest = self.seconds() - SLOW_SECONDS
        sending = [conn for conn, since in begun if since < earliest and not _kept_waiting(conn)]
        for conn in sending:
            _end_receiving(conn)
        slow = [conn for conn, _since in begun if _kept_waiting(conn) > SLOW_SECONDS]
        for conn in sorted(slow, key=_kept_waiting, reverse=True)[: max(0, waiting - len(sending))]:
            self.log.info("Gave up an answer that a client took too slowly, for others to be answered")
            _shut_down(conn, socket.SHUT_RDWR)


def _has_headers(conn: Any) -> bool:
    """Tell whether the headers of a connection's next request have come; of a later one a part may be read already."""
    read = conn.parser.unreader.buf.getvalue() if conn.initialized else b""
    try:
        return END_OF_HEADERS in read + conn.sock.recv(MOST_PEEKED_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return False


def _end_receiving(conn: Any) -> None:
    """Let whoever reads find the end; an answer under way still leaves."""
    conn.sock.is_heard_out = True
    _shut_down(conn, socket.SHUT_RD)


def _kept_waiting(conn: Any) -> float:
    return float(conn.sock.kept_waiting())


def _shut_down(conn: Any, how: int) -> None:
    with suppress(OSError):
        conn.sock.shutdown(how)
