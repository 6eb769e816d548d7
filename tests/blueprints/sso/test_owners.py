"""Who is an owner changes only after a sign-in of just now: every way to make or unmake one, in an old session."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.sso import Desk
from tests.support.worlds import post
from webapp import clock
from webapp.access.actor import Actor, ActorKind
from webapp.access.decide import require_may_grant
from webapp.db import db
from webapp.errors import DomainError, RoleTooHigh, SignInAgain
from webapp.models import Invitation, Member, MemberStatus, Organization, Role, Session
from webapp.services import addresses, members, removals, requests

OLD = timedelta(minutes=10, seconds=1)
SENTENCE = "sign-in with your password that is at most ten minutes old"


@dataclass(frozen=True)
class Door:
    """A way to make or unmake an owner: what is there first, and the request that does it."""

    prepare: Callable[[Acme], int]
    path: str
    form: dict[str, str]

    def open(self, acme: Acme, browser: FlaskClient, number: int) -> TestResponse:
        """Send the request, which is about what has this number."""
        form = {name: value.format(number) for name, value in self.form.items()}
        return post(browser, acme.address(self.path.format(number)), **form)


def member_of(acme: Acme) -> int:
    return acme.member_id(acme.member)


def owner_besides(acme: Acme) -> int:
    acme.change(acme.manager, role=Role.OWNER)
    return acme.member_id(acme.manager)


def suspended_owner(acme: Acme) -> int:
    return acme.member_id(acme.suspended)


def removed_owner(acme: Acme) -> int:
    number = owner_besides(acme)

    def remove(actor: Actor, organization: Organization) -> None:
        removals.remove(actor, organization, db.session.get_one(Member, number))

    acme.act(acme.owner, remove)
    return number


def owner_who_left(acme: Acme) -> int:
    number = owner_besides(acme)
    acme.act(acme.manager, removals.leave)
    return number


def stranger_known(acme: Acme) -> int:
    acme.world.member(acme.other_slug, acme.owner, Role.MEMBER)
    return 0


def invited_owner(acme: Acme) -> int:
    return acme.world.invite(acme.slug, acme.owner, "mia@example.org", Role.OWNER).id


def request_of(acme: Acme) -> int:
    def ask(actor: Actor, organization: Organization) -> None:
        requests.ask_to_invite(actor, organization, addresses.parse("mia@example.org"))

    acme.act(acme.member, ask)
    return int(acme.world.read(lambda: db.session.scalars(select(Invitation.id)).one()))


TERMS = {"role": "owner", "has_global_access": "1"}
DOORS = {
    "role": Door(member_of, "members/{}", {**TERMS, "confirm": "1"}),
    "role taken": Door(owner_besides, "members/{}", {**TERMS, "role": "manager"}),
    "roles of several": Door(
        member_of, "members/bulk", {"action": "role", "to_role": "owner", "ids": "{}", "confirm": "1"}
    ),
    "roles taken from several": Door(
        owner_besides, "members/bulk", {"action": "role", "to_role": "member", "ids": "{}", "confirm": "1"}
    ),
    "several suspended": Door(owner_besides, "members/bulk", {"action": "suspend", "ids": "{}", "confirm": "1"}),
    "several restored": Door(suspended_owner, "members/bulk", {"action": "restore", "ids": "{}", "confirm": "1"}),
    "several removed": Door(owner_besides, "members/bulk", {"action": "remove", "ids": "{}", "confirm": "1"}),
    "suspended": Door(owner_besides, "members/{}/suspend", {"confirm": "1"}),
    "restored": Door(suspended_owner, "members/{}/restore", {}),
    "removed": Door(owner_besides, "members/{}/remove", {"confirm": "1"}),
    "put back": Door(removed_owner, "members/{}/undo-removal", {}),
    "invited back": Door(owner_who_left, "members/{}/undo-removal", {}),
    "invited": Door(member_of, "members/new", {**TERMS, "emails": "mia@example.org", "lifetime_days": "7"}),
    "added": Door(stranger_known, "members/add", {**TERMS, "email": "una@example.org"}),
    "approved": Door(request_of, "invitations/{}/approve", {"role": "owner"}),
    "invited again": Door(invited_owner, "invitations/{}/resend", {}),
    "link copied": Door(invited_owner, "invitations/{}/link", {}),
}


def grown_old(acme: Acme) -> None:
    """Let all sessions be a little older than what counts as just now."""

    def age() -> None:
        for session in db.session.scalars(select(Session)):
            session.created_at = clock.now() - OLD

    acme.world.write(age)


def back_of(answer: TestResponse) -> str:
    """Return where the page's way to sign in again leads afterwards."""
    [link] = {one.partition('"')[0] for one in answer.text.split('href="') if one.startswith("/login?")}
    said = parse_qs(urlsplit(unescape(link)).query)
    assert said["again"] == ["1"]
    return said["next"][0]


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_E14_owners_are_made_and_unmade_only_after_a_sign_in_of_just_now(acme: Acme, door: Door) -> None:
    number = door.prepare(acme)
    grown_old(acme)
    with acme.unchanged("session", "member"):
        refused = door.open(acme, acme.browser(acme.owner), number)
    assert refused.status_code == 403, refused.text
    assert SENTENCE in refused.text
    assert acme.world.browser(acme.owner).get(back_of(refused)).status_code == 200
    accepted = door.open(acme, acme.world.browser(acme.owner), number)
    assert accepted.status_code == (200 if door is DOORS["link copied"] else 303), accepted.text


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_E14_word_of_a_provider_alone_makes_and_unmakes_no_owner(acme: Acme, desk: Desk, door: Door) -> None:
    number = door.prepare(acme)
    desk.know(acme.owner)
    browser = acme.world.browser()
    desk.sign_in(browser)
    with acme.unchanged("session", "member", "session_identity"):
        refused = door.open(acme, browser, number)
    assert refused.status_code == 403, refused.text
    assert "You came in through single sign-on alone" in refused.text
    assert "Forgot your password?" in refused.text


