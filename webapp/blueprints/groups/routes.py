"""The access groups of a team."""

from collections.abc import Sequence

from flask import Blueprint, Response, flash, request, url_for
from flask_babel import gettext as _

from webapp.access.decide import decide, grantable_roles
from webapp.access.roles import Scope
from webapp.access.sight import narrowed_to
from webapp.blueprints.groups.forms import GroupForm
from webapp.blueprints.teams.routes import tab
from webapp.errors import DomainError
from webapp.http.choices import is_search, picker
from webapp.http.confirmations import ConfirmForm, Preview, confirmation, is_turning_back
from webapp.http.htmx import go, in_place
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.http.stale import digest_of
from webapp.models import AccessGroup, Organization, Role, Team
from webapp.queries.choices import MOST_CHOICES, Holding, PersonChoice, held_by, projects_to_choose
from webapp.queries.impact import by_group
from webapp.queries.teams import groups_of
from webapp.services import access_groups
from webapp.services.audit import Event

bp = Blueprint("groups", __name__)


@bp.get("/orgs/<org>/teams/<team>/groups")
@access(Scope.TEAM_READ)
def index(organization: Organization, team: Team) -> Response:
    """List the access groups of a team."""
    return tab(team, "groups", groups=groups_of(team))


@bp.route("/orgs/<org>/teams/<team>/groups/new", methods=["GET", "POST"])
@access(Scope.GROUP_WRITE, finds=True)
def new(organization: Organization, team: Team) -> Response:
    """Make an access group."""
    form = _form(team, data={"level": Role.MEMBER.label} if request.method == "GET" else None)
    if not _is_sent() or not form.validate():
        return _page(organization, team, form, status=422 if _is_sent() else 200)
    try:
        made = access_groups.create(current_actor(), organization, team, form.contents())
    except DomainError as error:
        form.show(error)
        return _page(organization, team, form, status=422)
    flash(_("The access group %(group)s is ready.", group=made.name), "success")
    return go(url_for("groups.index", org=organization.slug, team=team.slug))


@bp.get("/orgs/<org>/teams/<team>/groups/<int:group>")
@access(Scope.TEAM_READ)
def show(organization: Organization, team: Team, group: AccessGroup) -> Response:
    """Show what an access group holds, to change it for those who may."""
    held = held_by(group)
    present = {"name": group.name, "level": group.level.label, "projects": held.projects, "members": held.members}
    form = _form(team, group, data={**present, "shown": _shown(group, held)})
    return _page(organization, team, form, group=group, known=held.people[:MOST_CHOICES])


@bp.post("/orgs/<org>/teams/<team>/groups/<int:group>")
@access(Scope.GROUP_WRITE, finds=True, turns_back=True, previews=True)
def update(organization: Organization, team: Team, group: AccessGroup) -> Response:
    """Change an access group; asks first where that takes something away."""
    form = _form(team, group)
    if not _is_sent() or not form.validate():
        return _page(organization, team, form, group=group, status=422 if _is_sent() else 200)
    if form.is_stale(_shown(group, held_by(group))):
        return in_place(_page(organization, team, form, group=group, status=409), "panel")
    try:
        return _ask_or_change(organization, team, group, form)
    except DomainError as error:
        form.show(error)
        return _page(organization, team, form, group=group, status=422)


def _ask_or_change(organization: Organization, team: Team, group: AccessGroup, form: GroupForm) -> Response:
    actor, confirm, wanted = current_actor(), ConfirmForm(), form.contents()
    affected = by_group(group, wanted.members, wanted.projects)
    preview = Preview(lambda: access_groups.change(actor, organization, group, wanted), affected)
    if preview.must_ask(confirm):
        said = {"section": "teams", "team": team, "group": group}
        return confirmation("groups/_change.html", confirm, preview=preview, carried=form.carried(), **said)
    with preview.noted(Event.GROUP_CHANGED):
        access_groups.change(actor, organization, group, wanted)
    flash(_("The access group %(group)s is changed.", group=group.name), "success")
    return go(url_for("groups.index", org=organization.slug, team=team.slug))


@bp.route("/orgs/<org>/teams/<team>/groups/<int:group>/remove", methods=["GET", "POST"])
@access(Scope.GROUP_WRITE, previews=True)
def remove(organization: Organization, team: Team, group: AccessGroup) -> Response:
    """Ask whether to remove an access group, say who loses what, then do it."""
    actor, form = current_actor(), ConfirmForm()
    preview = Preview(lambda: access_groups.remove(actor, organization, group), by_group(group))
    if not preview.is_confirmed(form):
        return confirmation("groups/_remove.html", form, preview=preview, section="teams", team=team, group=group)
    with preview.noted(Event.GROUP_REMOVED):
        access_groups.remove(actor, organization, group)
    flash(_("The access group %(group)s was removed.", group=group.name), "success")
    return go(url_for("groups.index", org=organization.slug, team=team.slug))


def _shown(group: AccessGroup, held: Holding) -> str:
    return digest_of(group.name, group.level.label, frozenset(held.projects), frozenset(held.members))


def _is_sent() -> bool:
    """Tell whether a form came to be stored, and not only for its search for people or to be filled in again."""
    return request.method == "POST" and not is_search() and not is_turning_back()


def _form(team: Team, group: AccessGroup | None = None, **kwargs: object) -> GroupForm:
    """Return the form with the levels the actor may give; the present one is shown where it is above them.

    Whoever may not know of a project of the team does not learn of it here.
    """
    actor = current_actor()
    levels = grantable_roles(actor)
    if group is not None and group.level not in levels and request.method == "GET":
        levels = [*levels, group.level]
    return GroupForm(levels, projects_to_choose(team, narrowed_to(actor, team), group), **kwargs)


def _page(
    organization: Organization,
    team: Team,
    form: GroupForm,
    *,
    group: AccessGroup | None = None,
    known: Sequence[PersonChoice] | None = None,
    status: int = 200,
) -> Response:
    """Answer the form; `known` are the people it has chosen, where they have been read already."""
    actor, chosen = current_actor(), form.members.data or []
    is_large = len(chosen) > MOST_CHOICES
    is_open = group is None or not (group.is_managed or is_large)
    may_write = decide(actor, Scope.GROUP_WRITE, team)
    return tab(
        team,
        "group",
        status=status,
        form=form,
        group=group,
        people=picker(organization, chosen[:MOST_CHOICES], known),
        is_large=is_large,
        may_change=is_open and may_write,
        may_write=may_write,
        is_removable=group is not None and access_groups.is_removable(group),
    )
