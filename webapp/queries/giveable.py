"""What somebody may give to others beside a role, to choose from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, exists, literal, select

from webapp.access.actor import Actor
from webapp.access.decide import may_give_every_project, teams_with
from webapp.access.roles import Scope
from webapp.db import db
from webapp.models import AccessGroup, Organization, Project, Team, TeamProject
from webapp.queries.choices import MOST_CHOICES, has_member
from webapp.services import giving


@dataclass(frozen=True)
class Giveable:
    """Whether global access may be given; teams and access groups by id and name, a group's after that of its team."""

    every_project: bool
    teams: Sequence[tuple[int, str]]
    groups: Sequence[tuple[int, str]]


def giveable_by(actor: Actor, organization: Organization) -> Giveable:
    """Return what somebody may give: their own teams first, then the others, by name; looks at most at MOST_CHOICES."""
    found = select(Team).where(Team.organization_id == organization.id).order_by(*_order(actor))
    teams = db.session.scalars(found.limit(MOST_CHOICES)).all()
    if not teams:
        return Giveable(may_give_every_project(actor), [], [])
    writable = [(team.id, team.name) for team in teams_with(actor, Scope.TEAM_WRITE, teams)]
    return Giveable(may_give_every_project(actor), writable, _groups(actor, organization))


def teams_to_own(actor: Actor, organization: Organization, project: Project) -> Sequence[tuple[int, str, bool]]:
    """Return the teams that somebody may let own a project: id, name, and whether it does; those that do first.

    It looks at most at MOST_CHOICES.
    """
    owns = exists().where(TeamProject.team_id == Team.id, TeamProject.project_id == project.id)
    found = select(Team, owns).where(Team.organization_id == organization.id)
    found = found.order_by(case((owns, 0), else_=1), *_order(actor)).limit(MOST_CHOICES)
    is_owner = {team: is_owner for team, is_owner in db.session.execute(found)}
    return [(team.id, team.name, is_owner[team]) for team in teams_with(actor, Scope.PROJECT_CREATE, list(is_owner))]


def _groups(actor: Actor, organization: Organization) -> list[tuple[int, str]]:
    found = select(AccessGroup, Team).join(Team, Team.id == AccessGroup.team_id)
    found = found.where(AccessGroup.organization_id == organization.id, AccessGroup.source.is_(None))
    found = found.order_by(*_order(actor), AccessGroup.name_key).limit(MOST_CHOICES)
    team_of = {group: team for group, team in db.session.execute(found)}
    given = giving.groups_given_by(actor, list(team_of), list(dict.fromkeys(team_of.values())))
    return [(group.id, f"{team_of[group].name}: {group.name}") for group in given]


def _order(actor: Actor) -> tuple[Any, ...]:
    own = literal(False) if actor.member is None else has_member(actor.member)
    return (case((own, 0), else_=1), Team.sort_name, Team.id)
