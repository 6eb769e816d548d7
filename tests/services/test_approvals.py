"""Approving and rejecting requests: what becomes of them, who is told, and what is refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.acme import Acme, organization_of
from tests.support.asking import ask, request_for, row_of, suggest
from tests.support.visitor import at_once
from tests.support.worlds import Person
from webapp import db as database
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import (
    DomainError,
    Forbidden,
    InvitationLimit,
    InvitationNotOpen,
    NotFound,
    RequestNotOpen,
    RoleTooHigh,
)
from webapp.models import (
    EmailAddress,
    Invitation,
    InvitationStatus,
    InvitationToken,
    LetterState,
    Organization,
    Role,
    User,
)
from webapp.services import (
    addresses,
    approvals,
    attempts,
    invitation_batches,
    invitations,
    members,
    organizations,
    requests,
)
from webapp.services.attempts import DAY, Limit
from webapp.services.invitation_limits import PER_ADDRESS_A_DAY
from webapp.services.invitations import Offer
from webapp.services.tokens import digest

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
RACES = 10

Step = Callable[[Actor, Organization], object]


def approve(acme: Acme, person: Person, number: int, role: Role = Role.MEMBER) -> bool:
    return acme.act(
        person, lambda actor, here: approvals.approve(actor, here, db.session.get_one(Invitation, number), role)
    )


def reject(acme: Acme, person: Person, number: int) -> None:
    acme.act(person, lambda actor, here: approvals.reject(actor, here, db.session.get_one(Invitation, number)))


def told(acme: Acme, kind: str) -> list[str]:
    return [letter.to_address for letter in acme.world.letters(kind)]


def test_approved_request_is_an_invitation_by_whoever_approved(acme: Acme) -> None:
    acme.world.policy(acme.slug, invitation_lifetime_days=3)
    with time_machine.travel(NOON, tick=False) as clock:
        number = ask(acme, "Bob@example.org")
        clock.shift(timedelta(days=2))
        assert approve(acme, acme.manager, number, Role.ADMIN)
    row = row_of(acme, number)
    assert (row.status, row.role, row.invited_by_id) == (InvitationStatus.PENDING, Role.ADMIN, acme.manager.user_id)
    assert row.expires_at == NOON + timedelta(days=5)
    [letter] = acme.world.letters("invitation")
    assert (letter.to_address, letter.data["inviter"], letter.id) == ("Bob@example.org", "Mona Manager", row.letter_id)
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name, entry.target_id) == ("request.approved", "Mona Manager", number)
    assert entry.before
    assert entry.after
    assert (entry.before["status"], entry.after["status"], entry.after["role"]) == ("requested", "pending", "admin")


def test_member_who_suggested_somebody_is_told(acme: Acme) -> None:
    approve(acme, acme.manager, suggest(acme, acme.member, "bob@example.org"))
    [letter] = acme.world.letters("request_approved")
    assert (letter.to_address, letter.data["requested"]) == ("mina@example.com", "bob@example.org")
    reject(acme, acme.manager, suggest(acme, acme.member, "eve@example.org"))
    assert told(acme, "request_rejected") == ["mina@example.com"]


def test_nobody_is_told_who_has_left_or_answers_themselves(acme: Acme) -> None:
    mine, gone = suggest(acme, acme.manager, "bob@example.org"), suggest(acme, acme.member, "eve@example.org")
    acme.remove(acme.member)
    for number in (mine, gone):
        approve(acme, acme.manager, number)
    assert told(acme, "request_approved") == []


def test_rejected_request_is_closed_and_the_visitor_told(acme: Acme) -> None:
    number = ask(acme, "Bob@example.org")
    reject(acme, acme.manager, number)
    row = row_of(acme, number)
    assert (row.status, row.closed_at is None) == (InvitationStatus.REVOKED, False)
    entry = acme.entries()[-1]
    assert (entry.event, entry.before, entry.after) == (
        "request.rejected",
        {"status": "requested"},
        {"status": "revoked"},
    )
    assert told(acme, "request_rejected") == ["Bob@example.org"]
    assert told(acme, "invitation") == []
    ask(acme, "bob@example.org")


@pytest.mark.parametrize("answer", [approve, reject])
@pytest.mark.parametrize(
    ("who", "error"), [("member", Forbidden), ("admin", Forbidden), ("suspended", NotFound), ("stranger", NotFound)]
)
def test_D06_only_those_answer_who_may(acme: Acme, who: str, error: type[DomainError], answer: Callable) -> None:
    number = ask(acme, "bob@example.org")
    with acme.unchanged(), pytest.raises(error):
        answer(acme, getattr(acme, who), number)


def test_C08_nobody_approves_with_a_role_above_their_own(acme: Acme) -> None:
    number = ask(acme, "bob@example.org")
    with acme.unchanged(), pytest.raises(RoleTooHigh):
        approve(acme, acme.manager, number, Role.OWNER)
    assert approve(acme, acme.manager, number, Role.MANAGER)


@pytest.mark.parametrize("answer", [approve, reject])
def test_C09_request_of_another_organization_is_not_answered(acme: Acme, answer: Callable) -> None:
    foreign = acme.act(acme.stranger, _suggested, acme.other_slug)
    with acme.unchanged(), pytest.raises(RequestNotOpen):
        answer(acme, acme.owner, foreign)


def _suggested(actor: Actor, organization: Organization) -> int:
    requests.ask_to_invite(actor, organization, addresses.parse("bob@example.org"))
    return request_for("bob@example.org").id


@pytest.mark.parametrize("answer", [approve, reject])
@pytest.mark.parametrize("first", [approve, reject])
def test_answered_request_is_not_answered_again(acme: Acme, first: Callable, answer: Callable) -> None:
    number = ask(acme, "bob@example.org")
    first(acme, acme.manager, number)
    with acme.unchanged(), pytest.raises(RequestNotOpen):
        answer(acme, acme.owner, number)


@pytest.mark.parametrize("answer", [approve, reject])
def test_expired_request_is_not_answered(acme: Acme, answer: Callable) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        number = ask(acme, "bob@example.org")
        clock.shift(requests.LIFETIME)
        with acme.unchanged(), pytest.raises(RequestNotOpen):
            answer(acme, acme.owner, number)


def test_request_of_somebody_who_became_a_member_is_closed(acme: Acme) -> None:
    number = ask(acme, "mina@example.net")
    acme.world.write(_prove, acme.member.user_id, "mina@example.net")
    letters = len(acme.world.letters())
    assert not approve(acme, acme.manager, number)
    assert (row_of(acme, number).status, len(acme.world.letters())) == ("revoked", letters)
    assert acme.events()[-1] == "invitation.superseded"


def test_whoever_suggested_somebody_who_became_a_member_is_told_with_the_role_they_have(acme: Acme) -> None:
    number = suggest(acme, acme.member, "adam@example.net")
    acme.world.write(_prove, acme.admin.user_id, "adam@example.net")
    assert not approve(acme, acme.manager, number)
    [letter] = acme.world.letters("request_approved")
    assert (letter.to_address, letter.data["role"]) == ("mina@example.com", "admin")


def test_whoever_suggested_somebody_whose_membership_has_ended_is_told_when(acme: Acme) -> None:
    number = suggest(acme, acme.member, "adam@example.net")
    acme.world.write(_prove, acme.admin.user_id, "adam@example.net")
    acme.change(acme.admin, expires_at=NOON - timedelta(days=3650))
    assert not approve(acme, acme.manager, number)
    [letter] = acme.world.letters("request_approved")
    assert letter.data["ended_at"] == (NOON - timedelta(days=3650)).isoformat()


def _prove(user_id: int, email: str) -> None:
    now = datetime.now(UTC)
    db.session.add(EmailAddress(user_id=user_id, address=email, canonical=email, is_primary=False, verified_at=now))


@pytest.mark.parametrize(("name", "most"), [("organization", 2000), ("address", 10)])
def test_C14_approving_counts_as_inviting(acme: Acme, name: str, most: int) -> None:
    number = ask(acme, "bob@example.org")
    organization = acme.world.read(lambda: acme.organization().id)
    buckets = {
        "organization": f"invitation:organization:{organization}",
        "address": f"invitation:address:{organization}:{digest('bob@example.org')}",
    }
    limit = Limit(buckets[name], most, DAY)
    acme.world.write(lambda: attempts.raise_counters({limit: most}))
    with acme.unchanged(), pytest.raises(InvitationLimit):
        approve(acme, acme.manager, number)


@pytest.mark.parametrize("address", ["v@victim.example", "v+{}@victim.example"], ids=["one address", "tags"])
def test_F04_C14_mailbox_gets_no_more_rejections_than_invitations(acme: Acme, address: str) -> None:
    for number in range(PER_ADDRESS_A_DAY + 2):
        reject(acme, acme.manager, ask(acme, address.format(number)))
    letters = acme.world.letters("request_rejected")
    states = [letter.state for letter in letters]
    assert states == [LetterState.QUEUED] * PER_ADDRESS_A_DAY + [LetterState.DROPPED] * 2
    assert acme.events().count("request.rejected") == PER_ADDRESS_A_DAY + 2


def test_F04_mailbox_that_had_its_invitations_gets_no_rejection(acme: Acme) -> None:
    acme.act(acme.owner, inviting(" ".join(f"v+{number}@victim.example" for number in range(PER_ADDRESS_A_DAY))))
    reject(acme, acme.manager, ask(acme, "v@victim.example"))
    [letter] = acme.world.letters("request_rejected")
    assert letter.state is LetterState.DROPPED


def test_C10_request_opens_nothing_before_it_is_approved(acme: Acme) -> None:
    number = ask(acme, "bob@example.org")
    assert acme.world.read(lambda: db.session.scalars(select(InvitationToken)).all()) == []
    with acme.unchanged(), pytest.raises(InvitationNotOpen):
        acme.act(
            acme.owner, lambda actor, here: invitations.revoke(actor, here, db.session.get_one(Invitation, number))
        )
    approve(acme, acme.manager, number)
    [token] = acme.world.read(lambda: db.session.scalars(select(InvitationToken)).all())
    assert (token.invitation_id, token.is_copied) == (number, False)


def test_inviting_whom_a_member_suggested_approves_it(acme: Acme) -> None:
    number = suggest(acme, acme.member, "bob@example.org")
    offer = Offer(Role.MEMBER, 7)
    acme.act(acme.admin, lambda actor, here: invitation_batches.invite_all(actor, here, "bob@example.org", offer))
    assert row_of(acme, number).status is InvitationStatus.PENDING
    assert told(acme, "request_approved") == ["mina@example.com"]
    assert acme.events()[-1] == "request.approved"


def attempt(app: Flask, slug: str, person: Person, step: Step) -> str:
    """Run a step as a page does: under the organization's lock. Return the name of what it was refused with."""

    def run() -> None:
        organization = organizations.lock(organization_of(slug).id)
        user = db.session.get_one(User, person.user_id)
        step(Actor.of(user, ip=None, member=members.of_user(organization, user.id), is_fresh=True), organization)

    with app.app_context():
        try:
            database.perform(run, write=True)
        except DomainError as error:
            return type(error).__name__
    return ""


