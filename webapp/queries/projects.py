"""Projects to choose from."""

from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from webapp.access.roles import LOWEST_ROLE, Scope
from webapp.db import db
from webapp.models import Member, Project, Team, TeamMember, TeamProject
from webapp.queries.choices import MOST_CHOICES


def addable_to(team: Team, member: Member | None) -> Sequence[Project]:
    """Return the projects that a team does not own and somebody may give it, by name, at most MOST_CHOICES.

    Args:
        team: the team.
        member: who gives: somebody without the right everywhere gives projects of their own teams.
    """
    owners, theirs = aliased(TeamProject), aliased(TeamProject)
    found = select(Project).where(
        Project.organization_id == team.organization_id,
        Project.archived_at.is_(None),
        ~exists().where(owners.team_id == team.id, owners.project_id == Project.id),
    )
    if member is not None and member.role < LOWEST_ROLE[Scope.PROJECT_CREATE]:
        mine = TeamMember.team_id == theirs.team_id
        found = found.where(exists().where(theirs.project_id == Project.id, mine, TeamMember.member_id == member.id))
    return db.session.scalars(found.order_by(Project.sort_name, Project.id).limit(MOST_CHOICES)).all()
