"""The projects of an organization, and who can open one."""

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from webapp.access.grants import KINDS
from webapp.access.roles import Scope
from webapp.access.sight import runs_every_project
from webapp.blueprints.projects import bp
from webapp.blueprints.projects.forms import AddProjectForm, NewProjectForm
from webapp.blueprints.teams.routes import tab
from webapp.errors import N_, DomainError, NotFound
from webapp.http.htmx import go, respond
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import Organization, Project, Role, Team
from webapp.queries import reach
from webapp.queries.page import Page
from webapp.queries.projects import addable_to
from webapp.queries.reach import WantedPeople
from webapp.queries.teams import projects_of
from webapp.services import projects

LEVELS = {role.label: role for role in Role}


@bp.get("/orgs/<org>/projects")
@access(Scope.ORG_READ)
def index(organization: Organization) -> Response:
    """List the projects: all for those who manage them, and what they can open for everybody else."""
    actor, after = current_actor(), request.args.get("after", "")
    sees_all = runs_every_project(actor, organization)
    page: Page[Any]
    if sees_all or actor.member is None:
        page = projects_of(organization, after=after)
    else:
        page = reach.projects_of(actor.member, after=after)
    return respond("projects/index.html", {"panel": "projects/_projects.html"}, page=page, sees_all=sees_all)


@bp.get("/orgs/<org>/projects/<project>")
@access(Scope.ORG_READ)
def show(organization: Organization, project: Project) -> Response:
    """List everybody who can open a project, with the level and why."""
    asked = {name: request.args.get(name, "") for name in ("level", "kind")}
    owners = projects.teams_of(project)
    q, after, which = request.args.get("q", ""), request.args.get("after", ""), _wanted(**asked)
    is_search = bool(q.strip())
    page = reach.people_found(project, q, after=after) if is_search else reach.people_of(project, which, after=after)
    return respond(
        "projects/show.html",
        {"panel": "projects/_show.html"},
        project=project,
        teams=owners,
        page=page,
        q=q,
        may_change=projects.may_administer(current_actor(), project, owners),
        kinds=KINDS,
        roles=Role,
        asked={"q": q} if is_search else {name: value or None for name, value in asked.items()},
    )


def _wanted(level: str, kind: str) -> WantedPeople:
    if kind not in ("", *KINDS) or level not in ("", *LEVELS):
        raise NotFound(N_("There is no such list of people. Go back to all of them."))
    return WantedPeople((kind,) if kind else KINDS, LEVELS[level] if level else None)


@bp.route("/orgs/<org>/teams/<team>/projects/new", methods=["GET", "POST"])
@access(Scope.PROJECT_CREATE)
def new(organization: Organization, team: Team) -> Response:
    """Make a project of a team."""
    form = NewProjectForm()
    if not form.validate_on_submit():
        return tab(team, "new_project", status=422 if form.is_submitted() else 200, form=form)
    try:
        made = projects.create(current_actor(), organization, team, form.name.data)
    except DomainError as error:
        form.show(error)
        return tab(team, "new_project", status=422, form=form)
    flash(_("The project %(project)s is ready.", project=made.name), "success")
    return go(url_for("teams.projects", org=organization.slug, team=team.slug))


@bp.route("/orgs/<org>/teams/<team>/projects/add", methods=["GET", "POST"])
@access(Scope.PROJECT_CREATE)
def add(organization: Organization, team: Team) -> Response:
    """Let a team own a project that others own already."""
    actor = current_actor()
    choices = addable_to(actor, organization, team)
    form = AddProjectForm([(row.id, row.name) for row in choices])
    if not form.validate_on_submit():
        return tab(team, "add_project", status=422 if form.is_submitted() else 200, form=form, choices=choices)
    [project] = [row for row in choices if row.id == form.project.data]
    projects.set_teams(actor, organization, project, [*projects.teams_of(project), team])
    flash(_("%(project)s belongs to %(team)s too.", project=project.name, team=team.name), "success")
    return go(url_for("teams.projects", org=organization.slug, team=team.slug))
