"""Members: who changes whose role and status, and the last owner, who stays one."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from tests.support.acme import Acme, organization_of
from tests.support.unproven import unproven
from tests.support.visitor import at_once
from tests.support.worlds import Person
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import AboveYourRole, DomainError, Forbidden, LastOwner, NotFound, RoleTooHigh, Yourself
from webapp.models import Member, MemberStatus, Organization, Role, User
from webapp.services import members, organizations, removals, verification

ROUNDS = 4
Step = Callable[[Actor, Organization, Member], object]


@pytest.fixture
def other(acme: Acme) -> Person:
    """Somebody whose membership is changed."""
    person = acme.world.person("Toni Target", "toni@example.org")
    acme.world.member(acme.slug, person, Role.MEMBER)
    return person


def do(acme: Acme, actor: Person, target: Person, step: Step) -> Any:
    """Run a step about a member, as a page would."""

    def run(acting: Actor, organization: Organization) -> object:
        member = members.of_user(organization, target.user_id)
        assert member
        return step(acting, organization, member)

    return acme.act(actor, run)


def giving(role: Role) -> Step:
    return lambda actor, organization, member: members.change_role(actor, organization, member, role)


ENDINGS: dict[str, Step] = {"suspend": members.suspend, "remove": removals.remove, "restore": members.restore}


def expected(actor: Role, old: Role, new: Role) -> type[DomainError] | None:
    """Say what the matrix of D04 answers."""
    if actor < Role.MANAGER:
        return Forbidden
    if old > actor:
        return AboveYourRole
    return RoleTooHigh if new > actor else None


@pytest.mark.parametrize("actor", Role, ids=lambda role: role.label)
def test_D04_nobody_changes_a_role_above_their_own_or_gives_one(acme: Acme, other: Person, actor: Role) -> None:
    person = getattr(acme, actor.label)
    for old in Role:
        for new in Role:
            acme.change(other, role=old)
            error = expected(actor, old, new)
            if error is None:
                do(acme, person, other, giving(new))
            else:
                with acme.unchanged(), pytest.raises(DomainError) as caught:
                    do(acme, person, other, giving(new))
                assert type(caught.value) is error, (old, new)
            assert acme.world.roles(acme.slug)[other.name] == (old if error else new).label


@pytest.mark.parametrize("actor", Role, ids=lambda role: role.label)
def test_D04_nobody_changes_their_own_role_or_status(acme: Acme, actor: Role) -> None:
    person = getattr(acme, actor.label)
    for step in [*map(giving, Role), *ENDINGS.values()]:
        with acme.unchanged(), pytest.raises(Yourself if actor >= Role.MANAGER else Forbidden):
            do(acme, person, person, step)


@pytest.mark.parametrize("ending", ENDINGS)
def test_D05_nobody_ends_the_membership_of_somebody_above_them(acme: Acme, other: Person, ending: str) -> None:
    for actor in Role:
        for target in Role:
            acme.change(other, role=target)
            if actor < Role.MANAGER or target > actor:
                with acme.unchanged(), pytest.raises(Forbidden):
                    do(acme, getattr(acme, actor.label), other, ENDINGS[ending])


@pytest.mark.parametrize("outsider", ["suspended", "stranger"])
def test_D06_outsiders_change_nobody_whatever_their_role(acme: Acme, other: Person, outsider: str) -> None:
    for step in [giving(Role.ADMIN), *ENDINGS.values()]:
        with acme.unchanged(), pytest.raises(NotFound):
            do(acme, getattr(acme, outsider), other, step)


def test_D02_member_of_another_organization_is_not_found(acme: Acme) -> None:
    def change_stranger(actor: Actor, organization: Organization) -> None:
        stranger = members.of_user(organization_of(acme.other_slug), acme.stranger.user_id)
        assert stranger
        members.change_role(actor, organization, stranger, Role.MEMBER)

    with acme.unchanged(), pytest.raises(NotFound):
        acme.act(acme.owner, change_stranger)


def test_role_is_changed_audited_and_told(acme: Acme, other: Person) -> None:
    do(acme, acme.manager, other, giving(Role.ADMIN))
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name, entry.target_kind) == ("member.role_changed", "Mona Manager", "member")
    assert (entry.target_id, entry.target_name) == (acme.member_id(other), "Toni Target")
    assert (entry.before, entry.after) == ({"role": "member"}, {"role": "admin"})
    [letter] = acme.world.letters("role_changed")
    assert (letter.to_address, letter.data["role"], letter.data["actor"]) == (
        "toni@example.org",
        "admin",
        "Mona Manager",
    )


def test_same_role_again_is_neither_audited_nor_told(acme: Acme, other: Person) -> None:
    before = acme.events()
    with acme.unchanged():
        do(acme, acme.manager, other, giving(Role.MEMBER))
    assert acme.events() == before


def test_suspending_and_restoring_are_audited_and_told_once(acme: Acme, other: Person) -> None:
    for ending, before, after in (("suspend", "active", "suspended"), ("restore", "suspended", "active")):
        for _ in range(2):
            do(acme, acme.manager, other, ENDINGS[ending])
        entry = acme.entries()[-1]
        assert entry.target_id == acme.member_id(other)
        assert (entry.before, entry.after) == ({"status": before}, {"status": after})
    assert acme.events()[-2:] == ["member.suspended", "member.restored"]
    assert [letter.kind for letter in acme.world.letters()] == ["suspended", "restored"]


def test_letter_speaks_the_language_of_whoever_gets_it(acme: Acme, other: Person) -> None:
    def speak_german() -> None:
        db.session.get_one(User, other.user_id).language = "de"

    acme.world.write(speak_german)
    do(acme, acme.manager, other, members.suspend)
    [letter] = acme.world.letters("suspended")
    assert letter.language == "de"


def as_system(acme: Acme, target: Person, step: Step) -> None:
    def run() -> None:
        organization = organization_of(acme.slug)
        member = members.of_user(organization, target.user_id)
        assert member
        step(Actor.system(), organization, member)

    acme.world.write(run)


DEMOTIONS: dict[str, Step] = {"demote": giving(Role.MANAGER), "suspend": members.suspend, "remove": removals.remove}


@pytest.mark.parametrize("way", DEMOTIONS)
def test_last_active_owner_stays_one_even_for_the_system(acme: Acme, way: str) -> None:
    with acme.unchanged(), pytest.raises(LastOwner):
        as_system(acme, acme.owner, DEMOTIONS[way])


@pytest.mark.parametrize("way", DEMOTIONS)
def test_owner_with_a_closed_account_does_not_count(acme: Acme, other: Person, way: str) -> None:
    acme.change(other, role=Role.OWNER)
    acme.deactivate(other)
    with acme.unchanged(), pytest.raises(LastOwner):
        as_system(acme, acme.owner, DEMOTIONS[way])
    as_system(acme, other, DEMOTIONS[way])


@pytest.mark.parametrize("way", DEMOTIONS)
def test_owner_who_could_never_sign_in_does_not_count(acme: Acme, way: str) -> None:
    una, token = unproven(acme.world, "una.unproven@example.org")
    acme.world.member(acme.slug, una, Role.OWNER)
    with acme.unchanged(), pytest.raises(LastOwner, match="who has verified their address"):
        as_system(acme, acme.owner, DEMOTIONS[way])
    acme.world.write(lambda: verification.verify(token, una.user_id, ip=None))
    as_system(acme, acme.owner, DEMOTIONS[way])
    assert active_owners(acme) == ["Una Unproven"]


def test_last_owner_stays_one_also_where_their_own_address_is_unproven(acme: Acme) -> None:
    una, _token = unproven(acme.world, "una.unproven@example.org")
    slug = acme.world.organization("Own", una)
    with acme.unchanged(), pytest.raises(LastOwner):
        acme.act(una, removals.leave, slug)


@pytest.mark.parametrize("way", DEMOTIONS)
def test_one_of_two_owners_may_go(acme: Acme, other: Person, way: str) -> None:
    acme.change(other, role=Role.OWNER)
    as_system(acme, acme.owner, DEMOTIONS[way])
    assert active_owners(acme) == ["Toni Target"]


def test_last_owner_may_not_leave_but_anybody_else_may(acme: Acme, other: Person) -> None:
    with acme.unchanged(), pytest.raises(LastOwner):
        acme.act(acme.owner, removals.leave)
    acme.change(other, role=Role.OWNER)
    acme.act(acme.owner, removals.leave)
    assert active_owners(acme) == ["Toni Target"]


def active_owners(acme: Acme) -> list[str]:
    def read() -> list[str]:
        owners = select(User.name).join(Member, Member.user_id == User.id).where(Member.role == Role.OWNER)
        owners = owners.where(Member.organization_id == acme.organization().id)
        return list(db.session.scalars(owners.where(Member.status == MemberStatus.ACTIVE)))

    return list(acme.world.read(read))


CLASHES: dict[str, tuple[Step | None, Step | None]] = {
    "demote each other": (giving(Role.ADMIN), giving(Role.ADMIN)),
    "remove each other": (removals.remove, removals.remove),
    "suspend each other": (members.suspend, members.suspend),
    "both leave": (None, None),
    "one leaves, one demotes": (None, giving(Role.MEMBER)),
    "one removes, one suspends": (removals.remove, members.suspend),
}


@pytest.mark.parametrize("clash", CLASHES)
def test_R05_two_owners_at_once_leave_one(acme: Acme, other: Person, clash: str) -> None:
    for _ in range(ROUNDS):
        put_back(acme, acme.owner, other)
        refused = at_once(2, lambda index: attempt(acme, (acme.owner, other), CLASHES[clash], index))
        assert len(active_owners(acme)) == 1, refused
        assert sum(refused) <= 1


def attempt(acme: Acme, people: tuple[Person, Person], steps: tuple[Step | None, Step | None], index: int) -> bool:
    """Let one of two owners act, and tell whether they were refused."""
    me, them, step = people[index], people[1 - index], steps[index]

    def act() -> None:
        organization = organizations.lock(organization_of(acme.slug).id)
        mine = members.of_user(organization, me.user_id)
        actor = Actor.of(db.session.get_one(User, me.user_id), ip=None, member=mine, is_fresh=True)
        theirs = members.of_user(organization, them.user_id)
        if step is None:
            removals.leave(actor, organization)
        elif theirs is None:
            raise NotFound
        else:
            step(actor, organization, theirs)

    try:
        acme.world.write(act)
    except DomainError:
        return True
    return False


def put_back(acme: Acme, *people: Person) -> None:
    """Make everybody an active owner again."""
    for person in people:
        if person.name not in acme.world.roles(acme.slug):
            acme.world.member(acme.slug, person, Role.OWNER)
        acme.change(person, role=Role.OWNER, status=MemberStatus.ACTIVE)


def test_F01_address_that_nobody_has_proven_gets_no_letter_about_the_membership(acme: Acme) -> None:
    una, _ = unproven(acme.world, "una@example.net")
    acme.world.member(acme.slug, una, Role.MEMBER)
    do(acme, acme.owner, una, giving(Role.ADMIN))
    do(acme, acme.owner, una, members.suspend)
    do(acme, acme.owner, una, removals.remove)
    for kind in ("role_changed", "suspended", "removed"):
        assert [letter.state.value for letter in acme.world.letters(kind)] == ["dropped"]


def test_C14_letters_about_one_membership_have_a_daily_limit(acme: Acme, other: Person) -> None:
    for _ in range(11):
        do(acme, acme.owner, other, members.suspend)
        do(acme, acme.owner, other, members.restore)
    states = [letter.state.value for kind in ("suspended", "restored") for letter in acme.world.letters(kind)]
    assert (states.count("queued"), states.count("dropped")) == (20, 2)
    do(acme, acme.owner, other, removals.remove)
    assert [letter.state.value for letter in acme.world.letters("removed")] == ["queued"], "of that one always hears"
