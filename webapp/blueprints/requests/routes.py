"""Suggesting somebody, and the tab Requests."""

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from webapp.access.decide import decide, grantable_roles
from webapp.access.roles import Scope
from webapp.blueprints.members.forms import RoleForm
from webapp.blueprints.requests import bp
from webapp.blueprints.requests.forms import AddressForm
from webapp.errors import DomainError
from webapp.http import typed
from webapp.http.again import WayBack
from webapp.http.days import day
from webapp.http.htmx import go, respond
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.http.settings import settings
from webapp.models import Invitation, Organization, Role
from webapp.models.member import last_day
from webapp.queries.counts import counts_of
from webapp.queries.requests import requests_of
from webapp.services import addresses, approvals, requests


@bp.get("/orgs/<org>/members/requests")
@access(Scope.REQUEST_APPROVE)
def index(organization: Organization) -> Response:
    """List the requests that wait for an answer."""
    form = RoleForm(grantable_roles(current_actor()), **typed.brought())
    return _list(organization, form, answered=request.args.get("answered", type=int))


@bp.post("/orgs/<org>/invitations/<int:invitation>/approve")
@access(Scope.REQUEST_APPROVE)
def approve(organization: Organization, invitation: Invitation) -> Response:
    """Invite whom a request is for."""
    form = RoleForm(grantable_roles(current_actor()))
    if not form.validate():
        return _list(organization, form, status=422, answered=invitation.id)
    try:
        is_invited = approvals.approve(current_actor(), organization, invitation, Role[form.role.data.upper()])
    except DomainError as error:
        form.show(error)
        here = url_for("requests.index", org=organization.slug)
        again_at = typed.way_back_from(error, form, here, answered=str(invitation.id))
        return _list(organization, form, status=error.status, answered=invitation.id, again_at=again_at)
    if is_invited:
        flash(_("%(email)s is invited.", email=invitation.email), "success")
    else:
        _say_why_not(organization, invitation)
    return go(url_for("requests.index", org=organization.slug))


def _say_why_not(organization: Organization, invitation: Invitation) -> None:
    """Say that whom a request is for has a membership, or had one until a day."""
    there, email = requests.member_with(organization, invitation.canonical), invitation.email
    if there is not None and there.expires_at is not None and there.has_ended:
        sentence = _(
            "The membership of %(email)s ended on %(day)s. It can be renewed on their own page; the request is closed.",
            email=email,
            day=day(last_day(there.expires_at)),
        )
    else:
        sentence = _("%(email)s is a member already, so the request is closed.", email=email)
    flash(sentence, "info")


@bp.post("/orgs/<org>/invitations/<int:invitation>/reject")
@access(Scope.REQUEST_APPROVE)
def reject(organization: Organization, invitation: Invitation) -> Response:
    """Close a request."""
    approvals.reject(current_actor(), organization, invitation)
    flash(_("The request for %(email)s is rejected.", email=invitation.email), "success")
    return go(url_for("requests.index", org=organization.slug))


@bp.get("/orgs/<org>/members/requests/new")
@access(Scope.MEMBER_READ)
def new(organization: Organization) -> Response:
    """Show the form to those who may not invite themselves."""
    if decide(current_actor(), Scope.MEMBER_INVITE, organization):
        return go(url_for("invites.new", org=organization.slug))
    return _suggestion(organization, AddressForm())


@bp.post("/orgs/<org>/members/requests/new")
@access(Scope.MEMBER_READ)
def create(organization: Organization) -> Response:
    """Ask that somebody be invited."""
    if decide(current_actor(), Scope.MEMBER_INVITE, organization):
        return go(url_for("invites.new", org=organization.slug, emails=request.form.get("email")))
    form = AddressForm()
    if not form.validate():
        return _suggestion(organization, form, status=422)
    try:
        requests.ask_to_invite(current_actor(), organization, addresses.parse(form.email.data))
    except DomainError as error:
        form.show(error)
        return _suggestion(organization, form, status=422)
    flash(_("%(email)s is suggested. Those who may approve it decide.", email=form.email.data.strip()), "success")
    return go(url_for("members.index", org=organization.slug))


def _list(
    organization: Organization,
    form: RoleForm,
    *,
    status: int = 200,
    answered: int | None = None,
    again_at: WayBack | None = None,
) -> Response:
    """Answer the tab; `answered` is the request that the form was about."""
    q, after = request.args.get("q", ""), request.args.get("after", "")
    return respond(
        "requests/index.html",
        {"panel": "requests/_requests.html", "results": "requests/_request_rows.html"},
        status=status,
        page=requests_of(organization, q=q, after=after),
        counts=counts_of(organization),
        form=form,
        answered=answered,
        again_at=again_at,
        base_url=settings().base_url,
        q=q,
        after=after,
    )


def _suggestion(organization: Organization, form: AddressForm, *, status: int = 200) -> Response:
    return respond(
        "requests/new.html",
        {"panel": "requests/_new.html"},
        status=status,
        form=form,
        counts=counts_of(organization),
    )
