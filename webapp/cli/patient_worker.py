"""How the server deals with clients that dawdle: each gets so many seconds, so that none keeps threads from others."""

import socket
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

RECEIVING_SECONDS: Final = 10
"""For a request to arrive whole, from its first byte on: our forms are small."""
SENDING_SECONDS: Final = 30
"""For each piece of an answer to be taken."""


class PatientWorker(ThreadWorker):
    """Answers requests in threads, and waits for their clients no longer than it says.

    It ends a connection in the thread that answered on it: gunicorn would do so in the thread that accepts all others,
    and wait there for clients that do not hang up.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._begun: dict[Any, float] = {}

    def handle(self, conn: Any) -> Any:
        """Answer a request, then end the connection where no other may follow; ending it again does nothing."""
        self._begun[conn] = monotonic()
        try:
            goes_on = super().handle(conn)
        finally:
            del self._begun[conn]
        if goes_on is False:
            conn.close(graceful=True)
        return goes_on

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer a request that has come so far as its headers, unless its client does not take the answer."""
        conn.sock.settimeout(SENDING_SECONDS)
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError:
            self.log.info("Gave up an answer that a client did not take within %s seconds", SENDING_SECONDS)
            return False

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Accept connections and take up what is ready; once a second at least, end the waiting for requests."""
        super().wait_for_and_dispatch_events(timeout)
        latest = monotonic() - RECEIVING_SECONDS
        for conn in [conn for conn, since in list(self._begun.items()) if since < latest]:
            _stop_receiving(conn)


def _stop_receiving(conn: Any) -> None:
    """Let whoever reads find the end there; an answer under way still leaves."""
    with suppress(OSError):
        conn.sock.shutdown(socket.SHUT_RD)
