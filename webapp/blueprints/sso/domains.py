"""Proving that a domain is the organization's: its name servers are asked while no transaction is open."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from webapp.access.roles import Scope
from webapp.blueprints.sso import bp
from webapp.errors import DomainProvenElsewhere
from webapp.http import session
from webapp.http.domains import published_at
from webapp.http.htmx import go
from webapp.http.problems import translated
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import Organization
from webapp.services.sso import connections, domains
from webapp.services.sso.errors import NotProven


def _question(organization: Organization) -> Callable[[], Sequence[str] | None]:
    """Return what to ask the name servers; nothing, where the domain is proven already.

    Raises:
        SignInAgain: whoever is at hand has not just signed in, and may not prove it.
    """
    session.require_fresh()
    record = domains.record_of(organization, _wanted())
    if record.proven_at is not None:
        return lambda: None
    return partial(published_at, record.name, organization.id)


def _others() -> Collection[int]:
    """Return whose the domain is at present: they may lose it."""
    return domains.proven_by(_wanted())


@bp.post("/orgs/<org>/sso/domains")
@access(Scope.SSO_ADMIN, asks=_question, also_locks=_others)
def check_domain(organization: Organization, told: Sequence[str] | None, held: Collection[int]) -> Response:
    """Look whether a domain's record is published, and note it where it is."""
    provider = connections.require_active(organization)
    try:
        domains.prove(current_actor(), organization, provider, _wanted(), told, held)
        flash(_("%(domain)s is proven.", domain=_wanted()), "success")
    except (NotProven, DomainProvenElsewhere) as error:
        flash(translated(error), "warning")
    return go(url_for("sso.show", org=organization.slug) + "#domains-title")


def _wanted() -> str:
    return request.form.get("domain", "")
