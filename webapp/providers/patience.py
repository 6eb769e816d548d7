"""How many at once wait for providers: most of the server stays free, whatever providers do or leave undone."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from webapp.config import THREADS
from webapp.providers.errors import DoesNotAnswer, Reason
from webapp.providers.name_servers import NameServersSilent

WAIT_SECONDS = 0.8
"""How long somebody waits for a place, who finds all taken."""
SOON_SECONDS = 2.0
DOUBT_SECONDS = 30.0
MOST_REMEMBERED = 500
SILENCE = (Reason.TIMEOUT, Reason.UNREACHABLE)


class _Standing(Enum):
    """How soon a connection answered when it was last asked."""

    NEVER_ASKED = "never asked"
    SOON = "soon"
    LATE = "late, or not at all"


class _Verdict(Enum):
    WAITS = "waits"
    ENTERS = "enters"
    REFUSED = "refused"


@dataclass(eq=False)
class _Question:
    key: str
    since: float
    verdict: _Verdict = _Verdict.WAITS


@dataclass
class _Known:
    """What is known of a connection; until `doubtful_until` one question at a time may try it."""

    standing: _Standing = _Standing.NEVER_ASKED
    doubtful_until: float = 0.0


class Patience:
    """Gives places to questions: at most half of a process's threads wait for providers, all of them together.

    One connection has three quarters of the places. Those that were never asked have half of them together, and those
    that did not answer soon when last asked a quarter, so that these take nothing from the others; one of either has
    a quarter. Whoever finds no place waits shortly, first come, first served; but not where those who have them have
    waited for longer than that. A connection whose last question ended in silence is
    doubtful for half a minute: one at a time tries it, and the others are told at once. An answer ends the doubt.

    Args:
        threads: how many the process answers people with.
        seconds: a clock that only goes forward.
    """

    def __init__(self, threads: int = THREADS, seconds: Callable[[], float] = time.monotonic) -> None:
        self._most = max(1, threads // 2)
        quarter = max(1, self._most // 4)
        self._each = {
            _Standing.SOON: max(1, self._most * 3 // 4),
            _Standing.NEVER_ASKED: quarter,
            _Standing.LATE: quarter,
        }
        self._together = {
            _Standing.SOON: self._most,
            _Standing.NEVER_ASKED: max(1, self._most // 2),
            _Standing.LATE: quarter,
        }
        self._seconds = seconds
        self._inside: list[_Question] = []
        self._queue: list[_Question] = []
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._changed = threading.Condition()

    @contextmanager
    def one_more(self, key: str) -> Iterator[None]:
        """Ask a question of a connection within the block; that it was silent is seen by what the block raises.

        Raises:
            DoesNotAnswer: there is no place for it.
        """
        question = self._begun(key)
        is_silent = False
        try:
            yield
        except (DoesNotAnswer, NameServersSilent) as error:
            is_silent = isinstance(error, NameServersSilent) or error.reason in SILENCE
            raise
        finally:
            self._ended(question, is_silent=is_silent)

    def _begun(self, key: str) -> _Question:
        with self._changed:
            question = _Question(key, self._seconds())
            self._queue.append(question)
            self._settle()
            self._changed.wait_for(lambda: question.verdict is not _Verdict.WAITS, WAIT_SECONDS)
            if question.verdict is not _Verdict.ENTERS:
                self._queue = [other for other in self._queue if other is not question]
                raise DoesNotAnswer(Reason.BUSY)
            return question

    def _ended(self, question: _Question, *, is_silent: bool) -> None:
        with self._changed:
            now = self._seconds()
            self._inside.remove(question)
            known = self._known.setdefault(question.key, _Known())
            is_soon = not is_silent and now - question.since <= SOON_SECONDS
            known.standing = _Standing.SOON if is_soon else _Standing.LATE
            known.doubtful_until = now + DOUBT_SECONDS if is_silent else 0.0
            self._known.move_to_end(question.key)
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
            self._settle()

    def _settle(self) -> None:
        """Let those in who can be, in the order in which they came, and send those away for whom waiting is in vain."""
        now, left = self._seconds(), []
        for question in self._queue:
            question.verdict = self._verdict(question.key, now)
            if question.verdict is _Verdict.ENTERS:
                question.since = now
                self._inside.append(question)
            elif question.verdict is _Verdict.WAITS:
                left.append(question)
        self._queue = left
        self._changed.notify_all()

    def _verdict(self, key: str, now: float) -> _Verdict:
        known = self._of(key)
        of_key = [question for question in self._inside if question.key == key]
        if known.doubtful_until > now and of_key:
            return _Verdict.REFUSED
        taken = self._taken(of_key, known.standing)
        if not taken:
            return _Verdict.ENTERS
        is_vain = all(now - question.since > WAIT_SECONDS for question in taken)
        return _Verdict.REFUSED if is_vain else _Verdict.WAITS

    def _taken(self, of_key: list[_Question], standing: _Standing) -> list[_Question]:
        """Return those who have the places that one more would need, if none is left."""
        if len(self._inside) >= self._most:
            return self._inside
        if len(of_key) >= self._each[standing]:
            return of_key
        alike = [question for question in self._inside if self._of(question.key).standing is standing]
        return alike if len(alike) >= self._together[standing] else []

    def _of(self, key: str) -> _Known:
        return self._known.get(key, _Known())
