"""Sending many invitations again or revoking them: who is left out, the limits of a day, and all or nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.statements import queries
from tests.support.teams import make_team
from tests.support.worlds import Invited, Person
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import Forbidden, InvitationNotOpen, LetterLimit, NotFound, OfferNotYours, OfferTooHigh
from webapp.models import Attempts, Invitation, InvitationStatus, InvitationToken, Organization, Role
from webapp.queries.invitations import listed_among
from webapp.services import attempts, invitation_bulk
from webapp.services.attempts import DAY, Limit
from webapp.services.invitation_bulk import InvitationAction
from webapp.services.invitation_limits import PER_ADDRESS_A_DAY, PER_ORGANIZATION_A_DAY
from webapp.services.tokens import digest

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
RESEND, REVOKE = InvitationAction.RESEND, InvitationAction.REVOKE
EVENTS = {RESEND: "invitation.resent", REVOKE: "invitation.revoked"}


def apply(acme: Acme, action: InvitationAction, ids: Sequence[int], by: Person | None = None) -> None:
    acme.act(
        by or acme.owner,
        lambda actor, here: invitation_bulk.apply(actor, here, listed_among(here, ids), action),
    )


def refusals(acme: Acme, action: InvitationAction, ids: Sequence[int], by: Person | None = None) -> dict[int, str]:
    def ask(actor: Actor, here: Organization) -> dict[int, str]:
        found = invitation_bulk.refusals(actor, here, listed_among(here, ids), action)
        return {number: type(refusal).__name__ for number, refusal in found.items()}

    return acme.act(by or acme.owner, ask)


def stored(acme: Acme, number: int) -> Invitation:
    found: Invitation = acme.world.read(lambda: db.session.get_one(Invitation, number))
    return found


def links_of(acme: Acme, ids: Sequence[int]) -> set[str]:
    statement = select(InvitationToken.token_hash).where(InvitationToken.invitation_id.in_(ids))
    return set(acme.world.read(lambda: db.session.scalars(statement).all()))


def counted(acme: Acme) -> int:
    return int(acme.world.read(lambda: db.session.scalar(select(func.coalesce(func.sum(Attempts.count), 0)))))


def raise_organization(acme: Acme, by: int) -> None:
    bucket = f"invitation:organization:{acme.world.read(lambda: acme.organization().id)}"
    acme.world.write(attempts.raise_counters, {Limit(bucket, PER_ORGANIZATION_A_DAY, DAY): by})


@pytest.fixture
def sorts(acme: Acme) -> dict[str, Invited]:
    """An invitation in each state of the tab."""
    with time_machine.travel(datetime.now(UTC) - timedelta(days=8)):
        expired = acme.world.invite(acme.slug, acme.admin, "expired@example.org")
    waiting = acme.world.invite(acme.slug, acme.admin, "open@example.org", Role.ADMIN)
    declined = acme.world.invite(acme.slug, acme.manager, "declined@example.org")
    acme.close(declined, InvitationStatus.DECLINED)
    return {"open": waiting, "expired": expired, "declined": declined}


def test_all_of_them_get_a_new_letter_and_link_as_offers_of_whoever_sent_them(
    acme: Acme, sorts: dict[str, Invited]
) -> None:
    acme.world.policy(acme.slug, invitation_lifetime_days=5)
    ids, before = [invited.id for invited in sorts.values()], len(acme.world.letters("invitation"))
    old = links_of(acme, ids)
    with time_machine.travel(NOON, tick=False):
        apply(acme, RESEND, ids, acme.manager)
    letters = acme.world.letters("invitation")[before:]
    assert sorted(letter.to_address for letter in letters) == sorted(invited.email for invited in sorts.values())
    assert {letter.data["role"] for letter in letters if letter.to_address == "open@example.org"} == {"admin"}
    new = {digest(acme.world.token_of(letter)) for letter in letters}
    assert links_of(acme, ids) == new
    assert not old & new
    for number in ids:
        row = stored(acme, number)
        assert (row.status, row.invited_by_id) == (InvitationStatus.PENDING, acme.manager.user_id)
        assert (row.created_at, row.expires_at, row.closed_at) == (NOON, NOON + timedelta(days=5), None)


def test_all_of_them_are_revoked_whether_open_expired_or_declined(acme: Acme, sorts: dict[str, Invited]) -> None:
    with_letters = len(acme.world.letters("invitation"))
    apply(acme, REVOKE, [invited.id for invited in sorts.values()])
    assert {acme.world.status_of(invited) for invited in sorts.values()} == {"revoked"}
    assert len(acme.world.letters("invitation")) == with_letters


@pytest.mark.parametrize("action", list(InvitationAction))
def test_each_has_the_audit_entry_it_would_have_alone(
    acme: Acme, sorts: dict[str, Invited], action: InvitationAction
) -> None:
    apply(acme, action, [invited.id for invited in sorts.values()], acme.manager)
    entries = acme.entries()[-3:]
    assert {(entry.event, entry.actor_name) for entry in entries} == {(EVENTS[action], "Mona Manager")}
    assert {entry.target_id: (entry.before or {})["status"] for entry in entries} == {
        sorts["open"].id: "pending",
        sorts["expired"].id: "pending",
        sorts["declined"].id: "declined",
    }
    assert {(entry.after or {})["status"] for entry in entries} == {"pending" if action is RESEND else "revoked"}


def test_teams_that_are_offered_stay_offered_and_those_not_to_be_given_are_left_out(acme: Acme) -> None:
    red, blue = make_team(acme, "Red", acme.admin), make_team(acme, "Blue", acme.owner)

    def offer(email: str, *teams: int) -> Invited:
        return acme.world.invite(acme.slug, acme.owner, email, has_global_access=False, teams=teams)

    first, other = offer("red@example.org", red), offer("blue@example.org", red, blue)
    assert refusals(acme, RESEND, [first.id, other.id], acme.admin) == {other.id: "OfferNotYours"}
    assert refusals(acme, REVOKE, [first.id, other.id], acme.admin) == {other.id: "OfferNotYours"}
    assert refusals(acme, REVOKE, [first.id, other.id], acme.manager) == {}
    with acme.unchanged(), pytest.raises(OfferNotYours):
        apply(acme, RESEND, [first.id, other.id], acme.admin)
    apply(acme, RESEND, [first.id, other.id])
    assert [(entry.after or {})["teams"] for entry in acme.entries()[-2:]] == [[red, blue], [red]]


@pytest.mark.parametrize("action", list(InvitationAction))
def test_C08_what_offers_a_role_above_ones_own_is_left_out(acme: Acme, action: InvitationAction) -> None:
    above = acme.world.invite(acme.slug, acme.owner, "bob@example.org", Role.OWNER)
    within = acme.world.invite(acme.slug, acme.owner, "eve@example.org", Role.MANAGER)
    with acme.unchanged():
        assert refusals(acme, action, [above.id, within.id], acme.manager) == {above.id: "OfferTooHigh"}
        with pytest.raises(OfferTooHigh):
            apply(acme, action, [above.id, within.id], acme.manager)


@pytest.mark.parametrize("action", list(InvitationAction))
def test_who_may_not_invite_changes_none(acme: Acme, action: InvitationAction) -> None:
    ids = crowds.invite(acme, ["bob@example.org", "eve@example.org"])
    for person, error in ((acme.member, Forbidden), (acme.suspended, NotFound)):
        with acme.unchanged(), pytest.raises(error):
            apply(acme, action, ids, person)


@pytest.mark.parametrize("action", list(InvitationAction))
def test_D03_invitations_of_another_organization_are_not_found_by_their_ids(
    acme: Acme, action: InvitationAction
) -> None:
    foreign = acme.world.invite(acme.other_slug, acme.stranger, "bob@example.org")
    with acme.unchanged():
        assert refusals(acme, action, [foreign.id]) == {}
        apply(acme, action, [foreign.id])


@pytest.mark.parametrize("status", [InvitationStatus.ACCEPTED, InvitationStatus.REVOKED, InvitationStatus.REQUESTED])
@pytest.mark.parametrize("action", list(InvitationAction))
def test_one_that_was_closed_meanwhile_takes_all_back(
    acme: Acme, action: InvitationAction, status: InvitationStatus
) -> None:
    first, other = (acme.world.invite(acme.slug, acme.owner, email) for email in ("a@example.org", "b@example.org"))
    acme.close(other, status)

    def both(actor: Actor, here: Organization) -> None:
        chosen = [db.session.get_one(Invitation, number) for number in (first.id, other.id)]
        invitation_bulk.apply(actor, here, chosen, action)

    with acme.unchanged(), pytest.raises(InvitationNotOpen):
        acme.act(acme.owner, both)


def test_who_has_joined_or_was_invited_anew_gets_no_second_letter(acme: Acme) -> None:
    joined = acme.world.invite(acme.slug, acme.admin, "jo@example.org")
    crowds.join(acme, [("Jo Joined", "jo@example.org")])  # without the service, which would have closed the invitation
    old, new, twin = (acme.world.invite(acme.slug, acme.admin, f"{name}@example.org") for name in "abc")
    for one in (old, twin):
        acme.close(one, InvitationStatus.DECLINED)
    same = update(Invitation).where(Invitation.id.in_([old.id, new.id, twin.id])).values(canonical="bob@example.org")
    acme.world.write(db.session.execute, same)
    found = refusals(acme, RESEND, [joined.id, old.id, new.id, twin.id])
    assert found == {joined.id: "HasJoined", old.id: "InvitedAnew", twin.id: "InvitedAnew"}
    acme.close(new, InvitationStatus.REVOKED)
    assert refusals(acme, RESEND, [old.id, twin.id]) == {old.id: "InvitedAnew"}, "the newest of them is sent"


def test_C14_mailbox_that_had_its_ten_letters_is_left_out_and_the_question_counts_none(acme: Acme) -> None:
    ids = crowds.invite(acme, [f"bob+{number}@example.org" for number in range(PER_ADDRESS_A_DAY + 2)])
    other = acme.world.invite(acme.slug, acme.owner, "eve@example.org")
    before = counted(acme)
    found = refusals(acme, RESEND, [*ids, other.id])
    assert found == dict.fromkeys(ids[:2], "LetterLimit")
    assert counted(acme) == before
    with acme.unchanged(), pytest.raises(LetterLimit, match="enough letters"):
        apply(acme, RESEND, [*ids, other.id])
    assert counted(acme) == before
    apply(acme, RESEND, [*ids[2:], other.id])
    assert counted(acme) == before + 4 * (PER_ADDRESS_A_DAY + 1), (
        "each for its mailbox, twice, the organization and the sender"
    )
    assert refusals(acme, RESEND, ids) == dict.fromkeys(ids, "LetterLimit")


def test_C14_more_than_the_organization_may_send_today_is_refused_as_a_whole(acme: Acme) -> None:
    ids = crowds.invite(acme, [f"guest{number}@example.org" for number in range(3)])
    raise_organization(acme, PER_ORGANIZATION_A_DAY - 2)
    for step in (refusals, apply):
        with acme.unchanged(), pytest.raises(LetterLimit, match="These are 3 invitations, .* have 2 left"):
            step(acme, RESEND, ids)
    assert counted(acme) == PER_ORGANIZATION_A_DAY - 2
    apply(acme, RESEND, ids[:2])
    with acme.unchanged(), pytest.raises(LetterLimit, match="sent all invitations of today"):
        apply(acme, RESEND, ids)
    apply(acme, REVOKE, ids)


@pytest.mark.parametrize("action", list(InvitationAction))
def test_thousand_are_read_and_changed_together(app: Flask, acme: Acme, action: InvitationAction) -> None:
    ids = crowds.invite(acme, [f"guest{number}@example.org" for number in range(1000)])
    with queries(app) as asked:
        apply(acme, action, ids)
    assert len([statement for statement in asked if not statement.startswith("INSERT")]) < 40
    assert acme.events()[-1000:] == [EVENTS[action]] * 1000
