"""Accepting an invitation through the organization's identity provider: by exactly that invitation."""

from typing import Any

from flask import Response, url_for

from webapp.blueprints.invites import bp
from webapp.http import session, sso, uow
from webapp.http.htmx import go
from webapp.http.rules import PUBLIC, access
from webapp.models import IdentityProvider
from webapp.queries.invitations import State, offered_by
from webapp.services.sso import connections
from webapp.services.sso.enforcement import is_required


def described(provider: IdentityProvider | None) -> dict[str, Any] | None:
    """Return what the page of an invitation says of the provider, if the organization has one in use."""
    if provider is None:
        return None
    return {"host": connections.host_of(provider), "is_required": is_required(provider)}


@bp.post("/invitations/<token>/sso")
@access(PUBLIC, own_transactions=True)
def sign_on(token: str) -> Response:
    """Leave for the provider; whoever comes back as somebody new is a member by this invitation or not at all."""
    if refusal := uow.write(sso.count_departure):
        raise refusal
    return uow.write(_depart_if_offered, token)


def _depart_if_offered(token: str) -> Response:
    """Leave, if the page of the invitation still offers it; else show the page as it is now."""
    offered = offered_by(token)
    if offered.provider is None or offered.state is not State.PENDING or session.viewer() is not None:
        return go(url_for("invites.show", token=token))
    return sso.depart_to_sign_in(offered.organization_id, link=offered.link)
