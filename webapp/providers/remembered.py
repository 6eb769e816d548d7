"""What a process remembers of providers for some minutes, each connection by itself."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

FRESH_SECONDS = 10 * 60
REFETCH_SECONDS = 60
MOST = 500

T = TypeVar("T")


class _Kept(NamedTuple, Generic[T]):
    value: T
    fetched_at: float


class Remembered(Generic[T]):
    """Values by a key, each fetched again after ten minutes; of many keys, those used last.

    Connections never share a value: what one of them makes us fetch cannot use up the patience for another.

    Args:
        seconds: a clock that only goes forward.
    """

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._kept: OrderedDict[str, _Kept[T]] = OrderedDict()
        self._refetched_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, fetch: Callable[[], T]) -> T:
        """Return what is remembered, or fetch it; no lock is held meanwhile."""
        with self._lock:
            kept = self._kept.get(key)
            if kept and self._seconds() - kept.fetched_at < FRESH_SECONDS:
                self._kept.move_to_end(key)
                return kept.value
        return self._keep(key, fetch())

    def again(self, key: str, fetch: Callable[[], T]) -> T:
        """Fetch it although it is fresh; where somebody did so within the last minute, return what they got."""
        with self._lock:
            now, last, kept = self._seconds(), self._refetched_at.get(key), self._kept.get(key)
            if kept and last is not None and now - last < REFETCH_SECONDS:
                return kept.value
            _put(self._refetched_at, key, now)
        return self._keep(key, fetch())

    def _keep(self, key: str, value: T) -> T:
        with self._lock:
            _put(self._kept, key, _Kept(value, self._seconds()))
        return value


class Memory:
    """What a process remembers of providers, by the type of what it is."""

    def __init__(self) -> None:
        self._kinds: dict[type[Any], Remembered[Any]] = {}

    def of(self, kind: type[T]) -> Remembered[T]:
        """Return what is remembered of one type."""
        return self._kinds.setdefault(kind, Remembered())


V = TypeVar("V")


def _put(values: OrderedDict[str, V], key: str, value: V) -> None:
    values[key] = value
    values.move_to_end(key)
    while len(values) > MOST:
        values.popitem(last=False)
