"""Projects: which teams own them, archiving, and where old addresses lead."""

import pytest
from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.teams import give, make_group, make_project, make_team, project, team
from webapp.db import db
from webapp.errors import Forbidden, NameTaken, NotFound, ProjectArchived, ProjectNeedsTeam
from webapp.models import GroupProject, Role, TeamProject
from webapp.services import projects, slugs
from webapp.services.slugs import PROJECT


def owners(acme: Acme, number: int) -> set[int]:
    found = select(TeamProject.team_id).where(TeamProject.project_id == number)
    return set(acme.world.read(lambda: db.session.scalars(found).all()))


def test_admin_makes_projects_in_their_own_team(acme: Acme) -> None:
    red = make_team(acme, "Red", by=acme.admin)
    acme.act(acme.admin, lambda actor, here: projects.create(actor, here, team(red), "Payroll"))
    entry = acme.entries()[-1]
    assert (entry.event, entry.after) == ("project.created", {"name": "Payroll", "slug": "payroll", "teams": [red]})
    with acme.unchanged(), pytest.raises(Forbidden):
        acme.act(acme.member, lambda actor, here: projects.create(actor, here, team(red), "Mine"))


def test_D02_project_and_team_of_another_organization_are_not_there(acme: Acme) -> None:
    red = make_team(acme, "Red")
    payroll = make_project(acme, "Payroll", red)
    for slug in (acme.slug, acme.other_slug):
        with acme.unchanged(), pytest.raises(NotFound):
            acme.act(acme.stranger, lambda actor, here: projects.create(actor, here, team(red), "Mine"), slug)
        with acme.unchanged(), pytest.raises(NotFound):
            acme.act(acme.stranger, lambda actor, here: projects.archive(actor, here, project(payroll)), slug)


def test_renamed_project_keeps_its_old_address(acme: Acme) -> None:
    payroll = make_project(acme, "Payroll", make_team(acme, "Red"))
    acme.act(acme.owner, lambda actor, here: projects.rename(actor, here, project(payroll), "Wages"))
    leads_to = acme.world.read(lambda: slugs.find(PROJECT, acme.organization(), "payroll").slug)
    assert leads_to == "wages"


def test_address_of_a_project_that_is_gone_leads_to_nothing_and_goes_to_no_other_project(acme: Acme) -> None:
    red = make_team(acme, "Red")
    payroll = make_project(acme, "Payroll", red)
    acme.act(acme.owner, lambda actor, here: projects.rename(actor, here, project(payroll), "Wages"))
    acme.act(acme.owner, lambda actor, here: projects.remove(actor, here, project(payroll)))
    for name in ("Payroll", "Wages"):
        another = make_project(acme, name, red)
        assert acme.world.read(lambda number=another: project(number).slug).startswith(f"{name.lower()}-")
        assert acme.browser(acme.owner).get(acme.address(f"projects/{name.lower()}")).status_code == 404


def test_project_belongs_to_several_teams_and_never_to_none(acme: Acme) -> None:
    red, blue = make_team(acme, "Red"), make_team(acme, "Blue")
    payroll = make_project(acme, "Payroll", red)
    acme.act(acme.owner, lambda a, here: projects.set_teams(a, here, project(payroll), [team(red), team(blue)]))
    assert owners(acme, payroll) == {red, blue}
    with acme.unchanged(), pytest.raises(ProjectNeedsTeam):
        acme.act(acme.owner, lambda actor, here: projects.set_teams(actor, here, project(payroll), []))


def test_team_that_loses_a_project_loses_it_from_its_groups_too(acme: Acme) -> None:
    red, blue = make_team(acme, "Red"), make_team(acme, "Blue")
    payroll = make_project(acme, "Payroll", red)
    make_group(acme, red, "Readers", Role.MEMBER, ([payroll], [acme.member]))
    acme.act(acme.owner, lambda actor, here: projects.set_teams(actor, here, project(payroll), [team(blue)]))
    assert acme.world.read(lambda: db.session.scalars(select(GroupProject.group_id)).all()) == []


def test_D09_admin_gives_a_project_to_no_team_of_others(acme: Acme) -> None:
    red, blue = make_team(acme, "Red", by=acme.admin), make_team(acme, "Blue")
    payroll = make_project(acme, "Payroll", red)
    with acme.unchanged(), pytest.raises(Forbidden):
        acme.act(acme.admin, lambda a, here: projects.set_teams(a, here, project(payroll), [team(red), team(blue)]))


def test_archived_project_is_changed_only_by_taking_it_out_of_the_archive(acme: Acme) -> None:
    payroll = make_project(acme, "Payroll", make_team(acme, "Red"))
    acme.act(acme.owner, lambda actor, here: projects.archive(actor, here, project(payroll)))
    with acme.unchanged(), pytest.raises(ProjectArchived):
        acme.act(acme.owner, lambda actor, here: projects.rename(actor, here, project(payroll), "Wages"))
    acme.act(acme.owner, lambda actor, here: projects.archive(actor, here, project(payroll)))
    acme.act(acme.owner, lambda actor, here: projects.unarchive(actor, here, project(payroll)))
    acme.act(acme.owner, lambda actor, here: projects.rename(actor, here, project(payroll), "Wages"))
    assert acme.events()[-3:] == ["project.archived", "project.unarchived", "project.changed"]


def test_removed_project_is_gone_from_teams_and_groups(acme: Acme) -> None:
    red = make_team(acme, "Red")
    payroll = make_project(acme, "Payroll", red)
    make_group(acme, red, "Readers", Role.MEMBER, ([payroll], [acme.member]))
    acme.act(acme.owner, lambda actor, here: projects.remove(actor, here, project(payroll)))
    left = acme.world.dump()
    assert [left[name] for name in ("project", "team_project", "group_project")] == [[]] * 3
    assert len(left["access_group"]) == 1


def test_team_gets_no_second_project_of_one_name(acme: Acme) -> None:
    red, blue = make_team(acme, "Red"), make_team(acme, "Blue")
    make_project(acme, "Payroll", red)
    other = make_project(acme, "PAYROLL", blue)
    with acme.unchanged(), pytest.raises(NameTaken, match="has a project called PAYROLL already") as refused:
        give(acme, other, red, blue)
    assert refused.value.field == "teams"
