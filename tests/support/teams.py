"""Teams, projects and access groups of Acme, made by the services themselves."""

from collections.abc import Sequence

from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.worlds import Person
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import AccessGroup, Member, Organization, Project, Role, Team
from webapp.services import access_groups, projects, teams
from webapp.services.access_groups import Contents


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


def make_group(acme: Acme, of_team: int, name: str, level: Role, holds: tuple[Sequence[int], Sequence[Person]]) -> int:
    """Make an access group that holds projects, by id, and people; return its id."""

    def make(actor: Actor, organization: Organization) -> int:
        members = frozenset(member.id for member in memberships(organization, holds[1]))
        contents = Contents(name, level, frozenset(holds[0]), members)
        return access_groups.create(actor, organization, team(of_team), contents).id

    return int(acme.act(acme.owner, make))
