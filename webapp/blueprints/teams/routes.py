"""The teams of an organization, and the settings of one."""

from collections.abc import Sequence

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from webapp.access.roles import Scope
from webapp.access.sight import knows_every_project, narrowed_to
from webapp.blueprints.teams import bp
from webapp.blueprints.teams.forms import RemoveTeamForm, TeamForm
from webapp.errors import DomainError
from webapp.http.confirmations import Preview, confirmation
from webapp.http.htmx import go, respond
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import Organization, Project, Team
from webapp.queries.impact import by_team
from webapp.queries.teams import counts_of, projects_in, teams_of
from webapp.services import projects as projects_service
from webapp.services import teams
from webapp.services.audit import Event


@bp.get("/orgs/<org>/teams")
@access(Scope.TEAM_READ)
def index(organization: Organization) -> Response:
    """List the teams, with the numbers of their projects where the viewer may know of all of them."""
    actor, after = current_actor(), request.args.get("after", "")
    sees_all = knows_every_project(actor, organization)
    page = teams_of(organization, actor.member, after=after)
    return respond("teams/index.html", {"panel": "teams/_teams.html"}, page=page, sees_all=sees_all)


@bp.route("/orgs/<org>/teams/new", methods=["GET", "POST"])
@access(Scope.TEAM_CREATE)
def new(organization: Organization) -> Response:
    """Make a team, to which whoever makes it belongs."""
    form = TeamForm()
    if not form.validate_on_submit():
        return respond("teams/new.html", {"panel": "teams/_new.html"}, status=status_of(form), form=form)
    try:
        team = teams.create(current_actor(), organization, form.name.data)
    except DomainError as error:
        form.show(error)
        return respond("teams/new.html", {"panel": "teams/_new.html"}, status=422, form=form)
    flash(_("The team %(team)s is ready. Add its projects and its members.", team=team.name), "success")
    return go(address_of(organization, team))


@bp.get("/orgs/<org>/teams/<team>/")
@access(Scope.TEAM_READ)
def start(organization: Organization, team: Team) -> Response:
    """Go to the first tab."""
    return go(address_of(organization, team))


@bp.get("/orgs/<org>/teams/<team>/projects")
@access(Scope.TEAM_READ)
def projects(organization: Organization, team: Team) -> Response:
    """List the projects of a team that the viewer may know of."""
    member = narrowed_to(current_actor(), team)
    page = projects_in(team, member, after=request.args.get("after", ""))
    return tab(team, "projects", sees_all=member is None, page=page)


@bp.route("/orgs/<org>/teams/<team>/settings", methods=["GET", "POST"])
@access(Scope.TEAM_WRITE)
def settings(organization: Organization, team: Team) -> Response:
    """Rename a team."""
    form = TeamForm(data=None if request.method == "POST" else {"name": team.name})
    if not form.validate_on_submit():
        return tab(team, "settings", status=status_of(form), form=form)
    try:
        if teams.rename(current_actor(), organization, team, form.name.data):
            flash(_("The team is called %(team)s now.", team=team.name), "success")
    except DomainError as error:
        form.show(error)
        return tab(team, "settings", status=422, form=form)
    return go(url_for("teams.settings", org=organization.slug, team=team.slug))


@bp.route("/orgs/<org>/teams/<team>/remove", methods=["GET", "POST"])
@access(Scope.TEAM_WRITE, previews=True)
def remove(organization: Organization, team: Team) -> Response:
    """Ask whether to remove a team, say who loses what, then do it; where it cannot be, say so before."""
    alone = projects_service.owned_alone_by(team) if request.method != "POST" else ()
    if alone:
        return _not_yet(team, alone)
    actor, form = current_actor(), RemoveTeamForm(team.name)
    preview = Preview(lambda: teams.remove(actor, organization, team), by_team(team))
    if not preview.is_confirmed(form):
        return confirmation("teams/_remove.html", form, preview=preview, section="teams", team=team)
    with preview.noted(Event.TEAM_REMOVED):
        teams.remove(actor, organization, team)
    flash(_("The team %(team)s was removed.", team=team.name), "success")
    return go(url_for("teams.index", org=organization.slug))


def _not_yet(team: Team, alone: Sequence[Project]) -> Response:
    """Say which projects belong to a team alone, so that it cannot be removed."""
    fragment, most = "teams/_not_yet.html", projects_service.MOST_NAMED
    return respond(
        "layout/confirm.html",
        {"panel": fragment},
        fragment=fragment,
        section="teams",
        team=team,
        projects=alone[:most],
        has_more=len(alone) > most,
    )


def tab(team: Team, name: str, *, status: int = 200, sees_all: bool | None = None, **context: object) -> Response:
    """Show a tab of a team; how many projects it owns only to those who may know of all of them."""
    sees_all = knows_every_project(current_actor(), team) if sees_all is None else sees_all
    fragments = {"panel": f"teams/_{name}.html"}
    said = {"counts": counts_of(team), "sees_all": sees_all, "fragment": fragments["panel"]}
    return respond("teams/tab.html", fragments, status=status, team=team, current=name, **said, **context)


def status_of(form: TeamForm) -> int:
    """Return the status of a page with a form that was not sent, or not as it should be."""
    return 422 if form.is_submitted() else 200


def address_of(organization: Organization, team: Team) -> str:
    """Return the address of a team's first tab."""
    return url_for("teams.projects", org=organization.slug, team=team.slug)
