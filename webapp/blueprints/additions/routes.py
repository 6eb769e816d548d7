"""The tab "Add an existing user"."""

from flask import Blueprint, Response, flash, request, url_for
from flask_babel import gettext as _

from webapp.access.decide import grantable_roles
from webapp.access.roles import Scope
from webapp.blueprints.additions.forms import AddForm
from webapp.blueprints.members.membership import address_of, say_if_ended
from webapp.errors import DomainError, NobodyToAdd
from webapp.http import typed
from webapp.http.again import WayBack
from webapp.http.days import day
from webapp.http.htmx import go, respond
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import Organization
from webapp.models.member import last_day
from webapp.queries.counts import counts_of
from webapp.queries.giveable import giveable_by
from webapp.services import additions, addresses

bp = Blueprint("additions", __name__)


@bp.get("/orgs/<org>/members/add")
@access(Scope.MEMBER_ADD)
def new(organization: Organization) -> Response:
    """Show the form."""
    return _page(organization, _form(organization, data={}, **typed.brought()))


@bp.post("/orgs/<org>/members/add")
@access(Scope.MEMBER_ADD)
def create(organization: Organization) -> Response:
    """Make the user with the address a member at once."""
    form = _form(organization)
    if not form.validate():
        return _page(organization, form, status=422)
    try:
        member = additions.add(current_actor(), organization, addresses.parse(form.email.data), form.terms())
    except DomainError as error:
        form.show(error)
        again_at = typed.way_back_from(error, form, request.path)
        is_nobody = isinstance(error, NobodyToAdd)
        return _page(organization, form, status=error.status, may_be_invited=is_nobody, again_at=again_at)
    flash(_("%(email)s is a member now.", email=form.email.data.strip()), "success")
    if say_if_ended(member):
        return go(address_of(organization, member))
    if member.expires_at:
        flash(_("Their membership ends on %(day)s.", day=day(last_day(member.expires_at))))
    return go(url_for("members.index", org=organization.slug))


def _form(organization: Organization, data: dict[str, object] | None = None, **kwargs: object) -> AddForm:
    actor = current_actor()
    return AddForm(grantable_roles(actor), giveable_by(actor, organization), data, **kwargs)


def _page(
    organization: Organization,
    form: AddForm,
    *,
    status: int = 200,
    may_be_invited: bool = False,
    again_at: WayBack | None = None,
) -> Response:
    return respond(
        "additions/new.html",
        {"panel": "additions/_new.html"},
        status=status,
        form=form,
        counts=counts_of(organization),
        may_be_invited=may_be_invited,
        again_at=again_at,
    )
