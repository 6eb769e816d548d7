"""Teams: who may make and change them, where old addresses lead, and what goes with a team."""

import pytest
from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.teams import give, make_group, make_project, make_team, memberships, project, remove_team, team
from tests.support.worlds import Person
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import Forbidden, LastTeam, NameTaken, NotFound
from webapp.models import (
    FormerTeamSlug,
    GroupMember,
    Invitation,
    Organization,
    Role,
    TeamMember,
)
from webapp.services import offers, projects, slugs, teams
from webapp.services.memberships import Terms
from webapp.services.slugs import TEAM


def people_in(acme: Acme, number: int) -> set[int]:
    found = select(TeamMember.member_id).where(TeamMember.team_id == number)
    return set(acme.world.read(lambda: db.session.scalars(found).all()))


@pytest.mark.parametrize("who", ["owner", "manager", "admin"])
def test_whoever_makes_a_team_belongs_to_it(acme: Acme, who: str) -> None:
    person: Person = getattr(acme, who)
    number = make_team(acme, "Red Team", by=person)
    assert people_in(acme, number) == {acme.member_id(person)}
    assert acme.world.read(lambda: team(number).slug) == "red-team"
    assert acme.events()[-2:] == ["team.created", "team.member_added"]


@pytest.mark.parametrize(("who", "error"), [("member", Forbidden), ("suspended", NotFound), ("stranger", NotFound)])
def test_who_may_not_makes_no_team(acme: Acme, who: str, error: type[Exception]) -> None:
    with acme.unchanged(), pytest.raises(error):
        acme.act(getattr(acme, who), lambda actor, here: teams.create(actor, here, "Red"), acme.slug)


def test_D09_admins_run_the_teams_they_belong_to_and_no_others(acme: Acme) -> None:
    own, other = make_team(acme, "Red", by=acme.admin), make_team(acme, "Blue")
    acme.act(acme.admin, lambda actor, here: teams.rename(actor, here, team(own), "Crimson"))
    with acme.unchanged(), pytest.raises(Forbidden):
        acme.act(acme.admin, lambda actor, here: teams.rename(actor, here, team(other), "Navy"))
    with acme.unchanged(), pytest.raises(Forbidden):
        acme.act(acme.admin, lambda actor, here: teams.remove(actor, here, team(other)))
    with acme.unchanged(), pytest.raises(Forbidden):
        acme.act(acme.admin, lambda actor, here: projects.create(actor, here, team(other), "Payroll"))
    with acme.unchanged(), pytest.raises(Forbidden):
        acme.act(acme.member, lambda actor, here: teams.rename(actor, here, team(own), "Navy"))


def test_D02_team_of_another_organization_is_not_there(acme: Acme) -> None:
    number = make_team(acme, "Red")
    for slug in (acme.slug, acme.other_slug):
        with acme.unchanged(), pytest.raises(NotFound):
            acme.act(acme.stranger, lambda actor, here: teams.rename(actor, here, team(number), "Mine"), slug)


def test_address_of_earlier_leads_on_and_goes_to_no_other_team(acme: Acme) -> None:
    first = make_team(acme, "Red")
    acme.act(acme.owner, lambda actor, here: teams.rename(actor, here, team(first), "Blue"))
    second = make_team(acme, "Red")

    def read() -> tuple[str | None, str, str]:
        leads_to = slugs.find(TEAM, acme.organization(), "red").slug
        return leads_to, team(first).slug, team(second).slug

    leads_to, present, of_second = acme.world.read(read)
    assert (leads_to, present) == ("blue", "blue")
    assert of_second.startswith("red-")
    with pytest.raises(NameTaken):
        acme.act(acme.owner, lambda actor, here: teams.rename(actor, here, team(first), "réd"))
    acme.act(acme.owner, lambda actor, here: teams.remove(actor, here, team(second)))
    acme.act(acme.owner, lambda actor, here: teams.rename(actor, here, team(first), "Red"))
    assert acme.world.read(lambda: team(first).slug) == "red"
    assert acme.world.read(lambda: db.session.scalars(select(FormerTeamSlug.slug)).all()) == ["blue"]


def test_address_of_a_team_that_is_gone_leads_to_nothing_and_goes_to_no_other_team(acme: Acme) -> None:
    first = make_team(acme, "Red")
    acme.act(acme.owner, lambda actor, here: teams.rename(actor, here, team(first), "Blue"))
    acme.act(acme.owner, lambda actor, here: teams.remove(actor, here, team(first)))
    for name in ("Red", "Blue"):
        another = make_team(acme, name)
        assert acme.world.read(lambda number=another: team(number).slug).startswith(f"{name.lower()}-")
        assert acme.browser(acme.owner).get(acme.address(f"teams/{name.lower()}/projects")).status_code == 404
    payroll = make_project(acme, "Red", another)
    assert acme.world.read(lambda: project(payroll).slug) == "red", "a project is no team"
    elsewhere = acme.act(acme.stranger, lambda actor, here: teams.create(actor, here, "Red").slug, acme.other_slug)
    assert elsewhere == "red", "another organization has slugs of its own"


