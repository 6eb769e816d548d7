"""Asking to join: one answer for everybody, which says nothing of who is a member."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.asking import ask, request_for
from tests.support.pages import Page
from tests.support.statements import Statements
from tests.support.worlds import CSRF, csrf_token, post
from webapp.db import db
from webapp.models import EmailAddress, Invitation, InvitationStatus
from webapp.services import attempts, requests, slugs
from webapp.services.attempts import DAY, Limit
from webapp.services.slugs import ORGANIZATION


@pytest.fixture
def join(acme: Acme) -> str:
    """The page where anybody may ask to join Acme."""
    acme.world.policy(acme.slug, join_requests_allowed=True)
    return acme.address("join")


def send(browser: FlaskClient, join: str, **fields: str) -> TestResponse:
    return post(browser, join, page=join, **fields)


def asked_for(acme: Acme, email: str) -> Invitation:
    found: Invitation = acme.world.read(request_for, email)
    return found


def test_page_leads_to_sign_in_and_back(acme: Acme, join: str) -> None:
    page = Page(acme.browser().get(join))
    assert "Acme" in page.text
    [link] = [e.attributes["href"] for e in page.elements if e.attributes.get("href", "").startswith("/login")]
    assert link == f"/login?next=/orgs/{acme.slug}/members"


def test_visitor_asks_and_is_thanked(acme: Acme, join: str) -> None:
    browser = acme.browser()
    answer = send(browser, join, email="Bob@example.org")
    assert (answer.status_code, answer.location) == (303, f"{join}?asked=1")
    assert "Thank you for asking" in Page(browser.get(answer.location)).text
    assert asked_for(acme, "bob@example.org").email == "Bob@example.org"
    assert acme.events()[-1] == "request.made"
    assert "A visitor asked that Bob@example.org may join" in acme.browser(acme.owner).get(acme.address("audit")).text
    assert {letter.kind for letter in acme.world.letters()} == {"request_received"}


def test_invalid_address_is_kept_and_nothing_stored(acme: Acme, join: str) -> None:
    for email in ("bob", "", "bob@example.org, eve@example.org"):
        with acme.unchanged():
            answer = send(acme.browser(), join, email=email)
        assert answer.status_code == 422
        [field] = Page(answer).named("email")
        assert (field.attributes["value"], field.attributes["aria-invalid"]) == (email, "true")


def test_who_is_signed_in_asks_with_their_own_address(acme: Acme, join: str) -> None:
    browser = acme.browser(acme.stranger)
    page = Page(browser.get(join))
    assert "una@example.org" in page.text
    assert page.named("email") == []
    assert send(browser, join, email="bob@example.org").status_code == 303
    assert asked_for(acme, "una@example.org").invited_by_id is None
    assert acme.entries()[-1].actor_name == "Una Umbra"


def test_C03_unproven_address_of_somebody_signed_in_asks_for_nothing(acme: Acme, join: str) -> None:
    acme.world.write(lambda: unprove("una@example.org"))
    with acme.unchanged():
        answer = send(acme.browser(acme.stranger), join)
    assert answer.status_code == 422
    assert "not verified yet" in Page(answer).text


def unprove(email: str) -> None:
    db.session.query(EmailAddress).filter_by(canonical=email).update({"verified_at": None})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_organization_that_takes_no_requests_is_as_unknown(acme: Acme, method: str) -> None:
    for person in (None, acme.stranger, acme.member):
        browser = acme.browser(person)
        data = {"email": "bob@example.org", "csrf_token": csrf_token(browser)}
        with acme.unchanged():
            known, unknown = (
                browser.open(f"/orgs/{slug}/join", method=method, data=data) for slug in (acme.slug, "nothing")
            )
        assert known.status_code == unknown.status_code == 404
        assert without_request_id(known) == without_request_id(unknown)


def without_request_id(answer: TestResponse) -> str:
    return CSRF.sub("", "\n".join(line for line in answer.text.splitlines() if 'class="code"' not in line))


def new(_acme: Acme) -> str:
    return "bob@example.org"


def member(acme: Acme) -> str:
    return acme.member.email


def suspended(acme: Acme) -> str:
    return acme.suspended.email


def invited(acme: Acme) -> str:
    return acme.world.invite(acme.slug, acme.owner, "ivy@example.org").email


def requested(acme: Acme) -> str:
    ask(acme, "kim@example.org")
    return "kim@example.org"


def of_another(acme: Acme) -> str:
    return acme.stranger.email


CASES = [member, suspended, invited, requested, of_another]


@pytest.mark.parametrize("case", CASES)
def test_F06_C13_answer_is_the_same_for_everybody(acme: Acme, join: str, case: Callable[[Acme], str]) -> None:
    answers = []
    for email in (new(acme), case(acme)):
        browser = acme.browser()
        answer = send(browser, join, email=email)
        answers.append((answer.status_code, answer.location, CSRF.sub("", browser.get(answer.location).text)))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("case", CASES)
def test_F06_database_is_asked_the_same_for_everybody(
    acme: Acme, join: str, statements: Statements, case: Callable[[Acme], str]
) -> None:
    browser, asked = acme.browser(), []
    token = csrf_token(browser, join)
    for email in (new(acme), case(acme)):
        with statements() as block:
            browser.post(join, data={"email": email, "csrf_token": token})
        asked.append([line.split("sa_savepoint")[0] for line in block if not line.startswith(("RELEASE", "ROLLBACK"))])
    assert asked[0] == asked[1] != []


@pytest.mark.parametrize("case", [member, suspended, invited, requested])
def test_F06_nothing_is_stored_where_there_is_nothing_to_ask(
    acme: Acme, join: str, case: Callable[[Acme], str]
) -> None:
    email = case(acme)
    events = acme.events()
    with acme.unchanged():
        assert send(acme.browser(), join, email=email).status_code == 303
    assert acme.events() == events


def test_C14_eleventh_request_for_an_address_is_refused(acme: Acme, join: str) -> None:
    _, limit = attempts.limits_of("join", "127.0.0.1", "bob@example.org")
    acme.world.write(lambda: attempts.raise_counters({limit: 10}))
    with acme.unchanged():
        assert send(acme.browser(), join, email="bob@example.org").status_code == 429


def test_C14_so_many_requests_of_a_network_are_refused(acme: Acme, join: str) -> None:
    [limit] = attempts.limits_of("join", "127.0.0.1")
    acme.world.write(lambda: attempts.raise_counters({limit: limit.most}))
    with acme.unchanged():
        assert send(acme.browser(), join, email="bob@example.org").status_code == 429


@pytest.mark.parametrize("case", [new, member])
def test_C14_organization_has_so_many_requests_a_day(acme: Acme, join: str, case: Callable[[Acme], str]) -> None:
    number = acme.world.read(lambda: acme.organization().id)
    limit = Limit(f"request:join:{number}", requests.TO_JOIN_A_DAY, DAY)
    acme.world.write(lambda: attempts.raise_counters({limit: limit.most}))
    email = case(acme)
    with acme.unchanged():
        answer = send(acme.browser(), join, email=email)
    assert (answer.status_code, answer.location) == (303, f"{join}?asked=1"), "the same as on any other day"


@pytest.mark.parametrize("query", ["", "?asked=1"])
def test_former_address_leads_to_the_present_one(acme: Acme, join: str, query: str) -> None:
    acme.act(acme.owner, lambda _actor, organization: slugs.move(ORGANIZATION, organization, "works"))
    for answer in (acme.browser().get(join + query), send_to_former(acme, join + query)):
        assert (answer.status_code, answer.location) == (308, f"/orgs/works/join{query}")
    acme.world.policy("works", join_requests_allowed=False)
    assert acme.browser().get(join).status_code == 404


def send_to_former(acme: Acme, address: str) -> TestResponse:
    with acme.unchanged():
        return post(acme.browser(), address, email="bob@example.org")


@pytest.mark.parametrize("fields", [{"role": "owner"}, {"status": "pending"}, {"org": "umbra", "slug": "umbra"}])
def test_D03_D07_request_is_for_the_organization_of_the_address_and_nothing_else(
    acme: Acme, join: str, fields: dict[str, str]
) -> None:
    send(acme.browser(), join, email="bob@example.org", **fields)
    row = asked_for(acme, "bob@example.org")
    assert (row.organization_id, row.role.label) == (acme.world.read(lambda: acme.organization().id), "member")
    assert row.status is InvitationStatus.REQUESTED


def test_asking_is_a_post_with_its_csrf_token(acme: Acme, join: str) -> None:
    with acme.unchanged():
        assert acme.browser().get(f"{join}?email=bob@example.org").status_code == 200
        assert acme.browser().post(join, data={"email": "bob@example.org"}).status_code == 403
