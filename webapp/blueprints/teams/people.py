"""Who belongs to a team."""

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.access.grants import shares_team
from webapp.access.roles import Scope
from webapp.blueprints.teams import bp
from webapp.blueprints.teams.forms import PeopleForm
from webapp.blueprints.teams.routes import tab
from webapp.errors import NotFound
from webapp.http.choices import is_search, picker
from webapp.http.confirmations import ConfirmForm, Preview, confirmation
from webapp.http.htmx import go
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import Member, Organization, Team
from webapp.queries.groups import is_in_groups_of
from webapp.queries.impact import by_people_of_team
from webapp.queries.members import person_of
from webapp.queries.people import members_among
from webapp.queries.teams import members_of
from webapp.services import teams
from webapp.services.audit import Event


@bp.get("/orgs/<org>/teams/<team>/members")
@access(Scope.TEAM_READ)
def members(organization: Organization, team: Team) -> Response:
    """List the members of a team."""
    return tab(team, "members", page=members_of(team, after=request.args.get("after", "")))


@bp.route("/orgs/<org>/teams/<team>/members/add", methods=["GET", "POST"])
@access(Scope.TEAM_WRITE, finds=True)
def add(organization: Organization, team: Team) -> Response:
    """Find members of the organization and add them to the team."""
    form, is_sent = PeopleForm(), request.method == "POST" and not is_search()
    chosen = members_among(organization, form.members.data or [])
    if not is_sent or not form.validate() or not chosen:
        if is_sent and not chosen:
            form.members.errors = [_("Choose at least one person.")]
        people = picker(organization, form.members.data or [])
        return tab(team, "add", status=422 if is_sent else 200, form=form, people=people)
    number = teams.add(current_actor(), organization, team, chosen)
    flash(ngettext("%(num)s member was added.", "%(num)s members were added.", number), "success")
    return go(url_for("teams.members", org=organization.slug, team=team.slug))


@bp.route("/orgs/<org>/teams/<team>/members/<int:member>/remove", methods=["GET", "POST"])
@access(Scope.TEAM_WRITE, previews=True)
def take_out(organization: Organization, team: Team, member: Member) -> Response:
    """Ask whether to take somebody out of a team, say what they lose, then do it."""
    if not shares_team(member, team):
        raise NotFound
    actor, form = current_actor(), ConfirmForm()
    preview = Preview(lambda: teams.take_out(actor, organization, team, [member]), by_people_of_team(team, [member]))
    person = person_of(member)
    if not preview.is_confirmed(form):
        said: dict[str, Any] = {"section": "teams", "team": team, "member": member, "person": person}
        said["is_in_groups"] = is_in_groups_of(team, member)
        return confirmation("teams/_take_out.html", form, preview=preview, **said)
    with preview.noted(Event.TEAM_MEMBER_REMOVED):
        teams.take_out(actor, organization, team, [member])
    flash(_("%(name)s does not belong to %(team)s any more.", name=person.name, team=team.name), "success")
    return go(url_for("teams.members", org=organization.slug, team=team.slug))