def test_E14_everything_else_needs_no_sign_in_of_just_now(acme: Acme) -> None:
    grown_old(acme)
    browser, number = acme.browser(acme.owner), acme.member_id(acme.member)
    owners = acme.member_id(acme.suspended)
    same = {"role": "owner", "has_global_access": "0"}
    for path, form in (
        (f"members/{number}", {"role": "manager", "has_global_access": "1"}),
        (f"members/{owners}", {**same, "confirm": "1"}),
        ("members/new", {**TERMS, "role": "manager", "emails": "bo@example.org", "lifetime_days": "7"}),
        (f"members/{number}/suspend", {"confirm": "1"}),
    ):
        answer = post(browser, acme.address(path), **form)
        assert answer.status_code == 303, (path, answer.text)


def test_E14_role_comes_back_with_whoever_signs_in_again(acme: Acme) -> None:
    grown_old(acme)
    number = acme.member_id(acme.member)
    refused = post(acme.browser(acme.owner), acme.address(f"members/{number}"), **TERMS)
    assert "What you typed comes back with you." in refused.text
    for page in (Page(refused), Page(acme.world.browser(acme.owner).get(back_of(refused)))):
        assert page.checked("role") == ["owner"]


def test_E14_addresses_come_back_with_whoever_signs_in_again(acme: Acme) -> None:
    grown_old(acme)
    form = {**TERMS, "emails": "mia@example.org, bo@example.org", "lifetime_days": "9"}
    refused = post(acme.browser(acme.owner), acme.address("members/new"), **form)
    for page in (Page(refused), Page(acme.world.browser(acme.owner).get(back_of(refused)))):
        assert "mia@example.org, bo@example.org" in page.by_id("emails").text
        assert page.by_id("lifetime_days").attributes["value"] == "9"
        assert page.checked("role") == ["owner"]


def test_E14_whom_one_adds_comes_back_with_whoever_signs_in_again(acme: Acme) -> None:
    stranger_known(acme)
    grown_old(acme)
    refused = post(acme.browser(acme.owner), acme.address("members/add"), **TERMS, email="una@example.org")
    for page in (Page(refused), Page(acme.world.browser(acme.owner).get(back_of(refused)))):
        assert page.by_id("email").attributes["value"] == "una@example.org"
        assert page.checked("role") == ["owner"]


def test_E14_answer_to_a_request_comes_back_with_whoever_signs_in_again(acme: Acme) -> None:
    number = request_of(acme)
    grown_old(acme)
    refused = post(acme.browser(acme.owner), acme.address(f"invitations/{number}/approve"), role="owner")
    for page in (Page(refused), Page(acme.world.browser(acme.owner).get(back_of(refused)))):
        [chosen] = [one for one in page.elements if one.tag == "option" and "selected" in one.attributes]
        assert chosen.attributes["value"] == "owner"