def race(app: Flask, acme: Acme, *steps: tuple[Person, Step]) -> list[str]:
    """Let people act at the same moment; return what each was refused with, sorted."""
    return sorted(at_once(len(steps), lambda index: attempt(app, acme.slug, *steps[index])))


def approving(number: int) -> Step:
    return lambda actor, here: approvals.approve(actor, here, db.session.get_one(Invitation, number), Role.MEMBER)


def inviting(email: str) -> Step:
    return lambda actor, here: invitation_batches.invite_all(actor, here, email, Offer(Role.MEMBER, 7))


def test_C15_two_who_approve_at_once_make_one_invitation(app: Flask, acme: Acme) -> None:
    for number in range(RACES):
        step = approving(ask(acme, f"guest{number}@example.org"))
        assert race(app, acme, (acme.owner, step), (acme.manager, step)) == ["", "RequestNotOpen"]
    assert len(acme.world.letters("invitation")) == acme.events().count("request.approved") == RACES


def test_C15_approving_and_inviting_at_once_make_one_invitation(app: Flask, acme: Acme) -> None:
    for number in range(RACES):
        email = f"guest{number}@example.org"
        request = ask(acme, email)
        race(app, acme, (acme.manager, approving(request)), (acme.admin, inviting(email)))
        assert row_of(acme, request).status is InvitationStatus.PENDING
    assert len(acme.world.letters("invitation")) == acme.events().count("request.approved") == RACES
