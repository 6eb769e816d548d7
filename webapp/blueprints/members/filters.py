"""Which members an address asks for."""

from flask import request

from webapp.access.decide import decide
from webapp.access.roles import Scope
from webapp.http.session import current_actor
from webapp.models import Organization
from webapp.queries.members import WantedMembers, no_such_list, wanted
from webapp.services import slugs
from webapp.services.slugs import TEAM
from webapp.services.sso import connections

FILTERS = ("q", "role", "status", "sort", "team", "sso")


def wanted_of_request(organization: Organization) -> WantedMembers:
    """Return what the address asks for. Who is linked is asked by those alone who may change members.

    Raises:
        NotFound: there is no such role, status, order or team, or no single sign-on that the actor may know of.
    """
    q, role, status, sort, slug, sso = (request.values.get(name, "") for name in FILTERS)
    team = slugs.find(TEAM, organization, slug) if slug else None
    if slug and team is None:
        raise no_such_list()
    found = wanted(q, role, status, sort, team.id if team else None)
    if not sso:
        return found
    may_know = decide(current_actor(), Scope.MEMBER_WRITE, organization)
    provider = connections.active_of(organization) if may_know else None
    if provider is None:
        raise no_such_list()
    return found.among(sso, provider.id)
