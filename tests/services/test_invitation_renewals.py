"""Sending an invitation again and copying its link: what becomes of the links, the limits, and who may."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.unproven import copied, resent
from tests.support.worlds import Invited, Person, password_hash
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import DomainError, Forbidden, InvitationNotOpen, InvitationNotSent, LetterLimit, NotFound
from webapp.models import EmailAddress, Invitation, InvitationStatus, InvitationToken, MemberStatus, Role
from webapp.services import addresses, attempts, invitation_batches, invitation_renewals, invitations
from webapp.services.accounts import NewAccount
from webapp.services.attempts import DAY, Limit
from webapp.services.invitation_batches import Result
from webapp.services.invitation_limits import PER_ADDRESS_A_DAY, PER_ORGANIZATION_A_DAY
from webapp.services.invitation_links import Link
from webapp.services.invitations import Offer
from webapp.services.tokens import digest, digest_of_copied

Renewal = Callable[..., Invited]
Loss = Callable[[Acme, Person], None]

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def invited(acme: Acme) -> Invited:
    """An invitation by the admin, to somebody without an account."""
    return acme.world.invite(acme.slug, acme.admin, "Bob@example.org")


def stored(acme: Acme, invited: Invited) -> Invitation:
    found: Invitation = acme.world.read(lambda: db.session.get_one(Invitation, invited.id))
    return found


def hashes(acme: Acme, invited: Invited) -> set[str]:
    statement = select(InvitationToken.token_hash).where(InvitationToken.invitation_id == invited.id)
    return set(acme.world.read(lambda: db.session.scalars(statement).all()))


def register(acme: Acme, invited: Invited) -> None:
    new = NewAccount("Bob Builder", addresses.parse(invited.email), password_hash())
    link = Link(invited.id, stored(acme, invited).organization_id, invited.token)
    acme.world.write(lambda: invitations.accept_as_new(Actor.visitor("192.0.2.1"), link, new))


def test_resent_one_has_a_new_letter_and_link_and_lives_as_long_as_the_organization_says(acme: Acme) -> None:
    acme.world.policy(acme.slug, invitation_lifetime_days=5)
    with time_machine.travel(NOON, tick=False) as clock:
        invited = acme.world.invite(acme.slug, acme.admin, "bob@example.org", Role.ADMIN, days=1)
        clock.shift(timedelta(hours=3))
        again = resent(acme, invited, acme.manager)
    row = stored(acme, invited)
    assert (row.status, row.role, row.invited_by_id) == (InvitationStatus.PENDING, Role.ADMIN, acme.manager.user_id)
    assert row.expires_at == NOON + timedelta(days=5, hours=3)
    assert hashes(acme, invited) == {digest(again.token)}
    first, second = acme.world.letters("invitation")
    assert (second.to_address, second.data["inviter"], row.letter_id) == (first.to_address, "Mona Manager", second.id)


def test_resending_is_in_the_audit_log_with_before_and_after(acme: Acme, invited: Invited) -> None:
    before = stored(acme, invited)
    resent(acme, invited, acme.manager)
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name, entry.target_id) == ("invitation.resent", "Mona Manager", invited.id)
    assert entry.before
    assert entry.after
    assert entry.before["expires_at"] == before.expires_at.isoformat()
    assert entry.after["expires_at"] == stored(acme, invited).expires_at.isoformat()


def test_C07_every_earlier_link_is_dead_once_it_is_resent(acme: Acme, invited: Invited) -> None:
    copy = copied(acme, invited)
    resent(acme, invited)
    for old in (invited, copy):
        with acme.unchanged(), pytest.raises(NotFound):
            register(acme, old)


@pytest.mark.parametrize("end", ["expired", "declined"])
def test_ended_one_is_open_again_once_it_is_resent(acme: Acme, end: str) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        invited = acme.world.invite(acme.slug, acme.admin, "bob@example.org", days=1)
        if end == "declined":
            acme.close(invited, InvitationStatus.DECLINED)
        clock.shift(timedelta(days=2))
        again = resent(acme, invited)
        assert stored(acme, invited).is_open(NOON + timedelta(days=2))
        register(acme, again)
    assert acme.world.roles(acme.slug)["Bob Builder"] == "member"


@pytest.mark.parametrize("status", [InvitationStatus.ACCEPTED, InvitationStatus.REVOKED, InvitationStatus.REQUESTED])
def test_accepted_revoked_and_requested_ones_are_neither_resent_nor_copied(
    acme: Acme, invited: Invited, status: InvitationStatus
) -> None:
    acme.close(invited, status)
    for act in (resent, copied):
        with acme.unchanged(), pytest.raises(InvitationNotOpen):
            act(acme, invited)


def test_one_whose_address_was_invited_anew_is_not_resent(acme: Acme, invited: Invited) -> None:
    acme.close(invited, InvitationStatus.DECLINED)
    other = acme.world.invite(acme.slug, acme.admin, "eve@example.org")
    acme.world.write(
        lambda: db.session.execute(
            update(Invitation).where(Invitation.id == other.id).values(canonical="bob@example.org")
        )
    )
    with acme.unchanged(), pytest.raises(InvitationNotSent, match="another open invitation or request"):
        resent(acme, invited)


def test_one_whose_person_has_joined_is_not_resent(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.admin, "jo@example.org")
    crowds.join(acme, [("Jo Joined", "jo@example.org")])  # without the service, which would have closed the invitation
    with acme.unchanged(), pytest.raises(InvitationNotSent, match="has joined meanwhile"):
        resent(acme, invited)


def test_declined_one_is_closed_when_its_address_is_invited_again(acme: Acme, invited: Invited) -> None:
    acme.close(invited, InvitationStatus.DECLINED)
    acme.world.invite(acme.slug, acme.manager, "BOB@example.org")
    assert acme.world.status_of(invited) == "revoked"
    closed, sent = acme.entries()[-2:]
    assert (closed.event, closed.target_id, sent.event) == ("invitation.superseded", invited.id, "invitation.sent")
    assert (closed.before, closed.after) == ({"status": "declined"}, {"status": "revoked"})


def test_declined_one_is_closed_when_its_person_joins_another_way(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.admin, acme.stranger.email)
    other = acme.world.invite(acme.slug, acme.admin, "eve@example.org")
    for one in (invited, other):
        acme.close(one, InvitationStatus.DECLINED)
    acme.world.member(acme.slug, acme.stranger, Role.MEMBER)
    assert (acme.world.status_of(invited), acme.world.status_of(other)) == ("revoked", "declined")


@pytest.mark.parametrize("act", [resent, copied])
def test_C08_nobody_renews_an_offer_above_their_own_role(acme: Acme, act: Renewal) -> None:
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org", Role.OWNER)
    for person in (acme.admin, acme.manager):
        with acme.unchanged(), pytest.raises(Forbidden, match="role above your own"):
            act(acme, invited, person)


@pytest.mark.parametrize("act", [resent, copied])
def test_C08_members_renew_only_where_the_policy_says_so(acme: Acme, invited: Invited, act: Renewal) -> None:
    with acme.unchanged(), pytest.raises(Forbidden):
        act(acme, invited, acme.member)
    acme.world.policy(acme.slug, members_may_invite=True)
    assert act(acme, invited, acme.member).token


@pytest.mark.parametrize("person", ["suspended", "stranger"])
@pytest.mark.parametrize("act", [resent, copied])
def test_C09_outsiders_renew_nothing(acme: Acme, invited: Invited, person: str, act: Renewal) -> None:
    with acme.unchanged(), pytest.raises(NotFound):
        act(acme, invited, getattr(acme, person))


def demote(acme: Acme, person: Person) -> None:
    acme.change(person, role=Role.MEMBER)


def suspend(acme: Acme, person: Person) -> None:
    acme.change(person, status=MemberStatus.SUSPENDED)


@pytest.mark.parametrize("loss", [demote, suspend, Acme.remove, Acme.deactivate])
def test_C07_offer_of_who_lost_the_right_has_no_link_to_copy_until_somebody_makes_it_theirs(
    acme: Acme, invited: Invited, loss: Loss
) -> None:
    loss(acme, acme.admin)
    with acme.unchanged(), pytest.raises(InvitationNotOpen, match="may not invite any more"):
        copied(acme, invited)
    register(acme, resent(acme, invited, acme.manager))
    assert acme.world.roles(acme.slug)["Bob Builder"] == "member"


def test_copied_link_leaves_the_mailed_one_alive_and_is_stored_as_a_hash(acme: Acme, invited: Invited) -> None:
    letters = len(acme.world.letters())
    copy = copied(acme, invited, acme.manager)
    assert hashes(acme, invited) == {digest(invited.token), digest_of_copied(copy.token)}
    assert len(acme.world.letters()) == letters
    assert copy.token not in repr(acme.world.dump())
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name, entry.target_id) == ("invitation.link_copied", "Mona Manager", invited.id)
    assert copy.token not in repr(acme.entries())
    register(acme, invited)


@pytest.mark.parametrize("is_copy", [False, True])
def test_C03_only_the_mailed_link_proves_the_address(acme: Acme, invited: Invited, is_copy: bool) -> None:
    register(acme, copied(acme, invited) if is_copy else invited)
    [address] = acme.world.read(
        lambda: db.session.scalars(select(EmailAddress).where(EmailAddress.canonical == "bob@example.org")).all()
    )
    assert (address.verified_at is None) is is_copy
    assert [letter.to_address for letter in acme.world.letters("verify_address")] == ["Bob@example.org"] * is_copy


def test_C06_expired_one_has_no_link_to_copy(acme: Acme) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        invited = acme.world.invite(acme.slug, acme.admin, "bob@example.org", days=1)
        clock.shift(timedelta(days=1, seconds=-1))
        copied(acme, invited)
        clock.shift(timedelta(seconds=1))
        with acme.unchanged(), pytest.raises(InvitationNotOpen, match="has ended"):
            copied(acme, invited)


def test_C14_resending_counts_towards_the_ten_letters_to_a_mailbox(acme: Acme) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        invited = acme.world.invite(acme.slug, acme.admin, "bob@example.org")
        for _ in range(PER_ADDRESS_A_DAY):
            resent(acme, invited)
        with acme.unchanged(), pytest.raises(LetterLimit, match="had enough letters for today"):
            resent(acme, invited)
        assert invite_text(acme, "bob+tag@example.org") == [Result.LIMITED]
        clock.shift(DAY)
        resent(acme, invited)


def invite_text(acme: Acme, text: str) -> list[Result]:
    offer = Offer(Role.MEMBER, 7)
    outcomes, _ = acme.act(acme.owner, lambda actor, org: invitation_batches.invite_all(actor, org, text, offer))
    return [outcome.result for outcome in outcomes]


def test_C14_resending_counts_towards_the_organizations_invitations_of_the_day(acme: Acme, invited: Invited) -> None:
    bucket = f"invitation:organization:{acme.world.read(lambda: acme.organization().id)}"
    acme.world.write(attempts.raise_counters, {Limit(bucket, PER_ORGANIZATION_A_DAY, DAY): PER_ORGANIZATION_A_DAY - 3})
    assert invite_text(acme, "a@example.net, b@example.net") == [Result.INVITED, Result.INVITED]
    resent(acme, invited)
    with acme.unchanged(), pytest.raises(LetterLimit, match="You or your organization"):
        resent(acme, invited)


def test_inviting_answers_an_open_request_instead_of_standing_beside_it(acme: Acme, invited: Invited) -> None:
    acme.close(invited, InvitationStatus.REQUESTED)
    assert invite_text(acme, "bob@example.org, eve@example.org") == [Result.INVITED, Result.INVITED]
    row = stored(acme, invited)
    assert (row.status, row.invited_by_id, row.closed_at) == (InvitationStatus.PENDING, acme.owner.user_id, None)
    approved = next(entry for entry in acme.entries() if entry.event == "request.approved")
    assert ((approved.before or {})["status"], (approved.after or {})["status"]) == ("requested", "pending")


def test_nothing_is_sent_anew_that_was_accepted_or_revoked(acme: Acme, invited: Invited) -> None:
    for status in (InvitationStatus.ACCEPTED, InvitationStatus.REVOKED):
        acme.close(invited, status)
        with acme.unchanged(), pytest.raises(DomainError):
            acme.act(
                acme.owner,
                lambda actor, org: invitation_renewals.send_anew(
                    actor, org, db.session.get_one(Invitation, invited.id), Offer(Role.MEMBER, 7)
                ),
            )
