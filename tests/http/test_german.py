"""In German no English is left: neither in what a page says, nor in what its elements are called, nor in letters."""

import re
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.mail.letters import queue, settings_of, stored
from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.worlds import post
from webapp.access.actor import Actor
from webapp.db import db
from webapp.mail.compose import Composer
from webapp.models import InvitationStatus, Member, MemberStatus, Organization
from webapp.services import removals, requests
from webapp.services.addresses import parse

GERMAN = {"Accept-Language": "de"}
SPOKEN = ("alt", "aria-label", "data-copied", "data-status", "data-title", "placeholder", "title")
# Words that hardly any English sentence does without, and that no German one has.
ENGLISH = re.compile(
    r"\b(the|and|you|your|with|this|that|they|their|not|has|have|are|of|to|for|is|by|from|it|be|can|who|all|no)\b",
    re.IGNORECASE,
)
LETTERS = sorted(
    file.stem for file in (Path(__file__).parents[2] / "webapp/templates/mail").glob("*.txt") if file.stem != "layout"
)
SAID = {
    **dict.fromkeys(("actor", "approver", "inviter", "name", "suggested_by"), "Ada Winter"),
    "begins_at": "2027-01-08T14:03:00+00:00",
    "browser": "",
    "claimed": "mia@example.org",
    "domain": "corp.example.com",
    "email": "ned@example.org",
    "expires_at": "2027-01-08T14:03:00+00:00",
    "ip": "192.0.2.7",
    "is_theirs": "",
    "has_owner": "",
    "has_password": "1",
    "is_linked": "",
    "is_required": "1",
    "is_visitors": "",
    "organization": "Hafenwerk",
    "person": "Mia Sommer",
    "provider": "id.example.org",
    "requested": "mia@example.org",
    "role": "owner",
    "signed_in_at": "2027-01-08T14:03:00+00:00",
    "slug": "hafenwerk",
    "until_at": "2027-01-08T14:03:00+00:00",
    "what": "later",
    "why": "The provider did not answer in time.",
}


def english_in(page: Page) -> list[str]:
    names = [text for element in page.elements for text in map(element.attributes.get, SPOKEN) if text]
    return [said for said in (page.text, *names) if ENGLISH.search(said)]


def german(client: FlaskClient, address: str, status: int = 200) -> Page:
    answer = client.get(address, headers=GERMAN)
    assert answer.status_code == status, address
    return Page(answer)


def test_tests_know_english_when_they_see_it(acme: Acme) -> None:
    assert english_in(Page(acme.browser(acme.owner).get(acme.address("members"))))


def furnished(acme: Acme) -> None:
    """Let something stand in every list."""
    acme.world.invite(acme.slug, acme.admin, "bob@example.org")
    acme.close(acme.world.invite(acme.slug, acme.admin, "kim@example.org"), InvitationStatus.DECLINED)
    acme.act(acme.member, lambda actor, here: requests.ask_to_invite(actor, here, parse("mia@example.org")))
    post(acme.browser(acme.admin), acme.address("settings"))
    acme.act(acme.owner, _remove_whoever_is_suspended)


def _remove_whoever_is_suspended(actor: Actor, here: Organization) -> None:
    removals.remove(
        actor, here, db.session.scalars(select(Member).where(Member.status == MemberStatus.SUSPENDED)).one()
    )


PLACES = (
    "",
    "/pending",
    "/requests",
    "/new",
    "/add",
    "/removed",
    "?q=zzz",
    "/pending?q=zzz",
    "?role=manager&status=suspended",
)


@pytest.mark.parametrize("place", [*(f"members{place}" for place in PLACES), "settings", "audit"])
def test_pages_of_an_organization(acme: Acme, place: str) -> None:
    furnished(acme)
    assert english_in(german(acme.browser(acme.owner), acme.address(place))) == []


@pytest.mark.parametrize("place", ["", "/remove", "/suspend"])
def test_pages_of_a_member(acme: Acme, place: str) -> None:
    address = acme.address(f"members/{acme.member_id(acme.member)}{place}")
    assert english_in(german(acme.browser(acme.owner), address)) == []


@pytest.mark.parametrize(("place", "status"), [("members/requests/new", 200), ("leave", 200), ("settings", 403)])
def test_pages_of_whoever_may_little(acme: Acme, place: str, status: int) -> None:
    assert english_in(german(acme.browser(acme.member), acme.address(place), status)) == []


@pytest.mark.parametrize(
    ("address", "status"),
    [("/account/", 200), ("/orgs/", 200), ("/orgs/acme/audit?from=soon", 422), ("/orgs/no/members", 404)],
)
def test_pages_of_an_account_and_of_problems(acme: Acme, address: str, status: int) -> None:
    assert english_in(german(acme.browser(acme.owner), address, status)) == []


def test_pages_of_visitors(acme: Acme) -> None:
    acme.world.policy(acme.slug, join_requests_allowed=True)
    invited = acme.world.invite(acme.slug, acme.admin, "bob@example.org")
    for address in ("/login", "/forgot-password", invited.link, acme.address("join")):
        assert english_in(german(acme.browser(), address)) == [], address


@pytest.mark.parametrize(
    "fields", [{}, {"emails": "nobody", "role": "king", "lifetime_days": "99"}, {"emails": "x " * 1001}]
)
def test_refused_forms(acme: Acme, fields: dict[str, str]) -> None:
    answer = post(acme.browser(acme.owner), acme.address("members/new"), headers=GERMAN, **fields)
    assert answer.status_code == 422
    assert english_in(Page(answer)) == []


@pytest.mark.parametrize("kind", LETTERS)
def test_letters(app: Flask, kind: str) -> None:
    letter = stored(
        app, queue(app, kind, "ned@example.org", {**SAID, "codes_left": 9, "people": 2}, "a-token", language="de")
    )
    with app.app_context():
        raw = Composer(app, settings_of(app)).compose(letter).as_bytes()
    message = message_from_bytes(raw, policy=policy.default)
    bodies = [message.get_body((name,)) for name in ("plain", "html")]
    said = [re.sub(r"https?://\S+|<[^>]*>", "", str(body.get_content())) for body in bodies if body]
    assert len(said) == 2
    assert [text for text in (str(message["Subject"]), *said) if ENGLISH.search(text)] == []