def test_adding_and_taking_out_say_how_many_and_write_an_entry_each(acme: Acme) -> None:
    number = make_team(acme, "Red")
    entries = len(acme.events())

    def add(actor: Actor, here: Organization) -> int:
        return teams.add(actor, here, team(number), memberships(here, [acme.admin, acme.member, acme.owner]))

    assert acme.act(acme.manager, add) == 2
    assert acme.act(acme.manager, add) == 0

    def take_out(actor: Actor, here: Organization) -> int:
        return teams.take_out(actor, here, team(number), memberships(here, [acme.member, acme.manager]))

    assert acme.act(acme.admin, take_out) == 1
    said = [(entry.event, entry.before, entry.after) for entry in acme.entries()[entries:]]
    mina = {"member_id": acme.member_id(acme.member), "member": "Mina Member"}
    assert ("team.member_added", None, mina) in said
    assert said[-1] == ("team.member_removed", mina, None)
    assert len(said) == 3


def test_removing_a_team_takes_its_groups_and_leaves_projects_and_people(acme: Acme) -> None:
    number, blue = make_team(acme, "Red", acme.member), make_team(acme, "Blue")
    payroll = make_project(acme, "Payroll", number)
    give(acme, payroll, number, blue)
    make_group(acme, number, "Readers", Role.MEMBER, ([payroll], [acme.admin]))
    acme.act(acme.owner, lambda actor, here: teams.remove(actor, here, team(number)))
    left = acme.world.dump()
    assert [len(left[name]) for name in ("team", "team_member", "team_project", "project")] == [1] * 4, "of Blue"
    assert [left[name] for name in ("access_group", "group_member", "group_project")] == [[]] * 3
    assert acme.events()[-2:] == ["group.removed", "team.removed"]
    entry = acme.entries()[-1]
    assert entry.before is not None
    assert entry.before["projects"] == [payroll]
    assert set(entry.before["members"]) == {acme.member_id(acme.owner), acme.member_id(acme.member)}


def test_team_that_owns_projects_alone_is_not_removed_and_names_them(acme: Acme) -> None:
    red, blue = make_team(acme, "Red"), make_team(acme, "Blue")
    shared, *alone = [make_project(acme, name, red) for name in ("Rota", "Wages", "Archive", "Ledger")]
    give(acme, shared, red, blue)
    acme.act(acme.owner, lambda actor, here: projects.archive(actor, here, project(alone[1])))
    with acme.unchanged(), pytest.raises(LastTeam, match=r"^No other team owns Archive, Ledger, Wages\. Nothing"):
        acme.act(acme.owner, lambda actor, here: teams.remove(actor, here, team(red)))
    for number in range(9):
        make_project(acme, f"Part {number}", red)
    with acme.unchanged(), pytest.raises(LastTeam, match=r"^No other team owns Archive, .*, Part 7, …\. Nothing"):
        acme.act(acme.owner, lambda actor, here: teams.remove(actor, here, team(red)))
    with pytest.raises(Forbidden):
        acme.act(acme.admin, lambda actor, here: teams.remove(actor, here, team(red)))


def test_invitation_keeps_what_is_left_of_its_offer_and_names_what_is_gone(acme: Acme) -> None:
    red, blue = make_team(acme, "Red"), make_team(acme, "Blue")
    payroll = make_project(acme, "Payroll", red)
    readers = make_group(acme, red, "Readers", Role.MEMBER, ([payroll], [acme.admin]))
    invited = acme.world.invite(acme.slug, acme.owner, "mia@example.org")

    def attach() -> None:
        invitation = db.session.get_one(Invitation, invited.id)
        invitation.has_global_access = False
        offers.attach([invitation], Terms(Role.MEMBER, False, [red, blue], [readers]))

    acme.world.write(attach)
    remove_team(acme, red)

    def read() -> tuple[object, Terms]:
        invitation = db.session.get_one(Invitation, invited.id)
        return invitation.left_out, offers.terms_of(invitation)

    left_out, terms = acme.world.read(read)
    assert left_out == ["Readers", "Red"]
    assert terms == Terms(Role.MEMBER, False, [blue], [])


def test_name_of_a_member_orders_teams_and_groups_at_once(acme: Acme) -> None:
    number = make_team(acme, "Red", acme.member)
    make_group(acme, number, "Readers", Role.MEMBER, ([make_project(acme, "Payroll", number)], [acme.member]))
    acme.change(acme.member, sort_name="zoe")
    for table in (TeamMember, GroupMember):
        found = select(table.sort_name).where(table.member_id == acme.member_id(acme.member))
        assert acme.world.read(lambda found=found: db.session.scalars(found).all()) == ["zoe"]
