"""Which members an address asks for."""

from collections.abc import Iterable, Mapping

from flask import request
from flask_babel import gettext as _

from webapp.access.decide import decide
from webapp.access.roles import Scope
from webapp.errors import N_
from webapp.http.session import current_actor
from webapp.http.templating import role_name
from webapp.models import Organization
from webapp.queries.choices import TeamChoice
from webapp.queries.members import ROLES, Linking, ListedStatus, WantedMembers, no_such_list, wanted
from webapp.services import slugs
from webapp.services.slugs import TEAM
from webapp.services.sso import connections

WORDS: Mapping[str, str] = {
    ListedStatus.ACTIVE: N_("Active"),
    ListedStatus.SUSPENDED: N_("Suspended"),
    ListedStatus.ENDED: N_("Ended"),
    Linking.LINKED: N_("Linked"),
    Linking.UNLINKED: N_("Not linked"),
}
FILTERS = ("q", "role", "status", "sort", "team", "sso")


def narrowed_to(teams: Iterable[TeamChoice]) -> list[str]:
    """Return by what the address narrows the list, beside a search, as people read it.

    Args:
        teams: those that the list can be narrowed to.
    """
    _q, role, status, _sort, team, sso = (request.values.get(name, "") for name in FILTERS)
    words = [role_name(ROLES[role]) if role else "", _(WORDS[status]) if status else ""]
    words += [next((one.name for one in teams if one.slug == team), team), _(WORDS[sso]) if sso else ""]
    return [word for word in words if word]


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
