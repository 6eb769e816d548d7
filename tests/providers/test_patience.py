"""A provider that is slow keeps a few waiting, and no more."""

from contextlib import ExitStack

import pytest

from tests.support.identity_provider import LOOPBACK, HostileProvider, connection_to
from webapp.providers.base import Attempt, Parameters, Surroundings
from webapp.providers.errors import DoesNotAnswer, Reason
from webapp.providers.patience import SLOW_AT_ONCE, SLOW_SECONDS, Patience
from webapp.providers.registry import provider_for


def test_many_may_wait_for_a_provider_that_answers_soon() -> None:
    waiting = Patience(lambda: 0.0)
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(waiting.one_more("a"))


def test_few_wait_for_a_provider_that_is_slow_and_others_for_theirs() -> None:
    now = [0.0]
    waiting = Patience(lambda: now[0])
    with ExitStack() as stack:
        for _ in range(SLOW_AT_ONCE):
            stack.enter_context(waiting.one_more("a"))
        now[0] += SLOW_SECONDS + 1
        with pytest.raises(DoesNotAnswer) as refused:
            stack.enter_context(waiting.one_more("a"))
        stack.enter_context(waiting.one_more("b"))
        assert refused.value.reason == Reason.BUSY
    with waiting.one_more("a"):
        pass


@pytest.mark.parametrize("kind", ["oidc", "github"])
def test_connection_that_many_wait_for_is_not_asked(theirs: HostileProvider, kind: str) -> None:
    now = [0.0]
    surroundings = Surroundings(LOOPBACK.network, patience=Patience(lambda: now[0]))
    ours = provider_for(connection_to(theirs, kind=kind, options={"organization": "x"}), surroundings)
    with ExitStack() as stack:
        for _ in range(SLOW_AT_ONCE):
            stack.enter_context(surroundings.patience.one_more(theirs.connection_key))
        now[0] += SLOW_SECONDS + 1
        attempt = Attempt.new("https://vestibule.example.org/sso/callback/1")
        for ask in (ours.probe, lambda: ours.refresh("t", "u-1"), lambda: ours.finish(attempt, brought_by(attempt))):
            with pytest.raises(DoesNotAnswer) as refused:
                ask()
            assert refused.value.reason == Reason.BUSY
    assert theirs.hits == {}


def brought_by(attempt: Attempt) -> Parameters:
    return [("state", attempt.state), ("code", "c")]
