"""What somebody sees who follows the emailed link. Opening it changes nothing."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.settings import SECRET_KEY
from tests.support.worlds import Invited, World, post
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import EmailAddress, InvitationStatus, MemberStatus, OutboxMessage, Role, User
from webapp.services import accounts, addresses, outbox
from webapp.services.first_run import setup_token
from webapp.services.tokens import new_token

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
REQUEST_ID = re.compile(r"\b[0-9a-f]{12}\b")


@pytest.fixture
def invited(acme: Acme) -> Invited:
    return acme.world.invite(acme.slug, acme.manager, "Bob@example.org", Role.ADMIN)


def test_page_says_who_invites_whom_where_as_what_and_shows_both_ways_in(acme: Acme, invited: Invited) -> None:
    answer = acme.browser().get(invited.link)
    page = Page(answer)
    assert answer.status_code == 200
    for said in ("Join Acme", "Mona Manager", "Bob@example.org", "Admin"):
        assert said in page.text
    assert len(page.named("accept")) == 2
    assert len(page.named("decline")) == 1
    assert [field.attributes["type"] for field in page.named("password")] == ["password", "password"]


def test_page_leaves_no_trace_of_the_link(acme: Acme, invited: Invited) -> None:
    answer = acme.browser().get(invited.link)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_invited_person_who_is_signed_in_has_one_button(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.manager, "UNA@example.org")
    page = Page(acme.browser(acme.stranger).get(invited.link))
    assert [button.text for button in page.named("accept")] == ["Accept the invitation"]
    assert page.named("password") == []


@pytest.mark.parametrize(("is_strict", "buttons"), [(True, []), (False, ["Accept as una@example.org"])])
def test_C04_person_with_another_address_is_told_and_chooses(
    acme: Acme, invited: Invited, is_strict: bool, buttons: list[str]
) -> None:
    acme.world.policy(acme.slug, address_match_required=is_strict)
    page = Page(acme.browser(acme.stranger).get(invited.link))
    assert "This invitation is for Bob@example.org , but you are signed in as una@example.org" in page.text
    assert [button.text for button in page.named("accept")] == buttons
    assert "Switch account" in page.text


def test_C03_unproven_address_is_another_address(acme: Acme, invited: Invited) -> None:
    def claim() -> None:
        row = EmailAddress(user_id=acme.stranger.user_id, address="bob@example.org", canonical="bob@example.org")
        row.is_primary = False
        db.session.add(row)

    acme.world.write(claim)
    browser = acme.browser(acme.stranger)
    assert "but you are signed in as una@example.org" in Page(browser.get(invited.link)).text
    assert "Acme" not in Page(browser.get("/orgs/")).text
    with acme.unchanged():
        assert post(browser, invited.link, accept="1").status_code == 403


def reset_token(world: World, address: str) -> str:
    def make() -> str:
        accounts.request_reset(Actor.visitor(None), addresses.parse(address))
        newest = db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(1)).one()
        return db.vault.open(outbox.seal_name(newest), newest.secret or "")

    return str(world.write(make))


def wrong_tokens(acme: Acme, invited: Invited) -> list[str]:
    token = invited.token
    flipped = ("A" if token[0] != "A" else "B") + token[1:]
    browser = acme.browser(acme.owner)
    with browser.session_transaction() as cookie:
        session_token = cookie["token"]
    return [
        new_token(),
        flipped,
        token[:-1],
        token + "A",
        token.swapcase(),
        token + "%20",
        "x" * 2000,
        str(invited.id),
        reset_token(acme.world, acme.owner.email),
        setup_token(SECRET_KEY),
        session_token,
    ]


def test_C01_every_wrong_token_is_the_same_404(acme: Acme, invited: Invited) -> None:
    tokens = wrong_tokens(acme, invited)
    bodies = set()
    with acme.unchanged():
        for token in tokens:
            for answer in (
                acme.browser().get(f"/invitations/{token}"),
                post(acme.browser(), f"/invitations/{token}", accept="1", name="Eve", password="several words work"),
                post(acme.browser(), f"/invitations/{token}", decline="1"),
            ):
                assert answer.status_code == 404, token
                bodies.add(REQUEST_ID.sub("", Page(answer).text))
    assert len(bodies) == 1


def test_C01_invitation_opens_nothing_else(acme: Acme, invited: Invited) -> None:
    with acme.unchanged():
        for place in ("reset-password", "setup"):
            assert acme.browser().get(f"/{place}/{invited.token}").status_code == 404
            answer = post(acme.browser(), f"/{place}/{invited.token}", password="several words work")
            assert answer.status_code == 404
    browser = acme.browser()
    with browser.session_transaction() as cookie:
        cookie["token"] = invited.token
    assert browser.get(acme.address("members")).status_code == 303


def both(acme: Acme, invited: Invited) -> tuple[TestResponse, TestResponse]:
    """Open the link and, whatever it says, send the form that was open before."""
    browser = acme.browser()
    with acme.unchanged():
        shown = browser.get(invited.link)
        sent = post(browser, invited.link, accept="1", name="Bob Builder", password="several words work")
    return shown, sent


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (InvitationStatus.ACCEPTED, "This invitation was already accepted"),
        (InvitationStatus.DECLINED, "You declined this invitation"),
        (InvitationStatus.REVOKED, "This invitation was revoked"),
    ],
)
def test_dead_end_says_which_and_what_to_do_next(
    acme: Acme, invited: Invited, status: InvitationStatus, sentence: str
) -> None:
    acme.close(invited, status)
    shown, sent = both(acme, invited)
    assert (shown.status_code, sent.status_code) == (200, 409)
    for page in map(Page, (shown, sent)):
        assert sentence in page.text
        assert page.named("accept") == page.named("decline") == []
        assert "Sign in" in page.text if status is InvitationStatus.ACCEPTED else "Mona Manager" in page.text


def test_C06_expiry_counts_to_the_second_when_opened_and_when_sent(acme: Acme) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        invited = acme.world.invite(acme.slug, acme.manager, "bob@example.org", days=1)
        clock.shift(timedelta(days=1, seconds=-1))
        assert len(Page(acme.browser().get(invited.link)).named("accept")) == 2
        clock.shift(timedelta(seconds=1))
        shown, sent = both(acme, invited)
    assert (shown.status_code, sent.status_code) == (200, 409)
    for page in map(Page, (shown, sent)):
        assert "This invitation has expired" in page.text
        assert "could be accepted until 2 Jan 2027, 12:00 UTC" in page.text
        assert page.named("accept") == []


@pytest.mark.parametrize("loss", ["demoted", "suspended", "removed", "deactivated"])
def test_C07_invitation_dies_with_the_right_of_its_sender_and_says_so(acme: Acme, invited: Invited, loss: str) -> None:
    if loss == "demoted":
        acme.change(acme.manager, role=Role.MEMBER)
    elif loss == "suspended":
        acme.change(acme.manager, status=MemberStatus.SUSPENDED)
    elif loss == "removed":
        acme.remove(acme.manager)
    else:
        acme.deactivate(acme.manager)
    shown, sent = both(acme, invited)
    assert (shown.status_code, sent.status_code) == (200, 409)
    assert "This invitation was revoked" in Page(shown).text
    assert "This invitation was revoked" in Page(sent).text


def test_C11_opening_the_link_ten_times_changes_nothing(acme: Acme, invited: Invited) -> None:
    events = acme.events()
    with acme.unchanged():
        for method in ("GET", "HEAD", "OPTIONS"):
            for _ in range(10):
                acme.browser().open(
                    f"{invited.link}?accept=1&decline=1", method=method, headers={"Purpose": "prefetch"}
                )
                acme.browser(acme.stranger).open(invited.link, method=method, headers={"Sec-Purpose": "prefetch"})
        for method in ("PUT", "PATCH", "DELETE"):
            assert acme.browser().open(invited.link, method=method).status_code == 405
        assert acme.browser().get(f"{invited.link}/switch").status_code == 405
    assert acme.events() == events


def test_C13_page_does_not_tell_whether_the_invited_address_has_an_account(acme: Acme) -> None:
    closed = acme.world.person("Carl Closed", "carl@example.org")
    acme.deactivate(closed)
    texts = set()
    for address in ("una@example.org", "carl@example.org", "nobody@example.org"):
        invited = acme.world.invite(acme.slug, acme.manager, address)
        body = acme.browser().get(invited.link).get_data(as_text=True)
        body = re.sub(r'(csrf_token" value|datetime|title)="[^"]*"', "", body)
        texts.add(body.replace(address, "somebody").replace(invited.token, "token"))
    assert len(texts) == 1


HOSTILE = "<img src=x onerror=alert(1)><b hx-get=/evil hx-trigger=load>x</b>\"'{{7*7}}\u202e"


def test_C14_hostile_names_are_nothing_but_text(acme: Acme, invited: Invited) -> None:
    def rename() -> None:
        db.session.get_one(User, acme.manager.user_id).name = HOSTILE
        acme.organization().name = HOSTILE

    acme.world.write(rename)
    for person, address in [
        (None, invited.link),
        (acme.stranger, invited.link),
        (acme.manager, acme.address("members")),
        (acme.manager, acme.address("members/pending")),
        (acme.manager, acme.address("members/new")),
        (acme.manager, acme.address("audit")),
        (acme.manager, "/orgs/"),
    ]:
        page = Page(acme.browser(person).get(address))
        assert "<b hx-get=/evil hx-trigger=load>" in page.text
        assert "{{7*7}}" in page.text
        assert not [e for e in page.elements if e.attributes.get("hx-get") == "/evil" or "onerror" in e.attributes]
