"""A new client secret for the connection in use: it counts once somebody has signed in by it."""

from flask import Response, request, url_for

from webapp.access.roles import Scope
from webapp.blueprints.sso import bp
from webapp.blueprints.sso.forms import SecretForm
from webapp.errors import NotFound
from webapp.http import session, sso, typed
from webapp.http.htmx import respond
from webapp.http.rules import access
from webapp.models import FlowPurpose, IdentityProvider, Organization
from webapp.services.sso import connections


@bp.get("/orgs/<org>/sso/secret")
@access(Scope.SSO_ADMIN)
def secret(organization: Organization) -> Response:
    """Ask for a new client secret."""
    return _page(_with_secret(organization), SecretForm())


@bp.post("/orgs/<org>/sso/secret")
@access(Scope.SSO_ADMIN)
def renew_secret(organization: Organization) -> Response:
    """Leave for the provider to prove a new secret; until then everybody signs in by the old one."""
    provider = _with_secret(organization)
    form = SecretForm()
    if not typed.is_fresh_for(form):
        return _page(provider, form, status=403)
    if not form.validate():
        return _page(provider, form, status=422)
    if refusal := sso.count_departure():
        form.show(refusal)
        return _page(provider, form, status=refusal.status)
    back = url_for("sso.show", org=organization.slug)
    return sso.depart(provider, FlowPurpose.SETUP, back, client_secret=form.client_secret.data)


def _with_secret(organization: Organization) -> IdentityProvider:
    provider = connections.require_active(organization)
    if provider.client_secret is None:
        raise NotFound
    return provider


def _page(provider: IdentityProvider, form: SecretForm, *, status: int = 200) -> Response:
    return respond(
        "sso/secret.html",
        {"panel": "sso/_secret.html"},
        status=status,
        form=form,
        host=connections.host_of(provider),
        is_fresh=session.require_viewer().is_fresh,
        back=typed.way_back(form, request.path),
    )
