"""GitHub: OAuth 2 without OpenID Connect, so everything is asked of its API."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Response

from tests.support.github import ADDRESSES, USER, GitHubServer, application, connected, running_github
from tests.support.identity_provider import ABSENT, CALLBACK, CLIENT_ID, LOOPBACK, laid_over
from webapp.providers.base import Attempt, Connection, Parameters, SignedIn
from webapp.providers.claims import Claims
from webapp.providers.errors import (
    CallbackRefused,
    DoesNotAnswer,
    Misconfigured,
    NotBelieved,
    ProviderError,
    Reason,
    SaidNo,
)
from webapp.providers.registry import provider_for


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    """Run a GitHub Enterprise Server."""
    with running_github() as server:
        yield server


def back_from(github: GitHubServer, attempt: Attempt) -> Parameters:
    address = urlsplit(connected(github).begin(attempt))
    answer = application(github).test_client().get(f"{address.path}?{address.query}")
    return parse_qsl(urlsplit(answer.location).query)


def sign_in(github: GitHubServer) -> SignedIn:
    attempt = Attempt.new(CALLBACK)
    return connected(github).finish(attempt, back_from(github, attempt))


def refusal(github: GitHubServer) -> ProviderError:
    with pytest.raises(ProviderError) as refused:
        sign_in(github)
    return refused.value


def test_person_is_the_number_with_the_primary_address(github: GitHubServer) -> None:
    who = sign_in(github)
    assert who.claims == Claims("4711", "mia@example.org", True, "Mia Sommer", None)
    assert who.refresh_token == "ghr-1"
    assert {"code_challenge_method": "S256", "client_id": CLIENT_ID}.items() <= github.asked.items()


@pytest.mark.parametrize("number", [ABSENT, 0, -1, "null", "4711", None, True, {"id": 1}, 4711.5], ids=repr)
def test_A19_person_without_a_number_is_refused(github: GitHubServer, number: object) -> None:
    github.user = laid_over(USER, {"id": number})
    refused = refusal(github)
    assert (type(refused), refused.reason) == (NotBelieved, Reason.SUBJECT)
    assert github.hits["emails"] == 0


def test_A11_code_of_somebody_else_is_refused_by_the_verifier(github: GitHubServer) -> None:
    victim, attacker = Attempt.new(CALLBACK), Attempt.new(CALLBACK)
    injected = {**dict(back_from(github, attacker)), "state": victim.state}
    with pytest.raises(SaidNo):
        connected(github).finish(victim, list(injected.items()))
    assert github.hits["user"] == 0


def test_A09_other_state_asks_nobody(github: GitHubServer) -> None:
    victim, attacker = Attempt.new(CALLBACK), Attempt.new(CALLBACK)
    with pytest.raises(CallbackRefused):
        connected(github).finish(victim, back_from(github, attacker))
    assert github.hits["token"] == 0


def test_A12_answer_that_names_another_provider_asks_nobody(github: GitHubServer) -> None:
    attempt = Attempt.new(CALLBACK)
    with pytest.raises(CallbackRefused):
        connected(github).finish(attempt, [*back_from(github, attempt), ("iss", "https://accounts.example.org")])
    assert github.hits["token"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "pending"},
        {"state": ABSENT},
        {"user": {"id": 4712}},
        {"user": None},
        {"organization": {"login": "sample-org-2"}},
        {"organization": {"login": ["sample-org"]}},
        {"organization": ABSENT},
    ],
    ids=repr,
)
def test_A20_membership_that_is_not_active_or_not_theirs_is_none(github: GitHubServer, changes: dict[str, Any]) -> None:
    github.membership = laid_over(github.membership, changes)
    refused = refusal(github)
    assert (type(refused), refused.reason) == (SaidNo, Reason.NOT_IN_ORGANIZATION)


@pytest.mark.parametrize("status", [403, 404])
def test_A20_stranger_to_the_organization_is_refused(github: GitHubServer, status: int) -> None:
    github.replies["membership"] = lambda: Response(status=status)
    assert refusal(github).reason == Reason.NOT_IN_ORGANIZATION
    assert github.hits["emails"] == 0


@pytest.mark.parametrize("status", [403, 429])
def test_being_asked_too_often_is_no_word_about_anybody(github: GitHubServer, status: int) -> None:
    said = '{"message": "API rate limit exceeded for user ID 7."}'
    github.replies["membership"] = lambda: Response(said, status, mimetype="application/json")
    refused = refusal(github)
    assert (type(refused), refused.reason) == (DoesNotAnswer, Reason.FAILING)


@pytest.mark.parametrize(
    ("addresses", "email", "is_verified"),
    [
        ([{**ADDRESSES[1], "verified": False}], "mia@example.org", False),
        ([{**ADDRESSES[1], "verified": "true"}], "mia@example.org", False),
        ([ADDRESSES[0]], None, False),
        ([], None, False),
        ({"email": "mia@example.org"}, None, False),
        (["mia@example.org"], None, False),
    ],
    ids=repr,
)
def test_A06_address_is_the_primary_one_and_verified_only_by_true(
    github: GitHubServer, addresses: Any, email: str | None, is_verified: bool
) -> None:
    github.addresses = addresses
    claims = sign_in(github).claims
    assert (claims.email, claims.email_verified) == (email, is_verified)


@pytest.mark.parametrize("endpoint", ["token", "user", "membership", "emails"])
def test_server_that_fails_is_no_refusal(github: GitHubServer, endpoint: str) -> None:
    github.replies[endpoint] = lambda: Response(status=502)
    assert isinstance(refusal(github), DoesNotAnswer)


def test_wrong_secret_is_ours_to_mend(github: GitHubServer) -> None:
    attempt = Attempt.new(CALLBACK)
    wrong = Connection("k", "github", github.address, CLIENT_ID, "wrong", {"organization": "Sample-Org"})
    with pytest.raises(Misconfigured):
        provider_for(wrong, LOOPBACK).finish(attempt, back_from(github, attempt))


def test_refresh_asks_again_about_the_same_person(github: GitHubServer) -> None:
    assert connected(github).refresh("ghr-1", "4711").claims.email == "mia@example.org"
    with pytest.raises(NotBelieved) as refused:
        connected(github).refresh("ghr-1", "4712")
    assert (refused.value.reason, refused.value.refresh_token) == (Reason.OTHER_SUBJECT, "ghr-1")
    with pytest.raises(SaidNo):
        connected(github).refresh("withdrawn", "4711")


def test_organization_is_looked_for(github: GitHubServer) -> None:
    connected(github).probe()
    for name in ("nobody", "../../user", ""):
        with pytest.raises(Misconfigured):
            connected(github, organization=name).probe()


def test_public_github_has_its_api_elsewhere() -> None:
    address = provider_for(Connection("k", "github", "", "c", "s", {"organization": "x"}), LOOPBACK).begin(
        Attempt.new(CALLBACK), prompt="select_account"
    )
    assert address.startswith("https://github.com/login/oauth/authorize?")
    assert dict(parse_qsl(urlsplit(address).query))["prompt"] == "select_account"


def test_consent_is_not_asked_for_where_it_gives_nothing(github: GitHubServer) -> None:
    assert "prompt" not in dict(
        parse_qsl(urlsplit(connected(github).begin(Attempt.new(CALLBACK), prompt="consent")).query)
    )


def test_sign_in_shows_the_number_of_the_organization(github: GitHubServer) -> None:
    assert sign_in(github).learned == {"organization_id": "88"}


@pytest.mark.parametrize("number", [89, "88", True, ABSENT, None], ids=repr)
def test_A20_name_of_the_organization_that_is_another_ones_by_now_is_refused(
    github: GitHubServer, number: object
) -> None:
    known = connected(github, organization_id="88")
    attempt = Attempt.new(CALLBACK)
    assert known.finish(attempt, back_from(github, attempt)).claims.subject == "4711"
    known.probe()
    github.organization = laid_over(github.organization, {"id": number})
    github.membership["organization"] = github.organization
    for ask in (lambda: known.finish(attempt, back_from(github, attempt)), known.probe):
        with pytest.raises((SaidNo, Misconfigured, NotBelieved)):
            ask()
    assert github.hits["emails"] == 1
