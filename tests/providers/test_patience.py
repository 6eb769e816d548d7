"""Providers that are slow, silent or lying keep a few waiting, and no more."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.support.identity_provider import LOOPBACK, HostileProvider, connection_to
from webapp.providers.base import Attempt, Parameters, Surroundings
from webapp.providers.errors import DoesNotAnswer, NotBelieved, Reason
from webapp.providers.name_servers import NameServersSilent
from webapp.providers.patience import DOUBT_SECONDS, SOON_SECONDS, WAIT_SECONDS, Patience
from webapp.providers.registry import provider_for

THREADS, MOST, EACH, NEVER_ASKED = 16, 8, 6, 4


class Waiting(Patience):
    """With a clock that stands until it is set; some connections have answered soon before."""

    def __init__(self, *well: str) -> None:
        self.now = 0.0
        super().__init__(THREADS, lambda: self.now)
        for key in well:
            with self.one_more(key):
                pass

    def refuses(self, key: str) -> bool:
        try:
            with self.one_more(key):
                return False
        except DoesNotAnswer as refused:
            return refused.reason == Reason.BUSY

    @contextmanager
    def held(self, *keys: str) -> Iterator[None]:
        """Let these be asked for so long that nobody hopes for an answer."""
        with ExitStack() as stack:
            for key in keys:
                stack.enter_context(self.one_more(key))
            self.now += WAIT_SECONDS + 0.1
            yield


def silent(patience: Patience, key: str, error: Exception | None = None) -> None:
    with pytest.raises((DoesNotAnswer, NameServersSilent)), patience.one_more(key):
        raise error or DoesNotAnswer(Reason.TIMEOUT)


def test_X02_half_of_the_threads_wait_for_all_providers_together() -> None:
    waiting = Waiting("a", "b", "c")
    with waiting.held(*4 * ["a"], *4 * ["b"]):
        assert waiting.refuses("c")
    assert not waiting.refuses("c")


def test_X02_one_connection_leaves_places_to_others() -> None:
    waiting = Waiting("a", "b")
    with waiting.held(*EACH * ["a"]):
        assert waiting.refuses("a")
        assert not waiting.refuses("b")


def test_X02_those_that_did_not_answer_soon_take_no_place_from_those_never_asked() -> None:
    waiting = Waiting("well")
    for late in ("late", "later", "latest"):
        with waiting.one_more(late):
            waiting.now += SOON_SECONDS + 1
    with waiting.held("late", "later"):
        assert waiting.refuses("latest")
        assert not waiting.refuses("never asked")


def test_X02_those_never_asked_leave_places_to_those_that_answer_soon() -> None:
    waiting = Waiting("well")
    with waiting.held(*(f"new {number}" for number in range(NEVER_ASKED))):
        assert waiting.refuses("newest")
        with waiting.held(*(MOST - NEVER_ASKED) * ["well"]):
            assert waiting.refuses("well")


def test_X09_one_organization_takes_half_of_the_places_of_those_never_asked() -> None:
    waiting = Waiting()
    with waiting.held(*NEVER_ASKED // 2 * ["one"]):
        assert waiting.refuses("one")
        assert not waiting.refuses("another")


@pytest.mark.parametrize(
    "error", [DoesNotAnswer(Reason.TIMEOUT), DoesNotAnswer(Reason.UNREACHABLE), NameServersSilent()], ids=repr
)
def test_X02_connection_that_was_silent_is_tried_by_one_at_a_time_until_it_answers(error: Exception) -> None:
    waiting = Waiting("a", "b")
    silent(waiting, "a", error)
    with waiting.one_more("a"):
        assert waiting.refuses("a")
        assert not waiting.refuses("b")
    with waiting.one_more("a"):
        assert not waiting.refuses("a")


def test_X02_doubt_ends_by_itself_and_an_answer_that_is_not_believed_is_one() -> None:
    waiting = Waiting()
    silent(waiting, "a")
    waiting.now += DOUBT_SECONDS + 1
    with waiting.one_more("a"):
        assert not waiting.refuses("a")
    silent(waiting, "b")
    with pytest.raises(NotBelieved), waiting.one_more("b"):
        raise NotBelieved(Reason.NOT_JSON)
    with waiting.one_more("b"):
        assert not waiting.refuses("b")


def test_threads_that_all_want_the_same_take_turns_while_it_answers_soon() -> None:
    """In three rounds, as each lets the next come: nobody is refused, and never are there more than may be."""
    waiting, inside, most = Patience(THREADS), [0], [0]
    lock, gate = threading.Lock(), threading.Barrier(THREADS)
    came: list[int] = []

    def ask(number: int) -> None:
        gate.wait()
        with waiting.one_more("a"):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            came.append(number)
            with lock:
                inside[0] -= 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(came) == list(range(THREADS))
    assert 1 <= most[0] <= EACH


def test_whoever_waits_for_a_place_comes_in_when_somebody_leaves() -> None:
    waiting, has_come = Waiting("a"), threading.Event()

    def ask() -> None:
        with waiting.one_more("a"):
            has_come.set()

    with ExitStack() as stack:
        for _ in range(EACH):
            stack.enter_context(waiting.one_more("a"))
        one = threading.Thread(target=ask)
        one.start()
        assert not has_come.is_set()
    one.join()
    assert has_come.is_set()


@pytest.mark.parametrize("kind", ["oidc", "github"])
def test_connection_that_many_wait_for_is_not_asked(theirs: HostileProvider, kind: str) -> None:
    waiting = Waiting()
    surroundings = Surroundings(LOOPBACK.network, patience=waiting)
    ours = provider_for(connection_to(theirs, kind=kind, options={"organization": "x"}), surroundings)
    with waiting.held(*NEVER_ASKED // 2 * [theirs.connection_key]):
        attempt = Attempt.new("https://vestibule.example.org/sso/callback/1")
        for ask in (ours.probe, lambda: ours.refresh("t", "u-1"), lambda: ours.finish(attempt, brought_by(attempt))):
            with pytest.raises(DoesNotAnswer) as refused:
                ask()
            assert refused.value.reason == Reason.BUSY
    assert theirs.hits == {}


def brought_by(attempt: Attempt) -> Parameters:
    return [("state", attempt.state), ("code", "c")]
