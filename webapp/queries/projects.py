"""Projects to choose from."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, case, exists, select
from sqlalchemy.orm import aliased

from webapp.access.actor import Actor
from webapp.access.sight import runs_every_project
from webapp.db import db
from webapp.models import Member, Organization, Project, Team, TeamMember, TeamProject
from webapp.queries.choices import MOST_CHOICES
from webapp.services import projects


def addable_to(actor: Actor, organization: Organization, team: Team) -> Sequence[Project]:
    """Return the projects that a team does not own and somebody may give it, by name; looks at most at MOST_CHOICES.

    For somebody without the right everywhere it looks at those of their own teams first.
    """
    owner = aliased(TeamProject)
    found = select(Project).where(
        Project.organization_id == organization.id,
        Project.archived_at.is_(None),
        ~exists().where(owner.team_id == team.id, owner.project_id == Project.id),
    )
    if actor.member is not None and not runs_every_project(actor, organization):
        found = found.order_by(case((_is_of_teams_of(actor.member), 0), else_=1))
    ordered = found.order_by(Project.sort_name, Project.id)
    return projects.administered_by(actor, db.session.scalars(ordered.limit(MOST_CHOICES)).all())


def _is_of_teams_of(member: Member) -> ColumnElement[bool]:
    owned, theirs = TeamProject.project_id == Project.id, TeamMember.member_id == member.id
    return exists().where(owned, theirs, TeamMember.team_id == TeamProject.team_id)
