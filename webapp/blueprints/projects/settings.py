"""Renaming, archiving and removing a project, and which teams own it."""

from flask import Response, flash, url_for
from flask_babel import gettext as _

from webapp.access.roles import LOWEST_LEVEL, Scope
from webapp.blueprints.projects import bp
from webapp.blueprints.projects.forms import ProjectForm
from webapp.errors import DomainError
from webapp.http.choices import chosen_in
from webapp.http.confirmations import ConfirmForm, Preview, confirmation, is_turning_back
from webapp.http.htmx import go, in_place, respond
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.http.stale import digest_of
from webapp.models import Organization, Project
from webapp.queries.giveable import teams_to_own
from webapp.queries.impact import by_project, by_teams_of_project
from webapp.services import projects, restriction
from webapp.services.audit import Event

FIRST_ABOVE_READING = LOWEST_LEVEL[Scope.PROJECT_WRITE]


@bp.get("/orgs/<org>/projects/<project>/settings")
@access(Scope.PROJECT_CREATE)
def settings(organization: Organization, project: Project) -> Response:
    """Show what can be changed."""
    projects.require_may_administer(current_actor(), organization, project)
    teams = teams_to_own(current_actor(), organization, project)
    owners = [number for number, _name, is_owner in teams if is_owner]
    present = {"name": project.name, "teams": owners, "shown": _shown(project)}
    return _page(project, ProjectForm([(number, name) for number, name, _is_owner in teams], data=present))


@bp.post("/orgs/<org>/projects/<project>/settings")
@access(Scope.PROJECT_CREATE, turns_back=True, previews=True)
def update(organization: Organization, project: Project) -> Response:
    """Rename a project, and change which teams own it; asks first where that takes something away."""
    projects.require_may_administer(current_actor(), organization, project)
    teams = teams_to_own(current_actor(), organization, project)
    form = ProjectForm([(number, name) for number, name, _is_owner in teams])
    if is_turning_back():
        return _page(project, form)
    if not form.validate():
        return _page(project, form, status=422)
    if form.is_stale(_shown(project)):
        return in_place(_page(project, form, status=409), "panel")
    try:
        return _ask_or_change(organization, project, form)
    except DomainError as error:
        form.show(error)
        return _page(project, form, status=422)


def _ask_or_change(organization: Organization, project: Project, form: ProjectForm) -> Response:
    actor, confirm = current_actor(), ConfirmForm()
    wanted = chosen_in(form.teams, [team.id for team in projects.teams_of(project)])

    def change() -> None:
        projects.set_teams(actor, organization, project, restriction.teams_among(organization, wanted))
        projects.rename(actor, organization, project, form.name.data)

    preview = Preview(change, by_teams_of_project(project, sorted(wanted)))
    if preview.must_ask(confirm):
        said = {"section": "projects", "project": project}
        return confirmation("projects/_change.html", confirm, preview=preview, carried=form.carried(), **said)
    with preview.noted(Event.PROJECT_CHANGED):
        change()
    flash(_("The project is changed."), "success")
    return go(address_of(organization, project))


@bp.route("/orgs/<org>/projects/<project>/archive", methods=["GET", "POST"])
@access(Scope.PROJECT_CREATE, previews=True)
def archive(organization: Organization, project: Project) -> Response:
    """Ask whether a project shall be read only, say for whom it was more than that, then do it."""
    actor, form = current_actor(), ConfirmForm()
    projects.require_may_administer(actor, organization, project)
    preview = Preview(lambda: projects.archive(actor, organization, project), by_project(project, FIRST_ABOVE_READING))
    if not preview.is_confirmed(form):
        return confirmation("projects/_archive.html", form, preview=preview, section="projects", project=project)
    with preview.noted(Event.PROJECT_ARCHIVED):
        projects.archive(actor, organization, project)
    flash(_("%(project)s is archived: it can be read, and nothing else.", project=project.name), "success")
    return go(address_of(organization, project))


@bp.post("/orgs/<org>/projects/<project>/unarchive")
@access(Scope.PROJECT_CREATE)
def unarchive(organization: Organization, project: Project) -> Response:
    """Let a project be written to again."""
    projects.unarchive(current_actor(), organization, project)
    flash(_("%(project)s is not archived any more.", project=project.name), "success")
    return go(address_of(organization, project))


@bp.route("/orgs/<org>/projects/<project>/remove", methods=["GET", "POST"])
@access(Scope.PROJECT_CREATE, previews=True)
def remove(organization: Organization, project: Project) -> Response:
    """Ask whether to remove a project, say who loses what, then do it."""
    actor, form = current_actor(), ConfirmForm()
    projects.require_may_administer(actor, organization, project)
    preview = Preview(lambda: projects.remove(actor, organization, project), by_project(project))
    if not preview.is_confirmed(form):
        return confirmation("projects/_remove.html", form, preview=preview, section="projects", project=project)
    with preview.noted(Event.PROJECT_REMOVED):
        projects.remove(actor, organization, project)
    flash(_("The project %(project)s was removed.", project=project.name), "success")
    return go(url_for("projects.index", org=organization.slug))


def address_of(organization: Organization, project: Project) -> str:
    """Return the address of a project's page."""
    return url_for("projects.show", org=organization.slug, project=project.slug)


def _shown(project: Project) -> str:
    return digest_of(project.name, frozenset(team.id for team in projects.teams_of(project)))


def _page(project: Project, form: ProjectForm, *, status: int = 200) -> Response:
    fragments = {"panel": "projects/_settings.html"}
    return respond("projects/settings.html", fragments, status=status, project=project, form=form)
