"""Signing in through the organization's provider."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.identity_provider import CLIENT_SECRET, HostileProvider
from tests.support.managed import READERS, held, ids, make_red, want
from tests.support.pages import Page
from tests.support.plugins import Filler, installed
from tests.support.sso import Desk, at_provider, rows, signed_in_as
from tests.support.worlds import Person, World, post
from webapp import clock
from webapp.access.facts import MemberFacts
from webapp.access.plugins import ManagedGroup, hookimpl
from webapp.db import db, is_transaction_open
from webapp.models import EmailAddress, Identity, Joining, Role, Session, User
from webapp.services.sso.errors import NotInvited
from webapp.services.sso.flows import LIFETIME


def test_somebody_known_comes_in_and_is_verified(world: World, acme: Acme, desk: Desk) -> None:
    number = desk.know(acme.member)
    browser = world.browser()
    answer = desk.sign_in(browser)
    assert (answer.status_code, answer.location) == (303, acme.address("members"))
    assert browser.get(acme.address("members")).status_code == 200
    identity = world.read(lambda: db.session.get_one(Identity, number))
    assert identity.claims["email"] == "mia@example.org"
    assert identity.last_verified_at > clock.now() - timedelta(minutes=1)
    assert identity.refresh_token
    assert signed_in_as(browser) == "Mina Member"
    assert "Welcome to" not in browser.get(acme.address("account")).text


def test_address_that_a_provider_names_is_shown_as_text(world: World, acme: Acme, desk: Desk) -> None:
    desk.theirs.people["u-1"]["email"] = "<b>mia</b>@example.org"
    assert "&lt;b&gt;mia&lt;/b&gt;@example.org" in desk.sign_in(world.browser()).text


def test_address_to_go_to_afterwards_that_is_too_long_is_dropped(world: World, acme: Acme, desk: Desk) -> None:
    desk.know(acme.member)
    for length, afterwards in ((2_000, "/" + 1_999 * "a"), (2_001, acme.address("members"))):
        wanted = "/" + (length - 1) * "a"
        assert desk.sign_in(world.browser(), f"login?next={wanted}").location == afterwards


def test_page_names_organization_and_provider_and_opening_it_changes_nothing(acme: Acme, desk: Desk) -> None:
    with acme.unchanged():
        page = acme.browser().get(desk.address("login")).text
    assert "Acme" in page
    assert desk.theirs.issuer.removeprefix("http://") in page


def test_no_connection_has_no_page(acme: Acme, desk: Desk) -> None:
    assert acme.browser().get(f"/orgs/{acme.other_slug}/sso/login").status_code == 404
    assert acme.browser().get("/orgs/nowhere/sso/login").status_code == 404


def test_whoever_is_invited_becomes_a_member_with_an_address_that_nobody_has_proven(
    world: World, acme: Acme, desk: Desk
) -> None:
    invited = world.invite(acme.slug, acme.owner, "Mia@example.org", Role.ADMIN)
    browser = world.browser()
    assert desk.sign_in(browser).status_code == 303
    assert "Welcome to Acme" in browser.get(acme.address("members")).text
    assert world.roles(acme.slug)["Mia Sommer"] == "admin"
    assert world.status_of(invited) == "accepted"
    user, address = world.read(
        lambda: db.session.execute(
            select(User, EmailAddress)
            .join(EmailAddress, EmailAddress.user_id == User.id)
            .where(EmailAddress.canonical == "mia@example.org")
        ).one()
    )
    assert (user.password_hash, address.verified_at) == (None, None)
    assert desk.identities() == [("u-1", user.id)]
    assert {"invitation.accepted", "member.joined"} <= set(acme.events())


def test_nobody_joins_without_an_invitation_or_a_policy(world: World, acme: Acme, desk: Desk) -> None:
    browser = world.browser()
    with acme.unchanged("sso_flow"):
        answer = desk.sign_in(browser)
    assert answer.status_code == 403
    assert "no invitation waits" in answer.text
    assert "You signed in there as: mia@example.org" in Page(answer).text
    assert signed_in_as(browser) is None
    refused = acme.entries()[-1]
    assert refused.event == "sso.refused"
    assert refused.after is not None
    assert (refused.after["reason"], refused.after["claimed"]) == (NotInvited.noted, "mia@example.org")
    log = acme.browser(acme.owner).get(acme.address("audit")).text
    assert "no invitation waits for the address that was named" in log
    host = urlsplit(desk.theirs.issuer).netloc
    assert f"came back from {host} as mia@example.org and was refused: Nobody here is linked" in log
    assert "Somebody with the link" not in log
    assert "%(" not in log


def test_policy_lets_people_of_a_listed_domain_join_with_the_default_role(world: World, acme: Acme, desk: Desk) -> None:
    desk.set(joining=Joining.ALLOWED, default_role=Role.ADMIN)
    assert desk.sign_in(world.browser()).status_code == 403
    desk.prove_domain("example.org")
    assert desk.sign_in(world.browser()).status_code == 303
    assert world.roles(acme.slug)["Mia Sommer"] == "admin"
    told = [(letter.to_address, letter.data["claimed"]) for letter in world.letters("sso_joined")]
    assert told == [(acme.owner.email, "mia@example.org")]


def test_F12_whom_a_provider_names_gets_no_letter_and_no_password(world: World, acme: Acme, desk: Desk) -> None:
    world.invite(acme.slug, acme.owner, "mia@example.org")
    before = len(world.letters())
    desk.sign_in(world.browser())
    assert [letter.kind for letter in world.letters()[before:]] == []
    post(world.browser(), "/forgot-password", email="mia@example.org")
    assert world.letters("password_reset")[-1].state == "dropped"


def test_managed_groups_are_brought_up_to_date(world: World, acme: Acme, desk: Desk) -> None:
    make_red(acme)
    roster = Filler({})
    want(roster, (acme.member, READERS))
    desk.know(acme.member)
    with installed(roster=roster):
        assert desk.sign_in(world.browser()).status_code == 303
    assert held(acme) == ids(acme, acme.member)


def test_plug_ins_are_asked_before_the_lock_is_held_and_again_where_something_else_is_true(
    world: World, acme: Acme, desk: Desk
) -> None:
    make_red(acme)
    desk.know(acme.member)
    watcher = Watcher(acme.member)
    with installed(roster=watcher):
        assert desk.sign_in(world.browser()).status_code == 303
        assert desk.link(acme.browser(acme.member)).status_code == 303
        assert [is_locked for _role, is_locked in watcher.asked] == [False, False]
        watcher.then = lambda: acme.change(acme.member, role=Role.ADMIN)
        assert desk.sign_in(world.browser()).status_code == 303
    assert watcher.asked[2:] == [(Role.MEMBER, False), (Role.ADMIN, True)]
    assert held(acme) == ids(acme, acme.member)


class Watcher(Filler):
    """Wants somebody among the readers, and notes as what they were shown and whether a transaction was open."""

    def __init__(self, person: Person) -> None:
        super().__init__({person.email: [READERS]})
        self.asked: list[tuple[Role, bool]] = []
        self.then: Callable[[], None] | None = None

    @hookimpl
    def vestibule_managed_groups(self, member: MemberFacts) -> Iterable[ManagedGroup]:
        """Return the groups listed; once, something else is done meanwhile."""
        self.asked.append((member.role, is_transaction_open()))
        if self.then is not None:
            then, self.then = self.then, None
            then()
        wanted: list[ManagedGroup] = self.wanted[member.email or ""]
        return wanted


def test_U04_K01_nothing_secret_is_logged_or_stored_in_the_clear(
    world: World, acme: Acme, desk: Desk, theirs: HostileProvider, caplog: pytest.LogCaptureFixture
) -> None:
    desk.know(acme.member)
    browser = world.browser()
    with caplog.at_level("DEBUG"):
        back = at_provider(desk.way_out(browser))
        assert browser.get(back).status_code == 303
    asked, sent = theirs.seen["authorize"], theirs.seen["token"]["form"]
    secrets = [asked["state"], asked["nonce"], sent["code_verifier"], sent["code"], CLIENT_SECRET]
    seen = repr(world.dump()) + "".join(record.getMessage() for record in caplog.records)
    assert [secret for secret in secrets if secret in seen] == []


def test_removed_people_stay_out_until_they_are_invited(world: World, acme: Acme, desk: Desk) -> None:
    desk.set(joining=Joining.ALLOWED)
    desk.prove_domain("example.org")
    desk.know(acme.member)
    acme.remove(acme.member)
    assert desk.sign_in(world.browser()).status_code == 403
    world.invite(acme.slug, acme.owner, "mia@example.org")
    assert desk.sign_in(world.browser()).status_code == 303
    assert world.roles(acme.slug)["Mina Member"] == "member"


def test_suspended_people_are_not_let_in(world: World, acme: Acme, desk: Desk) -> None:
    desk.know(acme.suspended)
    with acme.unchanged("sso_flow"):
        assert desk.sign_in(world.browser()).status_code == 403


def test_same_person_keeps_the_session_and_anybody_else_gets_another(world: World, acme: Acme, desk: Desk) -> None:
    desk.know(acme.member)
    mine, others = world.browser(acme.member), world.browser(acme.admin)
    before = rows(acme, Session)
    assert desk.sign_in(mine).status_code == 303
    assert rows(acme, Session) == before
    assert desk.sign_in(others).status_code == 303
    assert rows(acme, Session) == before
    assert signed_in_as(others) == "Mina Member"


def test_flow_ends_after_ten_minutes(world: World, acme: Acme, desk: Desk, theirs: HostileProvider) -> None:
    desk.know(acme.member)
    browser = world.browser()
    back = at_provider(desk.way_out(browser))
    with time_machine.travel(clock.now() + LIFETIME + timedelta(seconds=1), tick=False):
        assert browser.get(back).status_code == 400
    assert theirs.hits["token"] == 0


def test_E01_session_from_before_is_dead_and_nothing_of_its_cookie_stays(world: World, acme: Acme, desk: Desk) -> None:
    desk.know(acme.member)
    browser, copied = world.browser(acme.admin), world.browser()
    back = at_provider(desk.way_out(browser))
    with browser.session_transaction() as cookie, copied.session_transaction() as other:
        other.update(cookie)
        before = dict(cookie)
    assert browser.get(back).status_code == 303
    with browser.session_transaction() as cookie:
        assert cookie["token"] != before["token"]
        assert "csrf_token" not in cookie
    assert signed_in_as(copied) is None


def test_page_on_the_way_leads_on_without_scripts_and_is_not_kept(world: World, acme: Acme, desk: Desk) -> None:
    browser = world.browser()
    answer = post(browser, desk.address("login"))
    page = browser.get(answer.location)
    assert page.headers["Cache-Control"] == "no-store"
    assert Page(page).link("go-on") == page.headers["Refresh"].partition("url=")[2]
    assert browser.get(answer.location.replace("leave/", "leave/x")).status_code == 400
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
