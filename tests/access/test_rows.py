"""Rows of the database itself: none ties things of two organizations together, whoever writes it and however."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from tests.support.acme import Acme
from tests.support.teams import make_group, make_project, make_team
from webapp.db import db
from webapp.models import AccessGroup, Member, Organization, Project, Role, Team

# Each would put something of Umbra into something of Acme. `:x` is Acme's, `:u_x` is Umbra's.
ACROSS = {
    "member in team": "INSERT INTO team_member (organization_id, team_id, member_id, sort_name) "
    "VALUES ({org}, :team, :u_member, :u_member_name)",
    "team of project": "INSERT INTO team_project (organization_id, team_id, project_id, sort_name) "
    "VALUES ({org}, :team, :u_project, :u_project_name)",
    "group of team": "INSERT INTO access_group (organization_id, team_id, name, name_key, level, created_at) "
    "VALUES (:u_org, :team, 'x', 'x', 10, '2026-01-01')",
    "member in group": "INSERT INTO group_member (organization_id, group_id, member_id, sort_name) "
    "VALUES ({org}, :group, :u_member, :u_member_name)",
    "project in group": "INSERT INTO group_project (organization_id, team_id, group_id, project_id, sort_name) "
    "VALUES ({org}, :team, :group, :u_project, :u_project_name)",
    "team offered": "INSERT INTO invitation_team (organization_id, invitation_id, team_id) "
    "VALUES ({org}, :invitation, :u_team)",
    "group offered": "INSERT INTO invitation_group (organization_id, invitation_id, group_id) "
    "VALUES ({org}, :invitation, :u_group)",
    "slug of a team": "INSERT INTO former_team_slug (organization_id, slug, team_id) VALUES (:u_org, 'x', :team)",
    "slug of a project": "INSERT INTO former_project_slug (organization_id, slug, project_id) "
    "VALUES (:u_org, 'x', :project)",
    "member moved": "UPDATE team_member SET organization_id = :u_org",
    "team moved": "UPDATE team SET organization_id = :u_org WHERE id = :team",
    "project moved": "UPDATE project SET organization_id = :u_org WHERE id = :project",
}


@pytest.fixture
def numbers(acme: Acme) -> dict[str, object]:
    """What the statements speak of: a team, a project, a group, a member and an invitation of each organization."""
    red = make_team(acme, "Red", acme.member)
    payroll = make_project(acme, "Payroll", red)
    group = make_group(acme, red, "Readers", Role.MEMBER, ([payroll], [acme.member]))
    invited = acme.world.invite(acme.slug, acme.owner, "mia@example.org")

    def of_umbra() -> dict[str, object]:
        here = db.session.scalars(select(Organization).where(Organization.slug == acme.other_slug)).one()
        member = db.session.scalars(select(Member).where(Member.organization_id == here.id)).one()
        team = Team(organization_id=here.id, name="Dark", slug="dark", sort_name="dark")
        project = Project(organization_id=here.id, name="Night", slug="night", sort_name="night")
        db.session.add_all([team, project])
        db.session.flush()
        group = AccessGroup(organization_id=here.id, team_id=team.id, name="x", name_key="x", level=Role.MEMBER)
        db.session.add(group)
        db.session.flush()
        return {
            "u_org": here.id,
            "u_team": team.id,
            "u_project": project.id,
            "u_project_name": project.sort_name,
            "u_group": group.id,
            "u_member": member.id,
            "u_member_name": member.sort_name,
        }

    org = acme.world.read(lambda: acme.organization().id)
    own = {"org": org, "team": red, "project": payroll, "group": group, "invitation": invited.id}
    return {**own, **acme.world.write(of_umbra)}


@pytest.mark.parametrize("which", ["org", "u_org"])
@pytest.mark.parametrize("statement", ACROSS.values(), ids=ACROSS)
def test_D02_no_row_ties_two_organizations(acme: Acme, numbers: dict[str, object], statement: str, which: str) -> None:
    asked = text(statement.replace("{org}", f":{which}"))
    with acme.unchanged(), pytest.raises(IntegrityError):
        acme.world.write(lambda: db.session.connection().execute(asked, {**numbers}))
