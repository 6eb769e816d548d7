"""Removals: what goes with a membership, what comes back within 30 days, and what does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.plugins import Keeper, installed
from tests.support.teams import group, make_group, make_project, make_team, remove_team
from tests.support.worlds import Invited, Person
from webapp.access.actor import Actor
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import (
    AboveYourRole,
    AccountClosed,
    Forbidden,
    HasLeft,
    InvitationNotOpen,
    InvitedAnew,
    MemberAgain,
    NotFound,
    RemovedFromAbove,
    UndoOver,
)
from webapp.mail import housekeeping
from webapp.models import (
    EmailAddress,
    GroupMember,
    Invitation,
    InvitationStatus,
    InvitationTeam,
    InvitationWord,
    Member,
    MemberStatus,
    MemberWord,
    Organization,
    RemovedMember,
    Role,
    TeamMember,
    User,
)
from webapp.services import invitations, members, removals
from webapp.services.invitation_links import Link
from webapp.services.removals import LeftOut

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
ENDS = datetime(2100, 1, 1, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)
KEPT = timedelta(days=30)
EVERYTHING: dict[str, object] = {"has_global_access": True, "teams": [], "groups": []}


@pytest.fixture
def leaver(acme: Acme) -> Person:
    """An admin whose membership is taken away."""
    person = acme.world.person("Lea Leaver", "lea.leaver@example.org")
    acme.world.member(acme.slug, person, Role.ADMIN)
    return person


def remove(acme: Acme, person: Person, by: Person | None = None) -> int:
    """Remove somebody; return the id of the membership."""

    def step(actor: Actor, organization: Organization) -> int:
        member = members.of_user(organization, person.user_id)
        assert member
        return removals.remove(actor, organization, member).member_id

    return acme.act(by or acme.manager, step)


def undo(acme: Acme, number: int, by: Person | None = None) -> None:
    """Undo the removal of a membership, as a page would."""

    def step(actor: Actor, organization: Organization) -> None:
        found = select(RemovedMember).where(RemovedMember.member_id == number)
        removed = db.session.scalars(found.where(RemovedMember.organization_id == organization.id)).one_or_none()
        if removed is None:
            raise NotFound
        removals.undo_removal(actor, organization, removed)

    acme.act(by or acme.manager, step)


def rows(acme: Acme, table: type[Any], **where: object) -> list[Any]:
    return list(acme.world.read(lambda: db.session.scalars(select(table).filter_by(**where)).all()))


def test_removed_membership_is_kept_as_it_was_and_gone_from_the_members(acme: Acme, leaver: Person) -> None:
    [before] = rows(acme, Member, user_id=leaver.user_id)
    with time_machine.travel(NOON, tick=False):
        remove(acme, leaver)
    assert rows(acme, Member, user_id=leaver.user_id) == rows(acme, MemberWord, member_id=before.id) == []
    [kept] = rows(acme, RemovedMember)
    assert (kept.member_id, kept.user_id, kept.role, kept.status) == (
        before.id,
        leaver.user_id,
        Role.ADMIN,
        before.status,
    )
    assert (kept.joined_at, kept.last_active_at) == (before.created_at, before.last_active_at)
    assert (kept.removed_at, kept.removed_by_id) == (NOON, acme.manager.user_id)


def test_removal_is_audited_completely_and_told(acme: Acme, leaver: Person) -> None:
    number = remove(acme, leaver)
    entry = acme.entries()[-1]
    assert (entry.event, entry.target_kind, entry.target_id) == ("member.removed", "member", number)
    described = {"user_id": leaver.user_id, "email": leaver.email, "role": "admin", "status": "active"} | EVERYTHING
    assert (entry.before, entry.after) == (described, None)
    [letter] = acme.world.letters("removed")
    assert (letter.to_address, letter.data["organization"]) == (leaver.email, "Acme")


def test_leaving_is_audited_completely_and_told_to_nobody(acme: Acme, leaver: Person) -> None:
    number = acme.act(leaver, lambda actor, organization: removals.leave(actor, organization).member_id)
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_user_id, entry.target_id) == ("member.left", leaver.user_id, number)
    described = {"user_id": leaver.user_id, "email": leaver.email, "role": "admin", "status": "active"} | EVERYTHING
    assert (entry.before, entry.after) == (described, None)
    assert acme.world.letters() == []
    [kept] = rows(acme, RemovedMember)
    assert kept.removed_by_id == leaver.user_id


def test_D06_whoever_is_no_member_cannot_leave(acme: Acme) -> None:
    for outsider in (acme.stranger, acme.suspended):
        with acme.unchanged(), pytest.raises(NotFound):
            acme.act(outsider, removals.leave)
    with acme.unchanged(), pytest.raises(NotFound):
        acme.world.write(lambda: removals.leave(Actor.system(), acme.organization()))


def test_D10_removal_kills_the_invitations_the_person_sent_here_each_with_its_entry(acme: Acme, leaver: Person) -> None:
    sent = crowds.invite(acme, ["a@example.net", "b@example.net", "c@example.net"], leaver)
    kept = acme.world.invite(acme.slug, acme.manager, "kept@example.net")
    acme.world.member(acme.other_slug, leaver, Role.ADMIN)
    elsewhere = acme.world.invite(acme.other_slug, leaver, "elsewhere@example.net")
    request_of(acme, sent[0])
    remove(acme, leaver)
    entries = [entry for entry in acme.entries() if entry.target_id in sent][-3:]
    assert [entry.target_id for entry in entries] == [*sent[1:], sent[0]]
    assert [entry.event for entry in entries] == ["invitation.revoked"] * 2 + ["request.rejected"]
    assert [entry.before["status"] for entry in entries if entry.before] == ["pending", "pending", "requested"]
    assert all(entry.after == {"status": "revoked"} for entry in entries)
    assert {row.status for row in rows(acme, Invitation) if row.id in sent} == {InvitationStatus.REVOKED}
    assert [row for row in rows(acme, InvitationWord) if row.invitation_id in sent] == []
    assert acme.world.status_of(kept) == acme.world.status_of(elsewhere) == "pending"


def request_of(acme: Acme, number: int) -> None:
    """Let an invitation have only been asked for."""

    def change() -> None:
        db.session.get_one(Invitation, number).status = InvitationStatus.REQUESTED

    acme.world.write(change)


@pytest.mark.parametrize("after", ["removed", "demoted", "suspended", "left", "undone"])
def test_C07_link_is_dead_once_its_sender_may_not_offer_it_any_more(acme: Acme, leaver: Person, after: str) -> None:
    invited = acme.world.invite(acme.slug, leaver, "bob@example.org", Role.ADMIN)
    bob = acme.world.person("Bob Builder", "bob@example.org")
    if after == "left":
        acme.act(leaver, removals.leave)
    elif after in ("removed", "undone"):
        number = remove(acme, leaver)
        if after == "undone":
            undo(acme, number)
    else:
        acme.act(acme.manager, lambda actor, organization: end_right(actor, organization, leaver, after))
    with acme.unchanged(), pytest.raises(InvitationNotOpen):
        accept(acme, invited, bob)


def end_right(actor: Actor, organization: Organization, person: Person, way: str) -> None:
    member = members.of_user(organization, person.user_id)
    assert member
    if way == "suspended":
        members.suspend(actor, organization, member)
    else:
        members.change_role(actor, organization, member, Role.MEMBER)


@pytest.mark.parametrize("status", MemberStatus)
def test_undo_puts_back_exactly_what_was(acme: Acme, leaver: Person, status: MemberStatus) -> None:
    acme.change(leaver, status=status, last_active_at=NOON, expires_at=ENDS)
    before = acme.world.dump(without={"outbox_message"})
    undo(acme, remove(acme, leaver))
    assert acme.world.dump(without={"outbox_message"}) == before
    entry = acme.entries()[-1]
    described = {"user_id": leaver.user_id, "email": leaver.email, "role": "admin", "status": status.value} | EVERYTHING
    described["expires_at"] = ENDS.isoformat()
    assert (entry.event, entry.before, entry.after) == ("member.removal_undone", None, described)
    told = [letter.kind for letter in acme.world.letters()]
    assert told == (["removed", "restored"] if status is MemberStatus.ACTIVE else ["removed"])


def test_undo_brings_back_teams_groups_and_restriction(acme: Acme, leaver: Person) -> None:
    acme.change(leaver, has_global_access=False)
    red = make_team(acme, "Red", leaver)
    make_group(acme, red, "Readers", Role.MEMBER, ([make_project(acme, "Payroll", red)], [leaver]))
    before = acme.world.dump(without={"outbox_message"})
    number = remove(acme, leaver)
    assert rows(acme, TeamMember, member_id=number) == rows(acme, GroupMember, member_id=number) == []
    undo(acme, number)
    assert acme.world.dump(without={"outbox_message"}) == before


def test_undo_leaves_out_teams_and_groups_that_are_gone(acme: Acme, leaver: Person) -> None:
    red, blue = make_team(acme, "Red", leaver), make_team(acme, "Blue", leaver)
    make_group(acme, red, "Readers", Role.MEMBER, ([make_project(acme, "Payroll", red)], [leaver]))
    number = remove(acme, leaver)
    remove_team(acme, red)
    undo(acme, number)
    assert [row.team_id for row in rows(acme, TeamMember, member_id=number)] == [blue]
    assert rows(acme, GroupMember, member_id=number) == []


def test_member_who_was_put_back_is_found_by_the_name_of_today(acme: Acme, leaver: Person) -> None:
    number = remove(acme, leaver)

    def rename() -> None:
        db.session.get_one(User, leaver.user_id).name = "Zora Changed"

    acme.world.write(rename)
    undo(acme, number)
    [member] = rows(acme, Member, id=number)
    assert member.sort_name == "zora changed"
    assert {"zora", "changed", "lea"} <= {row.word for row in rows(acme, MemberWord, member_id=number)}


def test_undo_works_until_thirty_days_are_over(acme: Acme, leaver: Person) -> None:
    with time_machine.travel(NOON, tick=False):
        number = remove(acme, leaver)
    with time_machine.travel(NOON + KEPT, tick=False), acme.unchanged(), pytest.raises(UndoOver):
        undo(acme, number)
    with time_machine.travel(NOON + KEPT - A_SECOND, tick=False):
        undo(acme, number)
    assert acme.member_id(leaver) == number


def test_removals_are_forgotten_once_they_cannot_be_undone(acme: Acme, leaver: Person) -> None:
    with time_machine.travel(NOON, tick=False):
        remove(acme, leaver)
    for moment, left in ((NOON + KEPT - A_SECOND, 1), (NOON + KEPT, 0)):
        with time_machine.travel(moment, tick=False), acme.world.app.app_context():
            housekeeping.clear_all()
        assert len(rows(acme, RemovedMember)) == left


def test_undo_is_refused_when_they_are_a_member_again(acme: Acme, leaver: Person) -> None:
    number = remove(acme, leaver)
    again = acme.world.member(acme.slug, leaver, Role.MEMBER)
    assert again != number
    with acme.unchanged(), pytest.raises(MemberAgain):
        undo(acme, number)


def test_two_removals_of_one_person_are_two_rows_of_which_one_can_be_undone(acme: Acme, leaver: Person) -> None:
    first = remove(acme, leaver)
    acme.world.member(acme.slug, leaver, Role.MEMBER)
    second = remove(acme, leaver)
    undo(acme, first)
    assert (acme.member_id(leaver), acme.world.roles(acme.slug)[leaver.name]) == (first, "admin")
    with acme.unchanged(), pytest.raises(MemberAgain):
        undo(acme, second)


def test_undo_is_refused_when_the_account_is_closed(acme: Acme, leaver: Person) -> None:
    number = remove(acme, leaver)
    acme.deactivate(leaver)
    with acme.unchanged(), pytest.raises(AccountClosed):
        undo(acme, number)


def test_D04_nobody_puts_back_a_role_above_their_own(acme: Acme, leaver: Person) -> None:
    acme.change(leaver, role=Role.OWNER)
    number = remove(acme, leaver, acme.owner)
    with acme.unchanged(), pytest.raises(AboveYourRole):
        undo(acme, number, acme.manager)
    for actor in (acme.admin, acme.member):
        with acme.unchanged(), pytest.raises(Forbidden):
            undo(acme, number, actor)
    undo(acme, number, acme.owner)


@pytest.mark.parametrize("outsider", ["suspended", "stranger"])
def test_D02_outsiders_undo_nothing(acme: Acme, leaver: Person, outsider: str) -> None:
    number = remove(acme, leaver)
    with acme.unchanged(), pytest.raises(NotFound):
        undo(acme, number, getattr(acme, outsider))


def test_D02_removal_in_another_organization_is_not_found(acme: Acme, leaver: Person) -> None:
    number = remove(acme, leaver)

    def undo_elsewhere(actor: Actor, organization: Organization) -> None:
        removed = db.session.scalars(select(RemovedMember).where(RemovedMember.member_id == number)).one()
        removals.undo_removal(actor, organization, removed)

    with acme.unchanged(), pytest.raises(NotFound):
        acme.act(acme.stranger, undo_elsewhere, acme.other_slug)


def test_what_was_open_for_whoever_comes_back_is_closed(acme: Acme, leaver: Person) -> None:
    number = remove(acme, leaver)
    invited = acme.world.invite(acme.slug, acme.owner, "Lea.Leaver@Example.org", Role.MEMBER)
    undo(acme, number)
    assert acme.world.status_of(invited) == "revoked"
    assert "invitation.superseded" in acme.events()
    assert acme.world.roles(acme.slug)[leaver.name] == "admin"


def test_D10_twelve_hundred_invitations_go_with_whoever_sent_them(acme: Acme, leaver: Person) -> None:
    crowds.invite(acme, [f"i{number}@example.net" for number in range(1200)], leaver)
    remove(acme, leaver)
    assert {row.status for row in rows(acme, Invitation)} == {InvitationStatus.REVOKED}
    assert acme.events().count("invitation.revoked") == 1200


def test_D10_nobody_returns_by_an_invitation_that_waited_while_they_were_a_member(acme: Acme) -> None:
    acme.world.policy(acme.slug, address_match_required=False)
    bob = acme.world.person("Bob Builder", "bob@example.org")
    higher = acme.world.invite(acme.slug, acme.owner, "Bob@Example.org", Role.MANAGER)
    accept(acme, acme.world.invite(acme.slug, acme.owner, "bob@example.net"), bob)
    assert acme.world.status_of(higher) == "revoked"
    assert acme.events()[-3:] == ["invitation.superseded", "member.joined", "invitation.accepted"]
    remove(acme, bob)
    with acme.unchanged(), pytest.raises(InvitationNotOpen):
        accept(acme, higher, bob)


@pytest.mark.parametrize("way", ["removed", "left"])
def test_D10_what_was_open_for_the_addresses_of_who_goes_is_closed(acme: Acme, leaver: Person, way: str) -> None:
    theirs, other = crowds.invite(acme, ["lea@example.net", "other@example.net"], acme.owner)

    def prove() -> None:
        address = {"address": "Lea@example.net", "canonical": "lea@example.net", "verified_at": NOON}
        db.session.add(EmailAddress(user_id=leaver.user_id, is_primary=False, **address))

    acme.world.write(prove)
    if way == "left":
        acme.act(leaver, removals.leave)
    else:
        remove(acme, leaver)
    stands = {row.id: row.status for row in rows(acme, Invitation)}
    assert (stands[theirs], stands[other]) == (InvitationStatus.REVOKED, InvitationStatus.PENDING)
    assert (acme.events()[-1], acme.entries()[-1].target_id) == ("invitation.revoked", theirs)


def accept(acme: Acme, invited: Invited, person: Person) -> None:
    link = Link(invited.id, rows(acme, Invitation, id=invited.id)[0].organization_id, invited.token)
    acme.world.write(invitations.accept, Actor.visitor(None), link, person.user_id)


def test_C10_undo_gives_no_more_than_its_actor_may(acme: Acme, leaver: Person) -> None:
    acme.change(leaver, has_global_access=False)
    red, blue = make_team(acme, "Red", leaver), make_team(acme, "Blue", leaver)
    payroll, rota = make_project(acme, "Payroll", red), make_project(acme, "Rota", blue)
    readers = make_group(acme, red, "Readers", Role.MEMBER, ([payroll], [leaver]))
    chiefs = make_group(acme, blue, "Chiefs", Role.MEMBER, ([rota], [leaver]))
    synced = make_group(acme, red, "Synced", Role.MEMBER, ([payroll], [leaver]))
    number = remove(acme, leaver)

    def meanwhile() -> None:
        group(chiefs).level, group(synced).source = Role.OWNER, "roster"

    acme.world.write(meanwhile)
    with installed(keeper=Keeper(Scope.TEAM_WRITE, "blue")):
        undo(acme, number)
    assert [row.team_id for row in rows(acme, TeamMember, member_id=number)] == [red]
    assert [row.group_id for row in rows(acme, GroupMember, member_id=number)] == [readers]
    after = acme.entries()[-1].after or {}
    assert (after["teams"], after["groups"], after["left_out"]) == ([red], [readers], ["Blue", "Chiefs"])


def test_who_left_is_invited_to_what_they_had_and_the_actor_may_give(acme: Acme, leaver: Person) -> None:
    acme.change(leaver, has_global_access=False)
    red, blue, gone = (make_team(acme, name, leaver) for name in ("Red", "Blue", "Gone"))
    acme.act(leaver, removals.leave)
    remove_team(acme, gone)
    [kept] = rows(acme, RemovedMember)
    with acme.unchanged(), pytest.raises(HasLeft, match="Lea Leaver left on their own"):
        undo(acme, kept.member_id)
    with installed(keeper=Keeper(Scope.TEAM_WRITE, "blue")):
        assert invite_back(acme, kept) == ("lea.leaver@example.org", LeftOut(("Blue",)))
    [invitation] = rows(acme, Invitation)
    assert (invitation.role, invitation.has_global_access, invitation.invited_by_id) == (
        Role.ADMIN,
        False,
        acme.manager.user_id,
    )
    assert [row.team_id for row in rows(acme, InvitationTeam)] == [red]
    with acme.unchanged(), pytest.raises(InvitedAnew):
        invite_back(acme, kept)
    with acme.unchanged(), pytest.raises(Forbidden):
        invite_back(acme, kept, acme.admin)


def invite_back(acme: Acme, kept: RemovedMember, by: Person | None = None) -> tuple[str, LeftOut]:
    def step(actor: Actor, organization: Organization) -> tuple[str, LeftOut]:
        return removals.invite_back(actor, organization, db.session.get_one(RemovedMember, kept.id))

    return acme.act(by or acme.manager, step)


def test_D05_removal_by_somebody_above_is_not_undone(acme: Acme, leaver: Person) -> None:
    number = remove(acme, leaver, acme.owner)
    with acme.unchanged(), pytest.raises(RemovedFromAbove):
        undo(acme, number, acme.manager)
    acme.change(acme.owner, role=Role.MANAGER)
    undo(acme, number, acme.manager)
