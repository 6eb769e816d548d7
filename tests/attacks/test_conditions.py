"""D11: a right needs all of its conditions at once, and what is unknown counts as missing."""

from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import update

from tests.support.acme import Acme
from tests.support.worlds import PASSWORD, csrf_token, post
from webapp import clock
from webapp.access.actor import Actor, ActorKind
from webapp.access.decide import decide
from webapp.access.roles import LOWEST_LEVEL, LOWEST_ROLE, Scope
from webapp.db import db
from webapp.models import Member, MemberStatus, Organization, Role, Session

HERE, ELSEWHERE, WHO, SOMEBODY_ELSE = 1, 2, 7, 8
STATES: list[MemberStatus | None] = [*MemberStatus, None]
MAY_INVITE = {True: Role.MEMBER, False: Role.ADMIN}


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("members_may_invite", [True, False])
def test_D11_right_needs_role_state_organization_and_person_together(scope: Scope, members_may_invite: bool) -> None:
    organization = Organization(id=HERE, members_may_invite=members_may_invite)
    lowest = MAY_INVITE[members_may_invite] if scope is Scope.MEMBER_INVITE else LOWEST_ROLE.get(scope)
    for role, status, where, whose in product(Role, STATES, (HERE, ELSEWHERE, None), (WHO, SOMEBODY_ELSE, None)):
        member = Member(organization_id=where, user_id=whose, role=role, status=status)
        actor = Actor(ActorKind.USER, "Wanda Who", WHO, member=member)
        is_whole = (status, where, whose) == (MemberStatus.ACTIVE, HERE, WHO) and is_enough(role, lowest)
        assert decide(actor, scope, organization) is is_whole, (role, status, where, whose)


def is_enough(role: Role, lowest: Role | None) -> bool:
    """Tell whether a role carries a scope; what is asked of projects is carried by no role in the organization."""
    return lowest is not None and role >= lowest


@pytest.mark.parametrize("kind", [ActorKind.USER, ActorKind.VISITOR])
@pytest.mark.parametrize("scope", Scope)
def test_D11_nobody_has_a_right_without_a_membership(scope: Scope, kind: ActorKind) -> None:
    organization = Organization(id=HERE, members_may_invite=True)
    for user_id in (None, WHO):
        assert not decide(Actor(kind, "Wanda Who", user_id), scope, organization)


def test_D11_every_scope_says_from_which_role() -> None:
    assert set(LOWEST_ROLE) | set(LOWEST_LEVEL) == set(Scope)
    assert not set(LOWEST_ROLE) & set(LOWEST_LEVEL)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("state", ["active", "suspended", "ended", "removed"])
@pytest.mark.parametrize("is_active", [True, False])
def test_D11_page_asks_for_role_membership_and_account_together(
    acme: Acme, role: Role, state: str, is_active: bool
) -> None:
    browser = acme.browser(acme.admin)
    token = csrf_token(browser)
    acme.change(acme.admin, role=role, status=MemberStatus.SUSPENDED if state == "suspended" else MemberStatus.ACTIVE)
    if state == "ended":
        acme.change(acme.admin, expires_at=clock.now())
    if state == "removed":
        acme.remove(acme.admin)
    if not is_active:
        acme.deactivate(acme.admin)
    for page, form, lowest in (
        ("members", None, Role.MEMBER),
        ("members/new", {"emails": "x@example.org", "role": "member", "lifetime_days": "7"}, Role.ADMIN),
        ("audit", None, Role.MANAGER),
        ("settings", {"name": "Acme", "slug": "acme", "invitation_lifetime_days": "9"}, Role.OWNER),
    ):
        method = "POST" if form else "GET"
        before = acme.world.dump()
        answer = browser.open(acme.address(page), method=method, data={**(form or {}), "csrf_token": token})
        within = {True: (200, 303), False: (403,)}[role >= lowest] if state == "active" else (404,)
        assert answer.status_code in (within if is_active else (303,)), page
        if not is_active or state != "active" or role < lowest:
            assert acme.world.dump() == before, page


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize("session", ["alive", "idle", "expired", "ended"])
@pytest.mark.parametrize("password", [PASSWORD, "wrong horse battery staple", ""])
def test_D11_new_password_needs_account_session_and_present_password_together(
    acme: Acme, is_active: bool, session: str, password: str
) -> None:
    browser = acme.browser(acme.member)
    csrf_token(browser)
    acme.world.write(age, session)
    if not is_active:
        acme.deactivate(acme.member)
    before = acme.world.dump(without={"session"})
    answer = post(browser, "/account/password", current_password=password, password="pale blue lantern orchard")
    if (is_active, session, password) == (True, "alive", PASSWORD):
        assert answer.location == "/account/"
        return
    is_known = is_active and session == "alive"
    assert (answer.status_code, answer.location) == ((422, None) if is_known else (303, "/login"))
    assert acme.world.dump(without={"session"}) == before


def age(session: str) -> None:
    """Let all sessions have ended in one way."""
    before = clock.now() - timedelta(days=1)
    if session == "idle":
        db.session.execute(update(Session).values(last_seen_at=before))
    elif session == "expired":
        db.session.execute(update(Session).values(expires_at=before))
    elif session == "ended":
        db.session.query(Session).delete()
