"""The page of single sign-on: what is in use, and by which rules people join and are verified."""

from collections.abc import Sequence
from typing import Any

from flask import Response, flash, url_for
from flask_babel import gettext as _

from webapp.access.decide import grantable_roles
from webapp.access.roles import Scope
from webapp.blueprints.sso import bp
from webapp.blueprints.sso.forms import PolicyForm
from webapp.blueprints.sso.health import health_of
from webapp.errors import DomainError
from webapp.http import session, typed
from webapp.http.htmx import go, respond
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.http.settings import settings
from webapp.models import IdentityProvider, Organization
from webapp.providers.registry import kinds
from webapp.queries.standing import overview_of
from webapp.services.sso import connections, domains, policy
from webapp.services.sso.domains import Record
from webapp.services.sso.enforcement import is_required


@bp.get("/orgs/<org>/sso")
@access(Scope.SSO_ADMIN)
def show(organization: Organization) -> Response:
    """Show whether single sign-on is set up, for how many, and by which rules."""
    active, draft = connections.active_and_draft_of(organization)
    records = domains.records_of(organization) if active is not None else []
    form = _form(active, records) if active is not None else None
    return _page(organization, active, form, records, draft=draft)


@bp.post("/orgs/<org>/sso")
@access(Scope.SSO_ADMIN)
def save_policy(organization: Organization) -> Response:
    """Change the rules of the connection in use."""
    provider = connections.require_active(organization)
    records = domains.records_of(organization)
    form, draft = _form(provider, records), connections.draft_of(organization)
    if not typed.is_fresh_for(form):
        return _page(organization, provider, form, records, draft=draft, status=403)
    if not form.validate():
        return _page(organization, provider, form, records, draft=draft, status=422)
    try:
        if policy.edit(current_actor(), organization, provider, form.policy()):
            flash(_("The rules are saved."), "success")
    except DomainError as error:
        form.show(error)
        return _page(organization, provider, form, records, draft=draft, status=422)
    return go(url_for("sso.show", org=organization.slug))


def _form(provider: IdentityProvider, records: Sequence[Record]) -> PolicyForm:
    present = policy.policy_of(provider, [record.domain for record in records])
    return PolicyForm.filled(present, grantable_roles(current_actor()), **typed.brought())


def _page(
    organization: Organization,
    active: IdentityProvider | None,
    form: PolicyForm | None,
    records: Sequence[Record],
    *,
    draft: IdentityProvider | None,
    status: int = 200,
) -> Response:
    overview = overview_of(active) if active is not None else None
    return respond(
        "sso/show.html",
        {"panel": "sso/_show.html"},
        status=status,
        active=_described(active),
        draft=_described(draft),
        coverage=overview.coverage if overview else None,
        records=records,
        is_required=active is not None and is_required(active),
        rehearsal=overview.rehearsal if overview else None,
        form=form,
        base_url=settings().base_url,
        health=health_of(active) if active is not None else None,
        is_fresh=session.require_viewer().is_fresh,
        back=typed.way_back(form, url_for("sso.show", org=organization.slug)) if form is not None else None,
    )


def _described(provider: IdentityProvider | None) -> dict[str, Any] | None:
    """Return what pages say of a connection."""
    if provider is None:
        return None
    known = kinds().get(provider.kind)
    label = known.label if known else provider.kind
    return {"label": label, "host": connections.host_of(provider), "row": provider}
