"""Teams, projects and access groups of Acme, made by the services themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select

from tests.support.acme import Acme
from tests.support.worlds import Person
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import AccessGroup, Member, Organization, Project, Role, Team, TeamMember, TeamProject
from webapp.services import access_groups, projects, teams
from webapp.services.access_groups import Contents
from webapp.services.words import sort_key


def team(number: int) -> Team:
    """Return a team, within a transaction."""
    return db.session.get_one(Team, number)


def project(number: int) -> Project:
    """Return a project, within a transaction."""
    return db.session.get_one(Project, number)


def group(number: int) -> AccessGroup:
    """Return an access group, within a transaction."""
    return db.session.get_one(AccessGroup, number)


def memberships(organization: Organization, people: Sequence[Person]) -> list[Member]:
    """Return the memberships of people, within a transaction."""
    found = select(Member).where(Member.organization_id == organization.id)
    return list(db.session.scalars(found.where(Member.user_id.in_([person.user_id for person in people]))))


def make_team(acme: Acme, name: str, *people: Person, by: Person | None = None) -> int:
    """Make a team with these people, beside whoever makes it; return its id."""

    def make(actor: Actor, organization: Organization) -> int:
        made = teams.create(actor, organization, name)
        teams.put_in(actor, organization, made, memberships(organization, people))
        return made.id

    return int(acme.act(by or acme.owner, make))


def make_project(acme: Acme, name: str, of_team: int) -> int:
    """Make a project of a team; return its id."""
    return int(acme.act(acme.owner, lambda actor, here: projects.create(actor, here, team(of_team), name).id))


def give(acme: Acme, number: int, *owners: int) -> None:
    """Let exactly these teams own a project."""
    acme.act(acme.owner, lambda a, here: projects.set_teams(a, here, project(number), [team(one) for one in owners]))


def remove_team(acme: Acme, number: int) -> None:
    """Remove a team, once another owns what was its alone."""

    def remove(actor: Actor, here: Organization) -> None:
        heir = teams.create(actor, here, "Heir")
        for one in projects.owned_alone_by(team(number)):
            projects.set_teams(actor, here, one, [team(number), heir])
        teams.remove(actor, here, team(number))

    acme.act(acme.owner, remove)


def make_group(acme: Acme, of_team: int, name: str, level: Role, holds: tuple[Sequence[int], Sequence[Person]]) -> int:
    """Make an access group that holds projects, by id, and people; return its id."""

    def make(actor: Actor, organization: Organization) -> int:
        members = frozenset(member.id for member in memberships(organization, holds[1]))
        contents = Contents(name, level, frozenset(holds[0]), members)
        return access_groups.create(actor, organization, team(of_team), contents).id

    return int(acme.act(acme.owner, make))


@dataclass(frozen=True)
class Office:
    """Red owns Payroll and Rota, Blue owns Ledger; Red's group Readers holds Payroll and Otto, who is in no team.

    The owner belongs to both teams, the admin and the member to Red. Only owner and manager have global access.
    """

    acme: Acme
    red: int
    blue: int
    payroll: int
    rota: int
    ledger: int
    readers: int
    otto: Person

    def address(self, path: str) -> str:
        """Return an address within Red."""
        return self.acme.address(f"teams/red/{path}")


def furnish(acme: Acme) -> Office:
    """Make the teams of the office."""
    otto = acme.world.person("Otto Outside", "otto@example.com")
    acme.world.member(acme.slug, otto, Role.MEMBER)
    for person in (otto, acme.member, acme.admin):
        acme.change(person, has_global_access=False)
    red, blue = make_team(acme, "Red", acme.admin, acme.member), make_team(acme, "Blue")
    payroll, rota = make_project(acme, "Payroll", red), make_project(acme, "Rota", red)
    readers = make_group(acme, red, "Readers", Role.MEMBER, ([payroll], [otto]))
    return Office(acme, red, blue, payroll, rota, make_project(acme, "Ledger", blue), readers, otto)


def make_teams(acme: Acme, names: Sequence[str]) -> list[int]:
    """Write teams in bulk, with nobody in them; return their ids, in order."""

    def write(_actor: Actor, here: Organization) -> list[int]:
        rows = [
            {"organization_id": here.id, "name": name, "slug": f"made-{n}", "sort_name": sort_key(name)}
            for n, name in enumerate(names)
        ]
        return list(db.session.scalars(insert(Team).returning(Team.id, sort_by_parameter_order=True), rows))

    found: list[int] = acme.act(acme.owner, write)
    return found


def make_projects(acme: Acme, of_team: int, names: Sequence[str]) -> list[int]:
    """Write projects of a team in bulk; return their ids, in order."""

    def write(_actor: Actor, here: Organization) -> list[int]:
        rows = [
            {"organization_id": here.id, "name": name, "slug": f"made-{of_team}-{n}", "sort_name": sort_key(name)}
            for n, name in enumerate(names)
        ]
        made = list(db.session.scalars(insert(Project).returning(Project.id, sort_by_parameter_order=True), rows))
        of = {"organization_id": here.id, "team_id": of_team}
        ties = [{**of, "project_id": n, "sort_name": row["sort_name"]} for n, row in zip(made, rows, strict=True)]
        db.session.execute(insert(TeamProject), ties)
        return made

    found: list[int] = acme.act(acme.owner, write)
    return found


def fill(acme: Acme, of_team: int, numbers: Sequence[int]) -> None:
    """Write members, by the ids of their memberships, into a team in bulk."""

    def write(_actor: Actor, here: Organization) -> None:
        found = db.session.execute(select(Member.id, Member.sort_name).where(Member.id.in_(numbers)))
        of = {"organization_id": here.id, "team_id": of_team}
        db.session.execute(insert(TeamMember), [{**of, "member_id": n, "sort_name": name} for n, name in found])

    acme.act(acme.owner, write)