def test_E14_question_about_several_says_so_before_anybody_confirms_and_comes_back(acme: Acme) -> None:
    grown_old(acme)
    address = acme.address(f"members/bulk?action=role&to_role=owner&ids={acme.member_id(acme.member)}")
    shown = acme.browser(acme.owner).get(address)
    assert (shown.status_code, SENTENCE in shown.text, 'id="confirm"' in shown.text) == (200, True, False)
    again = acme.world.browser(acme.owner).get(back_of(shown))
    assert (SENTENCE in again.text, 'id="confirm"' in again.text) == (False, True)
    assert "Mina Member" in again.text


def test_E14_invitations_of_owners_are_left_out_when_many_are_sent_again(acme: Acme) -> None:
    owners = invited_owner(acme)
    other = acme.world.invite(acme.slug, acme.owner, "bo@example.org").id
    grown_old(acme)
    form: dict[str, Any] = {"action": "resend", "ids": [str(owners), str(other)]}
    shown = post(acme.browser(acme.owner), acme.address("members/pending/bulk"), **form)
    assert "mia@example.org is left out. It makes somebody an owner" in shown.text
    assert Page(acme.world.browser(acme.owner).get(back_of(shown))).text.count("is left out") == 0
    letters = len(acme.world.letters("invitation"))
    assert (
        post(
            acme.browser(acme.owner), acme.address("members/pending/bulk"), **{**form, **Page(shown).answer()}
        ).status_code
        == 303
    )
    assert [one.to_address for one in acme.world.letters("invitation")[letters:]] == ["bo@example.org"]


def test_E14_refusal_in_a_part_of_a_page_leads_to_signing_in_again(acme: Acme) -> None:
    number = suspended_owner(acme)
    grown_old(acme)
    browser = acme.browser(acme.owner)
    browser.environ_base["HTTP_HX_REQUEST"] = "true"
    refused = post(browser, acme.address(f"members/{number}/restore"))
    assert (refused.status_code, "<html" in refused.text) == (403, False)
    assert back_of(refused) == acme.address("members")


def test_E14_refused_form_is_shown_where_it_stands(acme: Acme) -> None:
    """Other refusals are shown above the page, and leave the form as it is."""
    grown_old(acme)
    browser = acme.browser(acme.owner)
    browser.environ_base |= {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "panel"}
    refused = post(browser, acme.address(f"members/{member_of(acme)}"), **TERMS)
    assert (refused.status_code, refused.headers.get("HX-Retarget"), "<html" in refused.text) == (403, "#panel", False)
    assert Page(refused).checked("role") == ["owner"]


@pytest.mark.parametrize("kind", ActorKind)
@pytest.mark.parametrize("is_fresh", [True, False])
@pytest.mark.parametrize("is_confined", [True, False])
@pytest.mark.parametrize("role", Role)
def test_E14_role_is_granted_by_whoever_has_it_and_to_owners_by_whoever_is_fresh(
    kind: ActorKind, is_fresh: bool, is_confined: bool, role: Role
) -> None:
    for mine in (None, *Role):
        member = Member(organization_id=1, user_id=1, role=mine, status=MemberStatus.ACTIVE) if mine else None
        actor = Actor(kind, "Wanda Who", 1, member=member, is_confined=is_confined, is_fresh=is_fresh)
        expected: type[DomainError] | None = None
        if kind is not ActorKind.SYSTEM:
            if mine is None or role > mine:
                expected = RoleTooHigh
            elif role is Role.OWNER and not is_fresh:
                expected = SignInAgain
        refused = refusal(actor, role)
        assert (type(refused) if refused else None) is expected
        if expected is SignInAgain:
            assert ("single sign-on alone" in str(refused)) is is_confined


def refusal(actor: Actor, role: Role) -> DomainError | None:
    try:
        require_may_grant(actor, role)
    except DomainError as error:
        return error
    return None


def test_E14_commands_are_not_asked(acme: Acme) -> None:
    def act(_actor: Actor, organization: Organization) -> None:
        member = db.session.get_one(Member, acme.member_id(acme.member))
        members.change_role(Actor.system(), organization, member, Role.OWNER)

    acme.act(acme.owner, act)
    assert acme.world.roles(acme.slug)[acme.member.name] == "owner"
