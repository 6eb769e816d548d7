"""Inviting many addresses at once: who is left out and why, and the limits of a day."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.teams import make_teams
from tests.support.worlds import Invited, Person
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import DomainError, Forbidden, InvitationLimit, NotFound, RoleTooHigh, TooManyMemberships
from webapp.models import Attempts, EmailAddress, InvitationStatus, Organization, Role
from webapp.services import attempts, invitation_batches, invitation_limits
from webapp.services.attempts import DAY, Limit
from webapp.services.invitation_batches import Outcome, Result
from webapp.services.invitations import Offer
from webapp.services.tokens import digest

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
LATER = timedelta(days=8)


def invite_all(acme: Acme, text: str, by: Person | None = None, role: Role = Role.MEMBER) -> dict[str, str]:
    """Invite a pasted list; return the result for each address, in order."""
    outcomes, _batch = invite(acme, text, by, role)
    return {outcome.address: outcome.result.value for outcome in outcomes}


def invite(
    acme: Acme, text: str, by: Person | None = None, role: Role = Role.MEMBER, slug: str | None = None
) -> tuple[list[Outcome], int]:
    return acme.act(
        by or acme.admin,
        lambda actor, organization: invitation_batches.invite_all(actor, organization, text, Offer(role, 7)),
        slug,
    )


def batch(acme: Acme, person: Person, number: int, slug: str | None = None) -> list[Outcome]:
    return acme.act(person, lambda actor, organization: invitation_batches.batch_of(actor, organization, number), slug)


def recipients(acme: Acme) -> list[str]:
    return [letter.to_address for letter in acme.world.letters("invitation")]


def raise_counter(acme: Acme, bucket: str, by: int) -> None:
    acme.world.write(attempts.raise_counters, {Limit(bucket, 10**6, DAY): by})


def counted(acme: Acme, bucket: str) -> int:
    statement = select(Attempts.count).where(Attempts.bucket == bucket)
    return acme.world.read(lambda: db.session.scalar(statement)) or 0


def organization_bucket(acme: Acme) -> str:
    return f"invitation:organization:{acme.world.read(lambda: acme.organization().id)}"


def mailbox_bucket(acme: Acme, address: str) -> str:
    return f"invitation:address:{acme.world.read(lambda: acme.organization().id)}:{digest(address)}"


def all_bucket(address: str) -> str:
    return f"invitation:address:{digest(address)}"


def test_everybody_who_can_be_invited_gets_a_letter_in_the_order_typed(acme: Acme) -> None:
    assert invite_all(acme, "bob@example.org, Eve <eve@example.org>; ann@example.org") == {
        "bob@example.org": "invited",
        "eve@example.org": "invited",
        "ann@example.org": "invited",
    }
    assert recipients(acme) == ["bob@example.org", "eve@example.org", "ann@example.org"]
    assert acme.events()[-3:] == ["invitation.sent"] * 3


def test_members_are_named_and_the_others_go(acme: Acme) -> None:
    assert invite_all(acme, "OLIVE@example.com sam@example.com bob@example.org") == {
        "OLIVE@example.com": "member",
        "sam@example.com": "member",
        "bob@example.org": "invited",
    }
    assert recipients(acme) == ["bob@example.org"]


def test_second_address_of_a_member_counts_once_it_is_verified(acme: Acme) -> None:
    def add() -> None:
        for number, verified_at in enumerate((NOON, None)):
            canonical = f"second{number}@example.com"
            row = EmailAddress(user_id=acme.owner.user_id, address=canonical, canonical=canonical)
            row.is_primary, row.verified_at = False, verified_at
            db.session.add(row)

    acme.world.write(add)
    assert invite_all(acme, "second0@example.com second1@example.com") == {
        "second0@example.com": "member",
        "second1@example.com": "invited",
    }


def test_open_invitations_are_named_whatever_their_case_and_the_others_go(acme: Acme) -> None:
    first = acme.world.invite(acme.slug, acme.owner, "Bob@Example.org")
    assert invite_all(acme, "bOB@exAMPLE.ORG\neve@example.org") == {
        "bOB@exAMPLE.ORG": "open",
        "eve@example.org": "invited",
    }
    assert acme.world.status_of(first) == "pending"
    assert recipients(acme) == ["Bob@Example.org", "eve@example.org"]


def test_invitation_of_another_organization_does_not_stand_in_the_way(acme: Acme) -> None:
    acme.world.invite(acme.other_slug, acme.stranger, "bob@example.org")
    assert invite_all(acme, "bob@example.org una@example.org") == {
        "bob@example.org": "invited",
        "una@example.org": "invited",
    }


def expired_invitation(acme: Acme) -> Invited:
    with time_machine.travel(NOON, tick=False):
        return acme.world.invite(acme.slug, acme.owner, "bob@example.org")


def test_expired_invitation_is_closed_first_and_a_new_one_made(acme: Acme) -> None:
    old = expired_invitation(acme)
    with time_machine.travel(NOON + LATER, tick=False):
        assert invite_all(acme, "bob@example.org") == {"bob@example.org": "invited"}
    assert acme.world.status_of(old) == "revoked"
    assert recipients(acme) == ["bob@example.org", "bob@example.org"]
    closing, sending = acme.entries()[-2:]
    assert (closing.event, closing.target_id, closing.actor_name) == ("invitation.expired", old.id, "Adam Admin")
    assert sending.event == "invitation.sent"
    assert sending.target_id != old.id


def test_expired_invitation_stays_where_no_new_one_is_made(acme: Acme) -> None:
    old = expired_invitation(acme)
    with time_machine.travel(NOON + LATER, tick=False):
        raise_counter(acme, mailbox_bucket(acme, "bob@example.org"), 10)
        assert invite_all(acme, "bob@example.org") == {"bob@example.org": "limited"}
    assert acme.world.status_of(old) == "pending"


@pytest.mark.parametrize("end", ["declined", "revoked"])
def test_closed_invitation_does_not_stand_in_the_way(acme: Acme, end: str) -> None:
    old = acme.world.invite(acme.slug, acme.owner, "bob@example.org")
    acme.close(old, InvitationStatus(end))
    assert invite_all(acme, "bob@example.org") == {"bob@example.org": "invited"}
    assert acme.world.status_of(old) == "revoked"


def test_address_given_twice_is_invited_once_as_first_typed(acme: Acme) -> None:
    text = "Bob@Example.org, bob@example.org; bob@example.org BOB <bOb@example.org>"
    assert invite_all(acme, text) == {"Bob@Example.org": "invited"}
    assert recipients(acme) == ["Bob@Example.org"]


def test_malformed_addresses_are_reported_and_the_others_go(acme: Acme) -> None:
    malformed = [
        "nope",
        "a@b@example.org",
        "bob@exaⅿple.org",
        "böb@example.org",
        "bob@@example.org",
        "x@example\x00.org",
    ]
    results = invite_all(acme, " ".join([*malformed, "bob@example.org"]))
    assert results == dict.fromkeys(malformed, "malformed") | {"bob@example.org": "invited"}
    assert recipients(acme) == ["bob@example.org"]


@pytest.mark.parametrize("text", ["", " ,;\n", "<>"])
def test_no_address_is_refused(acme: Acme, text: str) -> None:
    with acme.unchanged(), pytest.raises(DomainError, match="at least one"):
        invite(acme, text)


def test_thousand_addresses_fit_in_one_go(acme: Acme) -> None:
    outcomes, number = invite(acme, "\n".join(f"person{n}@example.org" for n in range(1000)))
    assert {outcome.result for outcome in outcomes} == {Result.INVITED}
    assert len(recipients(acme)) == 1000
    assert len(batch(acme, acme.admin, number)) == 1000


def test_thousand_and_one_addresses_are_refused_altogether(acme: Acme) -> None:
    with acme.unchanged(), pytest.raises(DomainError, match="1001 addresses; at most 1000") as refusal:
        invite(acme, " ".join(f"person{n}@example.org" for n in range(1001)))
    assert refusal.value.field == "emails"


def test_C08_role_above_ones_own_is_refused_for_all(acme: Acme) -> None:
    with acme.unchanged(), pytest.raises(RoleTooHigh):
        invite(acme, "bob@example.org", acme.admin, Role.MANAGER)


def test_who_may_not_invite_learns_nothing_about_the_addresses(acme: Acme) -> None:
    with acme.unchanged(), pytest.raises(Forbidden):
        invite(acme, "olive@example.com", acme.member)
    with acme.unchanged(), pytest.raises(NotFound):
        invite(acme, "olive@example.com", acme.suspended)


def test_organization_sends_two_thousand_a_day_and_not_one_more(acme: Acme) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        raise_counter(acme, organization_bucket(acme), 1998)
        invite(acme, "a@example.org b@example.org")
        with acme.unchanged(), pytest.raises(InvitationLimit):
            invite(acme, "c@example.org")
        clock.shift(DAY - timedelta(seconds=1))
        with acme.unchanged(), pytest.raises(InvitationLimit):
            invite(acme, "c@example.org")
        clock.shift(timedelta(seconds=1))
        assert invite_all(acme, "c@example.org") == {"c@example.org": "invited"}


def test_list_that_would_pass_the_limit_is_refused_as_a_whole_and_not_counted(acme: Acme) -> None:
    raise_counter(acme, organization_bucket(acme), 1999)
    with acme.unchanged(), pytest.raises(InvitationLimit):
        invite(acme, "a@example.org b@example.org")
    assert counted(acme, organization_bucket(acme)) == 1999
    assert counted(acme, mailbox_bucket(acme, "a@example.org")) == 0
    assert invite_all(acme, "a@example.org") == {"a@example.org": "invited"}


def test_organization_limit_counts_only_what_was_sent(acme: Acme) -> None:
    invite(acme, "olive@example.com nope bob@example.org")
    assert counted(acme, organization_bucket(acme)) == 1


def test_limit_of_one_organization_is_not_anothers(acme: Acme) -> None:
    raise_counter(acme, organization_bucket(acme), 2000)
    outcomes, _batch = invite(acme, "bob@example.org", acme.stranger, slug=acme.other_slug)
    assert outcomes == [Outcome("bob@example.org", Result.INVITED)]


def test_F04_plus_addresses_are_different_people_in_one_bucket_of_ten(acme: Acme) -> None:
    tagged = [f"bob+{n}@example.org" for n in range(12)]
    results = invite_all(acme, " ".join([*tagged, "b.ob@example.org"]))
    assert results == (
        dict.fromkeys(tagged[:10], "invited") | dict.fromkeys(tagged[10:], "limited") | {"b.ob@example.org": "invited"}
    )


def test_F04_counter_gives_back_what_was_not_sent(acme: Acme) -> None:
    bucket = mailbox_bucket(acme, "bob@example.org")
    raise_counter(acme, bucket, 8)
    invite(acme, " ".join(f"bob+{n}@example.org" for n in range(5)))
    assert counted(acme, bucket) == 10
    assert counted(acme, organization_bucket(acme)) == 2


def test_mailbox_gets_ten_a_day_from_one_organization_whatever_others_send(acme: Acme) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        invite(acme, " ".join(f"bob+{n}@example.org" for n in range(10)))
        assert invite_all(acme, "BOB@example.org") == {"BOB@example.org": "limited"}
        outcomes, _batch = invite(acme, "BOB@example.org", acme.stranger, slug=acme.other_slug)
        assert outcomes == [Outcome("BOB@example.org", Result.INVITED)]
        clock.shift(DAY)
        assert invite_all(acme, "BOB@example.org") == {"BOB@example.org": "invited"}


def test_batch_is_kept_for_its_maker_alone(acme: Acme) -> None:
    outcomes, number = invite(acme, "nope bob@example.org olive@example.com")
    assert batch(acme, acme.admin, number) == outcomes
    assert batch(acme, acme.owner, number) == []
    assert batch(acme, acme.admin, number + 1) == []
    assert batch(acme, acme.admin, number, acme.other_slug) == []
    assert batch(acme, acme.stranger, number, acme.other_slug) == []


def test_F04_mailbox_gets_so_many_a_day_from_all_organizations_together(acme: Acme) -> None:
    bucket = all_bucket("bob@example.org")
    reserved = [f"bob+r{number}@example.org" for number in range(invitation_limits.RESERVED_PER_ADDRESS_A_DAY)]
    assert set(invite_all(acme, " ".join(reserved)).values()) == {"invited"}
    raise_counter(acme, bucket, invitation_limits.PER_ADDRESS_OF_ALL_A_DAY - 1 - len(reserved))
    results = invite_all(acme, "bob+1@example.org bob+2@example.org")
    assert results == {"bob+1@example.org": "invited", "bob+2@example.org": "limited"}
    assert counted(acme, bucket) == invitation_limits.PER_ADDRESS_OF_ALL_A_DAY


def test_F04_some_letters_of_each_organization_leave_whatever_others_have_sent(acme: Acme) -> None:
    most, bucket = invitation_limits.RESERVED_PER_ADDRESS_A_DAY, all_bucket("bob@example.org")
    raise_counter(acme, bucket, invitation_limits.PER_ADDRESS_OF_ALL_A_DAY)
    tagged = [f"bob+{number}@example.org" for number in range(most + 2)]
    results = invite_all(acme, " ".join(tagged[:-1]))
    assert results == dict.fromkeys(tagged[:most], "invited") | {tagged[most]: "limited"}
    outcomes, _batch = invite(acme, tagged[0], acme.stranger, slug=acme.other_slug)
    assert outcomes == [Outcome(tagged[0], Result.INVITED)]
    assert invite_all(acme, tagged[-1]) == {tagged[-1]: "limited"}
    assert counted(acme, bucket) == invitation_limits.PER_ADDRESS_OF_ALL_A_DAY + most + 1


def test_F04_somebody_invites_so_many_a_day_in_all_their_organizations(acme: Acme) -> None:
    raise_counter(acme, f"invitation:inviter:{acme.owner.user_id}", invitation_limits.PER_INVITER_A_DAY)
    other = acme.world.organization("Another", acme.owner)
    with acme.unchanged(), pytest.raises(InvitationLimit):
        invite(acme, "bob@example.org", acme.owner, slug=other)
    assert invite_all(acme, "bob@example.org", acme.manager) == {"bob@example.org": "invited"}


def test_people_and_teams_of_one_go_come_into_so_many_memberships(acme: Acme) -> None:
    teams = make_teams(acme, [f"Team {number}" for number in range(11)])
    offer = Offer(Role.MEMBER, 7, teams=teams)
    text = " ".join(f"p{number}@example.net" for number in range(500))

    def step(actor: Actor, here: Organization) -> None:
        invitation_batches.invite_all(actor, here, text, offer)

    with acme.unchanged(), pytest.raises(TooManyMemberships, match="5500 memberships"):
        acme.act(acme.owner, step)
