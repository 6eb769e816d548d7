"""Projects: making, renaming, archiving and removing them, and which teams own them.

The caller holds the organization's lock.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.orm import aliased

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import decide, require, teams_with
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import N_, NameTaken, NotFound, ProjectArchived, ProjectNeedsTeam
from webapp.models import Organization, Project, Team, TeamProject
from webapp.services import access_groups, audit, powers, slugs
from webapp.services.audit import Event, Target
from webapp.services.slugs import PROJECT
from webapp.services.words import sort_key

MOST_NAMED = 10


def create(actor: Actor, organization: Organization, team: Team, name: str) -> Project:
    """Make a project of a team.

    Raises:
        NotFound, Forbidden: the actor may not.
        NameTaken: a project of the team is called so.
    """
    _require_of(organization, team)
    require(actor, Scope.PROJECT_CREATE, team)
    _require_new_name([team], name)
    slug = slugs.free_slug(PROJECT, name, organization)
    project = Project(organization_id=organization.id, name=name, slug=slug, sort_name=sort_key(name))
    db.session.add(project)
    db.session.flush()
    _give(project, [team])
    after = {**_named(project), "teams": [team.id]}
    audit.record(actor, Event.PROJECT_CREATED, target_of(project), organization=organization, after=after)
    return project


def rename(actor: Actor, organization: Organization, project: Project, name: str) -> bool:
    """Give a project another name; return whether it is another. The address it had leads to the new one.

    Raises:
        NotFound, Forbidden: the actor may not.
        NameTaken: another project of one of its teams is called so.
        ProjectArchived: it can only be read.
    """
    require_may_change(actor, organization, project)
    if name == project.name:
        return False
    _require_new_name(teams_of(project), name, project)
    before, target = _named(project), target_of(project)
    slugs.move(PROJECT, project, slugs.free_slug(PROJECT, name, organization, project.id))
    project.name, project.sort_name = name, sort_key(name)
    audit.record(actor, Event.PROJECT_CHANGED, target, organization=organization, before=before, after=_named(project))
    return True


def set_teams(actor: Actor, organization: Organization, project: Project, wanted: Sequence[Team]) -> bool:
    """Let exactly these teams own a project; return whether they are others. Access groups of the others lose it.

    Raises:
        NotFound: a team is none of the organization's.
        Forbidden: the actor may not, or not in one of the teams that come or go.
        GroupTooHigh: the level of an access group that would lose it is above the actor's role.
        Yourself: the actor belongs to one that comes, and would reach more by it.
        NameTaken: one that comes has a project called so.
        ProjectNeedsTeam: there are none.
        ProjectArchived: it can only be read.
    """
    require_may_change(actor, organization, project)
    if not wanted:
        raise ProjectNeedsTeam
    before = {team.id: team for team in teams_of(project)}
    after = {team.id: team for team in wanted}
    new, gone = [after[n] for n in after.keys() - before.keys()], [before[n] for n in before.keys() - after.keys()]
    for team in [*new, *gone]:
        _require_of(organization, team)
        require(actor, Scope.PROJECT_CREATE, team)
    if not new and not gone:
        return False
    _require_may_come(actor, project, new, list(before.values()))
    access_groups.take(actor, organization, access_groups.require_may_take(actor, project, gone), project)
    numbers = [team.id for team in gone]
    db.session.execute(
        delete(TeamProject).where(TeamProject.project_id == project.id, TeamProject.team_id.in_(numbers))
    )
    _give(project, new)
    change = {"before": {"teams": sorted(before)}, "after": {"teams": sorted(after)}}
    audit.record(actor, Event.PROJECT_CHANGED, target_of(project), organization=organization, **change)
    return True


def archive(actor: Actor, organization: Organization, project: Project) -> None:
    """Let a project be read only. Once is enough.

    Raises:
        NotFound, Forbidden: the actor may not.
        GroupTooHigh: the level of an access group that holds it is above the actor's role.
    """
    require_may_administer(actor, organization, project)
    if not project.is_archived:
        access_groups.require_may_take(actor, project)
        project.archived_at = clock.now()
        audit.record(actor, Event.PROJECT_ARCHIVED, target_of(project), organization=organization)


def unarchive(actor: Actor, organization: Organization, project: Project) -> None:
    """Let a project be written to again. Once is enough.

    Raises:
        NotFound, Forbidden: the actor may not.
    """
    require_may_administer(actor, organization, project)
    if project.is_archived:
        project.archived_at = None
        audit.record(actor, Event.PROJECT_UNARCHIVED, target_of(project), organization=organization)


def remove(actor: Actor, organization: Organization, project: Project) -> None:
    """Remove a project from all teams and access groups, and from the organization.

    Raises:
        NotFound, Forbidden: the actor may not.
        GroupTooHigh: the level of an access group that holds it is above the actor's role.
    """
    require_may_administer(actor, organization, project)
    access_groups.take(actor, organization, access_groups.require_may_take(actor, project), project)
    before = {**_named(project), "teams": sorted(team.id for team in teams_of(project))}
    target = target_of(project)
    slugs.retire(PROJECT, project)
    db.session.delete(project)
    db.session.flush()
    audit.record(actor, Event.PROJECT_REMOVED, target, organization=organization, before=before)


def require_may_administer(actor: Actor, organization: Organization, project: Project) -> None:
    """Go on only if the actor may change what a project is: by their role, or in every team that owns it.

    Raises:
        NotFound: the project is none of the organization's, or the actor is a stranger to it.
        Forbidden: a member without the right.
    """
    if project.organization_id != organization.id:
        raise NotFound
    owners = teams_of(project)
    if not may_administer(actor, project, owners):
        for owner in _deciding(project, owners):
            require(actor, Scope.PROJECT_CREATE, owner)


def may_administer(actor: Actor, project: Project, owners: Sequence[Team]) -> bool:
    """Tell whether the actor may change what a project is; `owners` are its teams."""
    if not owners:
        return decide(actor, Scope.PROJECT_CREATE, project)
    return len(teams_with(actor, Scope.PROJECT_CREATE, owners)) == len(owners)


def administered_by(actor: Actor, projects: Sequence[Project]) -> list[Project]:
    """Return those of some projects of which the actor may change what they are: a few statements for all of them."""
    owners: dict[int, list[Team]] = {project.id: [] for project in projects}
    found = select(TeamProject.project_id, Team).join(Team, Team.id == TeamProject.team_id)
    for number, team in db.session.execute(found.where(TeamProject.project_id.in_(owners))):
        owners[number].append(team)
    teams = list({team.id: team for of_one in owners.values() for team in of_one}.values())
    run: set[Team | Project] = set(teams_with(actor, Scope.PROJECT_CREATE, teams))
    run |= {one for one in projects if not owners[one.id] and decide(actor, Scope.PROJECT_CREATE, one)}
    return [one for one in projects if run.issuperset(_deciding(one, owners[one.id]))]


def _deciding(project: Project, owners: Sequence[Team]) -> Sequence[Team | Project]:
    """Return what one must be allowed to run: every team of a project; where it has none, managers decide."""
    return owners or [project]


def require_may_change(actor: Actor, organization: Organization, project: Project) -> None:
    """Go on only if the actor may change a project that is not archived.

    Raises:
        NotFound, Forbidden: the actor may not.
        ProjectArchived: it can only be read.
    """
    require_may_administer(actor, organization, project)
    if project.is_archived:
        raise ProjectArchived(name=project.name)


def teams_of(project: Project) -> Sequence[Team]:
    """Return the teams that own a project, by name."""
    owners = select(Team).join(TeamProject, TeamProject.team_id == Team.id)
    return db.session.scalars(
        owners.where(TeamProject.project_id == project.id).order_by(Team.sort_name, Team.id)
    ).all()


def called(organization: Organization, name: str) -> Sequence[Project]:
    """Return the projects that have a name, by slug, at most one more than MOST_NAMED: teams may share a name."""
    found = select(Project).where(Project.organization_id == organization.id, Project.name == name)
    return db.session.scalars(found.order_by(Project.slug).limit(MOST_NAMED + 1)).all()


def owned_alone_by(team: Team) -> Sequence[Project]:
    """Return the projects that no other team owns, by name; at most one more than MOST_NAMED."""
    other = aliased(TeamProject)
    found = select(Project).join(TeamProject, TeamProject.project_id == Project.id)
    found = found.where(
        TeamProject.team_id == team.id,
        ~exists().where(other.project_id == TeamProject.project_id, other.team_id != team.id),
    )
    ordered = found.order_by(TeamProject.sort_name, TeamProject.project_id)
    return db.session.scalars(ordered.limit(MOST_NAMED + 1)).all()


def target_of(project: Project) -> Target:
    """Return a project as the audit log names it."""
    return Target("project", project.id, project.name)


def _require_new_name(owners: Sequence[Team], name: str, own: Project | None = None) -> None:
    of_teams = (TeamProject.team_id.in_([team.id for team in owners]), TeamProject.sort_name == sort_key(name))
    others = TeamProject.project_id.is_distinct_from(own.id if own else None)
    if db.session.scalar(select(exists().where(*of_teams, others))):
        raise NameTaken(name=name)


def _require_may_come(actor: Actor, project: Project, new: Sequence[Team], owners: Sequence[Team]) -> None:
    called_so = (TeamProject.team_id.in_([team.id for team in new]), TeamProject.sort_name == project.sort_name)
    if db.session.scalar(select(exists().where(*called_so))):
        raise NameTaken(
            N_("A team you chose has a project called %(name)s already. Rename one of them first."),
            field="teams",
            name=project.name,
        )
    if powers.lacks(actor, *owners) and not powers.lacks(actor, *new):
        raise powers.own_gain()


def _named(project: Project) -> dict[str, Any]:
    return {"name": project.name, "slug": project.slug}


def _require_of(organization: Organization, team: Team) -> None:
    if team.organization_id != organization.id:
        raise NotFound


def _give(project: Project, owners: Sequence[Team]) -> None:
    of_project = {
        "organization_id": project.organization_id,
        "project_id": project.id,
        "sort_name": project.sort_name,
    }
    if owners:
        db.session.execute(insert(TeamProject), [{**of_project, "team_id": team.id} for team in owners])
