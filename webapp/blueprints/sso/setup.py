"""Setting up single sign-on: choose a kind, enter what it asks for, and prove it by signing in."""

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from webapp.access.roles import Scope
from webapp.blueprints.sso import bp, mistakes
from webapp.blueprints.sso.forms import answers_in, kind_form, setup_form
from webapp.errors import DomainError
from webapp.http import session, sso, typed
from webapp.http.htmx import go, respond
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.http.settings import settings
from webapp.models import FlowPurpose, IdentityProvider, Organization
from webapp.providers.demo import offered_in
from webapp.providers.registry import kinds
from webapp.services.sso import connections
from webapp.services.sso.connections import Answers


@bp.get("/orgs/<org>/sso/setup")
@access(Scope.SSO_ADMIN)
def setup(organization: Organization) -> Response:
    """Ask which kind of provider it is, then for what the kind needs."""
    draft = connections.draft_of(organization)
    if draft is None or draft.kind not in kinds():
        return _kind_page(organization, kind_form(kinds()))
    form = setup_form(kinds()[draft.kind], draft, **typed.brought())
    mistakes.show(form, draft)
    return _setup_page(form, draft)


@bp.post("/orgs/<org>/sso/setup/discard")
@access(Scope.SSO_ADMIN)
def discard(organization: Organization) -> Response:
    """Throw away what is being set up. Nobody signs in by it, so nobody loses anything."""
    connections.discard(current_actor(), organization)
    flash(_("What was being set up is discarded."), "success")
    return go(url_for("sso.show", org=organization.slug))


@bp.get("/orgs/<org>/sso/setup/kind")
@access(Scope.SSO_ADMIN)
def kind(organization: Organization) -> Response:
    """Ask for the kind again."""
    return _kind_page(organization, kind_form(kinds(), **typed.brought()))


@bp.post("/orgs/<org>/sso/setup/kind")
@access(Scope.SSO_ADMIN)
def choose(organization: Organization) -> Response:
    """Begin a connection of a kind; from now on there is an address to give to the provider.

    In a demo its own provider may be chosen, of which everything is known.
    """
    form = kind_form(kinds())
    if not typed.is_fresh_for(form):
        return _kind_page(organization, form, status=403)
    if not form.validate():
        return _kind_page(organization, form, status=422)
    draft = connections.choose_kind(current_actor(), organization, form.kind.data)
    offered = offered_in(settings())
    if offered is not None and draft.kind == "oidc" and "demo" in request.form:
        answers = Answers(offered.issuer, offered.client_id, {}, offered.client_secret)
        connections.save_draft(current_actor(), organization, draft, sso.with_issuer(draft.kind, answers))
    return go(url_for("sso.setup", org=organization.slug))


@bp.post("/orgs/<org>/sso/setup")
@access(Scope.SSO_ADMIN)
def prove(organization: Organization) -> Response:
    """Keep what was entered, and leave for the provider to prove that it works."""
    draft = connections.draft_of(organization)
    if draft is None or draft.kind not in kinds():
        return go(url_for("sso.setup", org=organization.slug))
    asks_for = kinds()[draft.kind].asks_for
    form = setup_form(kinds()[draft.kind], draft)
    if not typed.is_fresh_for(form):
        return _setup_page(form, draft, status=403)
    if not form.validate():
        return _setup_page(form, draft, status=422)
    if refusal := sso.count_departure():
        form.show(refusal)
        return _setup_page(form, draft, status=refusal.status)
    try:
        answers = sso.with_issuer(draft.kind, answers_in(form, asks_for))
        connections.save_draft(current_actor(), organization, draft, answers)
    except DomainError as error:
        form.show(error)
        return _setup_page(form, draft, status=422)
    return sso.depart(draft, FlowPurpose.SETUP, url_for("sso.show", org=organization.slug))


def _kind_page(organization: Organization, form: Any, *, status: int = 200) -> Response:
    return respond(
        "sso/setup.html",
        {"panel": "sso/_kind.html"},
        status=status,
        fragment="sso/_kind.html",
        form=form,
        offered=offered_in(settings()),
        is_fresh=session.require_viewer().is_fresh,
        back=typed.way_back(form, url_for("sso.kind", org=organization.slug)),
    )


def _setup_page(form: Any, draft: IdentityProvider, *, status: int = 200) -> Response:
    return respond(
        "sso/setup.html",
        {"panel": "sso/_setup.html"},
        status=status,
        fragment="sso/_setup.html",
        form=form,
        label=kinds()[draft.kind].label,
        has_secret=draft.client_secret is not None,
        is_replacing=connections.replaced_by(draft) is not None,
        redirect_address=sso.redirect_uri(draft.id),
        offered=offered_in(settings()) if draft.kind == "oidc" and not draft.issuer else None,
        is_fresh=session.require_viewer().is_fresh,
        back=typed.way_back(form, request.path),
    )
