"""Adding somebody with an account: whom the actor may know of, what is stored, and who is told."""

from datetime import UTC, datetime

import pytest

from tests.support.acme import Acme, organization_of
from tests.support.asking import ask, row_of, suggest
from tests.support.offering import make_things
from tests.support.worlds import Person
from webapp.db import db
from webapp.errors import (
    AlreadyMember,
    DomainError,
    Forbidden,
    InvitationLimit,
    NobodyToAdd,
    NotFound,
    NotYoursToGive,
    RoleTooHigh,
)
from webapp.models import EmailAddress, InvitationStatus, MemberStatus, Organization, Role, User
from webapp.services import additions, addresses, attempts, invitation_limits, members
from webapp.services.attempts import DAY, Limit
from webapp.services.memberships import Terms
from webapp.services.tokens import digest


@pytest.fixture
def ned(acme: Acme) -> Person:
    """Somebody whom Acme's manager and owner meet in another organization."""
    ned = acme.world.person("Ned Nearby", "ned@example.org")
    nearby = acme.world.organization("Nearby", ned)
    acme.world.member(nearby, acme.manager, Role.MEMBER)
    acme.world.member(nearby, acme.owner, Role.MEMBER)
    return ned


def add(acme: Acme, actor: Person, email: str, role: Role = Role.MEMBER) -> int:
    return acme.act(actor, lambda who, here: additions.add(who, here, addresses.parse(email), Terms(role)).id)


def change_nearby(acme: Acme, person: Person, **values: object) -> None:
    def change() -> None:
        member = members.of_user(nearby(), person.user_id)
        for name, value in values.items():
            setattr(member, name, value)

    acme.world.write(change)


def nearby() -> Organization:
    return organization_of("nearby")


def test_added_user_is_a_member_at_once_and_told(acme: Acme, ned: Person) -> None:
    number = add(acme, acme.manager, "NED@example.org", Role.ADMIN)
    assert acme.world.roles(acme.slug)["Ned Nearby"] == "admin"
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name) == ("member.added", "Mona Manager")
    assert (entry.target_kind, entry.target_id, entry.target_name) == ("member", number, "Ned Nearby")
    assert entry.after == {
        "user_id": ned.user_id,
        "email": "ned@example.org",
        "role": "admin",
        "status": "active",
        "has_global_access": True,
        "teams": [],
        "groups": [],
    }
    [letter] = acme.world.letters()
    assert (letter.kind, letter.to_address) == ("added", "ned@example.org")
    assert (letter.data["actor"], letter.data["organization"]) == ("Mona Manager", "Acme")
    assert (letter.data["role"], letter.data["slug"]) == ("admin", acme.slug)


def test_instance_administrator_adds_anybody(acme: Acme) -> None:
    with acme.unchanged(), pytest.raises(NobodyToAdd):
        add(acme, acme.manager, "una@example.org")
    acme.world.write(lambda: promote(acme.manager))
    add(acme, acme.manager, "una@example.org")
    assert acme.world.roles(acme.slug)["Una Umbra"] == "member"


def promote(person: Person) -> None:
    db.session.get_one(User, person.user_id).is_instance_administrator = True


@pytest.mark.parametrize("who", ["actor", "other"])
def test_meeting_as_a_suspended_member_is_not_enough(acme: Acme, ned: Person, who: str) -> None:
    change_nearby(acme, {"actor": acme.manager, "other": ned}[who], status=MemberStatus.SUSPENDED)
    with acme.unchanged(), pytest.raises(NobodyToAdd):
        add(acme, acme.manager, "ned@example.org")


def test_inactive_user_is_as_unknown(acme: Acme, ned: Person) -> None:
    acme.deactivate(ned)
    with acme.unchanged(), pytest.raises(NobodyToAdd):
        add(acme, acme.manager, "ned@example.org")


def test_C03_unproven_address_finds_nobody(acme: Acme, ned: Person) -> None:
    acme.world.write(lambda: db.session.add(second_address(ned, None)))
    with acme.unchanged(), pytest.raises(NobodyToAdd):
        add(acme, acme.manager, "second@example.org")


def test_any_verified_address_finds_them_and_the_letter_goes_to_the_first(acme: Acme, ned: Person) -> None:
    acme.world.write(lambda: db.session.add(second_address(ned, datetime.now(UTC))))
    add(acme, acme.manager, "second@example.org")
    assert [letter.to_address for letter in acme.world.letters("added")] == ["ned@example.org"]


