"""What somebody may give to others beside a role, to choose from."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, case, exists, select

from webapp.access.actor import Actor
from webapp.access.decide import may_give_global_access, teams_with
from webapp.access.roles import Scope
from webapp.db import Id, db
from webapp.models import AccessGroup, Organization, Project, Team, TeamProject
from webapp.queries.choices import MOST_CHOICES, has_member
from webapp.services import giving


@dataclass(frozen=True)
class Giveable:
    """Whether global access may be given; teams and access groups by id and name, a group's after that of its team."""

    global_access: bool
    teams: Sequence[tuple[int, str]]
    groups: Sequence[tuple[int, str]]


def giveable_by(actor: Actor, organization: Organization) -> Giveable:
    """Return what somebody may give: their own teams first, then the others, by name; looks at most at MOST_CHOICES."""
    rows = db.session.execute(_TEAMS, _asked(actor, organization)).all()
    if not rows:
        return Giveable(may_give_global_access(actor), [], [])
    teams, own = [team for team, _is_own in rows], {team.id for team, is_own in rows if is_own}
    writable = [(team.id, team.name) for team in teams_with(actor, Scope.TEAM_WRITE, teams, own)]
    return Giveable(may_give_global_access(actor), writable, _groups(actor, organization))


def teams_to_own(actor: Actor, organization: Organization, project: Project) -> Sequence[tuple[int, str, bool]]:
    """Return the teams that somebody may let own a project: id, name, and whether it does; those that do first.

    It looks at most at MOST_CHOICES.
    """
    rows = db.session.execute(_TEAMS_TO_OWN, {**_asked(actor, organization), "project_id": project.id}).all()
    is_owner = {team: is_owner for team, _is_own, is_owner in rows}
    own = {team.id for team, is_own, _is_owner in rows if is_own}
    given = teams_with(actor, Scope.PROJECT_CREATE, list(is_owner), own)
    return [(team.id, team.name, is_owner[team]) for team in given]


def _groups(actor: Actor, organization: Organization) -> list[tuple[int, str]]:
    rows = db.session.execute(_GROUPS, _asked(actor, organization)).all()
    team_of = {group: team for group, team, _is_own in rows}
    own = {team.id for _group, team, is_own in rows if is_own}
    given = giving.groups_given_by(actor, list(team_of), list(dict.fromkeys(team_of.values())), own)
    return [(group.id, f"{team_of[group].name}: {group.name}") for group in given]


def _asked(actor: Actor, organization: Organization) -> dict[str, int | None]:
    return {"organization_id": organization.id, "member_id": actor.member.id if actor.member else None}


_HERE = bindparam("organization_id", type_=Id)
_IS_OWN = has_member(bindparam("member_id", type_=Id))
_OWN_FIRST = (case((_IS_OWN, 0), else_=1), Team.sort_name, Team.id)
_OWNS = exists().where(TeamProject.team_id == Team.id, TeamProject.project_id == bindparam("project_id", type_=Id))
_TEAMS = select(Team, _IS_OWN).where(Team.organization_id == _HERE).order_by(*_OWN_FIRST).limit(MOST_CHOICES)
_TEAMS_TO_OWN = (
    select(Team, _IS_OWN, _OWNS)
    .where(Team.organization_id == _HERE)
    .order_by(case((_OWNS, 0), else_=1), *_OWN_FIRST)
    .limit(MOST_CHOICES)
)
_GROUPS = (
    select(AccessGroup, Team, _IS_OWN)
    .join(Team, Team.id == AccessGroup.team_id)
    .where(AccessGroup.organization_id == _HERE, AccessGroup.source.is_(None))
    .order_by(*_OWN_FIRST, AccessGroup.name_key)
    .limit(MOST_CHOICES)
)
