"""Our side against the certified provider `oidc-provider`, unmodified, each step over real HTTP."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import time_machine

from tests.support.certified import ALGORITHMS, Certified, certified_provider, sign_in
from tests.support.identity_provider import CALLBACK, LOOPBACK, PEOPLE
from tests.support.traveller import Traveller
from webapp import clock
from webapp.providers.base import Attempt, Parameters, Provider
from webapp.providers.claims import read
from webapp.providers.errors import Misconfigured, ProviderError, Reason, SaidNo
from webapp.providers.registry import provider_for

CODE_SECONDS = 60


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certified]:
    """The provider, for all tests of this file."""
    with certified_provider([CALLBACK], tmp_path_factory.mktemp("certified")) as running:
        yield running


@pytest.fixture
def ours(certified: Certified) -> Provider:
    """Our side of a connection to it."""
    return provider_for(certified.connection(), LOOPBACK)


@pytest.fixture
def attempt() -> Attempt:
    """A sign-in that begins."""
    return Attempt.new(CALLBACK)


def brought_back(address: str, login: str = "u-1") -> Parameters:
    """Return what a browser brings back that goes to the provider as somebody who agrees."""
    seen = sign_in(Traveller(CALLBACK), address, login)
    assert seen.address.startswith(CALLBACK), seen
    return seen.query


def refusal(ours: Provider, attempt: Attempt, brought: Parameters) -> tuple[type[ProviderError], Reason]:
    with pytest.raises(ProviderError) as refused:
        ours.finish(attempt, brought)
    return type(refused.value), refused.value.reason


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_sign_in_brings_the_person(certified: Certified, attempt: Attempt, algorithm: str) -> None:
    ours = provider_for(certified.connection(algorithm), LOOPBACK)
    ours.probe()
    signed_in = ours.finish(attempt, brought_back(ours.begin(attempt)))
    assert signed_in.claims == read({"sub": "u-1", **PEOPLE["u-1"]})


def test_two_people_are_told_apart(ours: Provider) -> None:
    attempts = {login: Attempt.new(CALLBACK) for login in PEOPLE}
    found = {login: ours.finish(made, brought_back(ours.begin(made), login)) for login, made in attempts.items()}
    assert {login: signed_in.claims.subject for login, signed_in in found.items()} == {login: login for login in PEOPLE}


def test_somebody_signed_in_there_must_do_so_again_where_asked(ours: Provider) -> None:
    traveller = Traveller(CALLBACK)
    for prompt, pages in ((None, 2), (None, 0), ("login", 1)):
        made = Attempt.new(CALLBACK, max_age_seconds=600 if prompt else None)
        seen, shown = traveller.open(ours.begin(made, prompt=prompt)), 0
        while seen.status:
            typed = {"login": "u-1", "password": "any"} if "login" in seen.forms[0].fields else {}
            seen, shown = traveller.send(seen.forms[0], **typed), shown + 1
        assert (shown, ours.finish(made, seen.query).claims.subject) == (pages, "u-1")


def test_E14_who_signed_in_there_too_long_ago_does_so_again_and_it_says_when(
    certified: Certified, ours: Provider
) -> None:
    traveller, began = Traveller(CALLBACK), clock.now()
    first = Attempt.new(CALLBACK, max_age_seconds=600)
    ours.finish(first, sign_in(traveller, ours.begin(first), "u-1").query)
    with certified.later(700), time_machine.travel(clock.now() + timedelta(seconds=700)):
        for max_age, pages in ((None, 0), (600, 1), (600, 0)):
            made = Attempt.new(CALLBACK, max_age_seconds=max_age)
            seen, shown = traveller.open(ours.begin(made)), 0
            while seen.status:
                seen, shown = traveller.send(seen.forms[0], login="u-1", password="any"), shown + 1
            signed_in_at = ours.finish(made, seen.query).authenticated_at
            assert shown == pages
            assert max_age is None or (signed_in_at and signed_in_at > began + timedelta(seconds=600))


def test_refresh_token_is_exchanged_for_another_and_works_once(ours: Provider, attempt: Attempt) -> None:
    first = ours.finish(attempt, brought_back(ours.begin(attempt, prompt="consent")))
    assert first.refresh_token
    second = ours.refresh(first.refresh_token, "u-1")
    assert second.claims == first.claims
    assert second.refresh_token
    assert second.refresh_token != first.refresh_token
    for spent in (first.refresh_token, second.refresh_token):  # it takes both, as the first one was shown again
        with pytest.raises(SaidNo) as refused:
            ours.refresh(spent, "u-1")
        assert refused.value.reason == Reason.EXPIRED


def test_offline_access_is_given_to_those_who_consent_to_it(ours: Provider, attempt: Attempt) -> None:
    assert ours.finish(attempt, brought_back(ours.begin(attempt))).refresh_token is None


def test_wrong_client_secret_is_ours_to_mend(certified: Certified, attempt: Attempt) -> None:
    ours = provider_for(certified.connection(client_secret="another"), LOOPBACK)
    assert refusal(ours, attempt, brought_back(ours.begin(attempt))) == (Misconfigured, Reason.CLIENT)


def test_unknown_client_is_sent_nowhere(certified: Certified, attempt: Attempt) -> None:
    ours = provider_for(certified.connection(client_id="another"), LOOPBACK)
    assert Traveller(CALLBACK).open(ours.begin(attempt)).status == 400


def test_callback_that_is_not_registered_is_sent_nowhere(ours: Provider) -> None:
    attempt = Attempt.new("https://vestibule.example.org/sso/callback/2")
    assert Traveller(CALLBACK).open(ours.begin(attempt)).status == 400


def test_pkce_is_demanded_and_compared(ours: Provider, attempt: Attempt) -> None:
    address = urlsplit(ours.begin(attempt))
    asked = [(name, value) for name, value in parse_qsl(address.query) if not name.startswith("code_challenge")]
    without = address._replace(query=urlencode(asked)).geturl()
    assert refusal(ours, attempt, brought_back(without)) == (Misconfigured, Reason.REQUEST)
    other = replace(attempt, verifier=Attempt.new(CALLBACK).verifier)
    assert refusal(ours, other, brought_back(address.geturl())) == (SaidNo, Reason.EXPIRED)


def test_somebody_who_does_not_consent_said_no(ours: Provider, attempt: Attempt) -> None:
    traveller = Traveller(CALLBACK)
    seen = traveller.open(ours.begin(attempt))
    back = traveller.open(seen.link(r"/abort$"))
    assert dict(back.query)["error"] == "access_denied"
    assert refusal(ours, attempt, back.query) == (SaidNo, Reason.DENIED)


def test_code_works_once_and_takes_what_it_gave_with_it(ours: Provider, attempt: Attempt) -> None:
    brought = brought_back(ours.begin(attempt, prompt="consent"))
    first = ours.finish(attempt, brought)
    assert refusal(ours, attempt, brought) == (SaidNo, Reason.EXPIRED)
    with pytest.raises(SaidNo):
        ours.refresh(first.refresh_token or "", "u-1")


def test_code_that_was_brought_too_late_is_refused(certified: Certified, ours: Provider, attempt: Attempt) -> None:
    brought = brought_back(ours.begin(attempt))
    with certified.later(CODE_SECONDS + 1):
        assert refusal(ours, attempt, brought) == (SaidNo, Reason.EXPIRED)


def test_issuer_is_named_in_the_answer(ours: Provider, certified: Certified, attempt: Attempt) -> None:
    brought = dict(brought_back(ours.begin(attempt)))
    assert brought["iss"] == certified.issuer
    forged = list({**brought, "iss": re.sub(r"\d+$", "1", certified.issuer)}.items())
    assert refusal(ours, attempt, forged)[1] == Reason.ISSUER_PARAMETER
