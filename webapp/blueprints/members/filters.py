"""Which members an address asks for."""

from flask import request

from webapp.errors import N_, NotFound
from webapp.models import Organization
from webapp.queries.members import Wanted, wanted
from webapp.services import slugs
from webapp.services.slugs import TEAM

FILTERS = ("q", "role", "status", "sort", "team")


def wanted_of_request(organization: Organization) -> Wanted:
    """Return what the address asks for.

    Raises:
        NotFound: there is no such role, status, order or team.
    """
    q, role, status, sort, slug = (request.values.get(name, "") for name in FILTERS)
    team = slugs.find(TEAM, organization, slug) if slug else None
    if slug and team is None:
        raise NotFound(N_("There is no such list of members. Go back to all of them."))
    return wanted(q, role, status, sort, team.id if team else None)