def second_address(person: Person, verified_at: datetime | None) -> EmailAddress:
    email = "second@example.org"
    return EmailAddress(
        user_id=person.user_id, address=email, canonical=email, is_primary=False, verified_at=verified_at
    )


@pytest.mark.parametrize("email", ["mina@example.com", "SAM@example.com"])
def test_members_are_refused_by_name(acme: Acme, email: str) -> None:
    with acme.unchanged(), pytest.raises(AlreadyMember, match=email):
        add(acme, acme.manager, email)


@pytest.mark.parametrize(
    ("who", "error"), [("member", Forbidden), ("admin", Forbidden), ("suspended", NotFound), ("stranger", NotFound)]
)
def test_D06_only_those_add_who_may(acme: Acme, ned: Person, who: str, error: type[DomainError]) -> None:
    with acme.unchanged(), pytest.raises(error):
        add(acme, getattr(acme, who), "ned@example.org")


def test_C08_nobody_adds_with_a_role_above_their_own(acme: Acme, ned: Person) -> None:
    with acme.unchanged(), pytest.raises(RoleTooHigh):
        add(acme, acme.manager, "ned@example.org", Role.OWNER)
    add(acme, acme.owner, "ned@example.org", Role.OWNER)


def test_open_invitation_is_closed_as_accepted_by_nobody(acme: Acme, ned: Person) -> None:
    invited = acme.world.invite(acme.slug, acme.admin, "ned@example.org")
    add(acme, acme.manager, "ned@example.org")
    assert acme.world.status_of(invited) == "accepted"
    entry = acme.entries()[-2]
    assert (entry.event, entry.target_id) == ("invitation.superseded", invited.id)
    assert entry.after
    assert (entry.after["status"], entry.after["user_id"]) == ("accepted", ned.user_id)


def test_open_request_is_closed_as_accepted_and_whoever_suggested_it_told(acme: Acme, ned: Person) -> None:
    number = suggest(acme, acme.member, "ned@example.org")
    add(acme, acme.manager, "ned@example.org")
    assert row_of(acme, number).status is InvitationStatus.ACCEPTED
    assert acme.events()[-2:] == ["request.approved", "member.added"]
    assert [letter.to_address for letter in acme.world.letters("request_approved")] == ["mina@example.com"]


def test_request_of_a_visitor_is_closed_too(acme: Acme, ned: Person) -> None:
    number = ask(acme, "ned@example.org")
    add(acme, acme.manager, "ned@example.org")
    assert row_of(acme, number).status is InvitationStatus.ACCEPTED


def test_declined_invitation_is_closed(acme: Acme, ned: Person) -> None:
    invited = acme.world.invite(acme.slug, acme.admin, "ned@example.org")
    acme.close(invited, InvitationStatus.DECLINED)
    add(acme, acme.manager, "ned@example.org")
    assert acme.world.status_of(invited) == "revoked"
    assert acme.events()[-2:] == ["invitation.superseded", "member.added"]


def test_removed_person_is_added_again(acme: Acme, ned: Person) -> None:
    add(acme, acme.manager, "ned@example.org")
    acme.remove(ned)
    add(acme, acme.manager, "ned@example.org")
    assert "Ned Nearby" in acme.world.roles(acme.slug)


def test_C14_adding_counts_as_inviting(acme: Acme, ned: Person) -> None:
    organization = acme.world.read(lambda: acme.organization().id)
    bucket = f"invitation:address:{organization}:{digest('ned@example.org')}"
    most = invitation_limits.PER_ADDRESS_A_DAY
    acme.world.write(lambda: attempts.raise_counters({Limit(bucket, most, DAY): most}))
    with acme.unchanged(), pytest.raises(InvitationLimit):
        add(acme, acme.manager, "ned@example.org")


def test_D09_nobody_adds_with_what_they_could_not_give(acme: Acme, ned: Person) -> None:
    things = make_things(acme)
    wanted = Terms(Role.MEMBER, False, [things.red], [things.synced])
    with acme.unchanged(), pytest.raises(NotYoursToGive):
        acme.act(acme.manager, lambda who, here: additions.add(who, here, addresses.parse("ned@example.org"), wanted))
