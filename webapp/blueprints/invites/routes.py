"""Inviting people, for those who may."""

import re

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.access.decide import grantable_roles
from webapp.access.roles import Scope
from webapp.blueprints.invites import bp
from webapp.blueprints.invites.forms import InviteForm
from webapp.blueprints.invites.outcomes import OutcomeRow, described
from webapp.errors import DomainError
from webapp.http import typed
from webapp.http.again import WayBack
from webapp.http.choices import CHOSEN
from webapp.http.htmx import go, respond
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.http.settings import settings
from webapp.models import Organization
from webapp.queries.counts import counts_of
from webapp.queries.giveable import giveable_by
from webapp.services import invitation_batches
from webapp.services.invitation_batches import Outcome, Result


@bp.get("/orgs/<org>/members/new")
@access(Scope.MEMBER_INVITE)
def new(organization: Organization) -> Response:
    """Show the form, and after sending it what happened to each address."""
    outcomes = invitation_batches.batch_of(current_actor(), organization, request.args.get("batch", 0, type=_id))
    form = _form(organization, data=_defaults(organization, outcomes), **typed.brought())
    return _page(organization, form, described(outcomes))


@bp.post("/orgs/<org>/members/new")
@access(Scope.MEMBER_INVITE)
def create(organization: Organization) -> Response:
    """Invite every address that can be invited."""
    form = _form(organization)
    if not form.validate():
        return _page(organization, form, [], status=422)
    try:
        given, own_domain = (form.emails.data, form.offer()), settings().mail_domain
        outcomes, batch = invitation_batches.invite_all(current_actor(), organization, *given, own_domain)
    except DomainError as error:
        form.show(error)
        again_at = typed.way_back_from(error, form, request.path)
        return _page(organization, form, [], status=error.status, again_at=again_at)
    sent = sum(outcome.result is Result.INVITED for outcome in outcomes)
    if not sent:
        form.emails.errors.append(_("None of these addresses was invited. Nothing was sent."))
        return _page(organization, form, described(outcomes), status=422)
    flash(ngettext("%(num)d person is invited.", "%(num)d people are invited.", sent), "success")
    if _left_in(outcomes):
        return go(typed.filled(form, request.path, without=form.emails.name, batch=str(batch)))
    return go(url_for("invites.new", org=organization.slug, batch=batch))


def _form(organization: Organization, data: dict[str, object] | None = None, **kwargs: object) -> InviteForm:
    actor = current_actor()
    return InviteForm(grantable_roles(actor), giveable_by(actor, organization), data, **kwargs)


def _id(text: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", text):
        raise ValueError
    return int(text)


def _left_in(outcomes: list[Outcome]) -> list[str]:
    """Return the addresses to be corrected, or sent another day."""
    return [outcome.address for outcome in outcomes if outcome.result in (Result.MALFORMED, Result.LIMITED)]


def _defaults(organization: Organization, outcomes: list[Outcome]) -> dict[str, object]:
    """Return what a form starts with: one for addresses that are left gives no project, as what was chosen may be lost.

    What was chosen is laid over it where it is known.
    """
    left = _left_in(outcomes)
    narrow = {"has_global_access": CHOSEN} if left else {}
    return {
        "emails": "\n".join(left) or request.args.get("emails", ""),
        "lifetime_days": organization.invitation_lifetime_days,
        **narrow,
    }


def _page(
    organization: Organization,
    form: InviteForm,
    outcomes: list[OutcomeRow],
    *,
    status: int = 200,
    again_at: WayBack | None = None,
) -> Response:
    return respond(
        "invites/new.html",
        {"panel": "invites/_new.html"},
        status=status,
        form=form,
        outcomes=outcomes,
        counts=counts_of(organization),
        again_at=again_at,
    )
