"""How many at once wait for a provider that is slow: the others are told at once, and the server stays free."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from webapp.providers.errors import DoesNotAnswer, Reason

SLOW_SECONDS = 2.0
SLOW_AT_ONCE = 4


class Patience:
    """Counts by connection who has waited for long; a provider that answers soon is never limited.

    Args:
        seconds: a clock that only goes forward.
    """

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._since: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def one_more(self, key: str) -> Iterator[None]:
        """Wait for the provider of a connection within the block.

        Raises:
            DoesNotAnswer: too many have waited for it for long already.
        """
        began = self._begun(key)
        try:
            yield
        finally:
            self._ended(key, began)

    def _begun(self, key: str) -> float:
        with self._lock:
            now = self._seconds()
            waiting = self._since.setdefault(key, [])
            if sum(now - since > SLOW_SECONDS for since in waiting) >= SLOW_AT_ONCE:
                raise DoesNotAnswer(Reason.BUSY)
            waiting.append(now)
            return now

    def _ended(self, key: str, began: float) -> None:
        with self._lock:
            self._since[key].remove(began)
            if not self._since[key]:
                del self._since[key]
