"""What an address names, loaded through its parents: an organization and what is in it. Earlier addresses lead on."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from flask import Response, g, make_response, request, url_for
from flask import redirect as redirect_to
from sqlalchemy import Select, and_, bindparam, select
from sqlalchemy.orm import InstrumentedAttribute

from webapp.access.decide import decide, require
from webapp.access.roles import Scope
from webapp.access.single_sign_on import came_otherwise
from webapp.db import db
from webapp.errors import NotFound, SignInRequired
from webapp.http.session import Viewer, current_actor
from webapp.models import AccessGroup, Invitation, Member, Organization, Project, RemovedMember, SsoMapping, Team
from webapp.services import slugs
from webapp.services.slugs import Kind

# By the name of the variable part: the column that its number stands for, in a table of the organization.
CHILDREN: Final[Mapping[str, InstrumentedAttribute[int]]] = {
    "group": AccessGroup.id,
    "invitation": Invitation.id,
    "mapping": SsoMapping.id,
    "member": Member.id,
    "removed": RemovedMember.member_id,
}

# By the name of the variable part: what has slugs of its own in an organization.
NAMED: Final[Mapping[str, Kind]] = {"team": slugs.TEAM, "project": slugs.PROJECT}


def load_organization(slug: str, found: Viewer | None) -> Organization | None:
    """Load an organization, the viewer's membership, and whether their session has yet to come through its provider.

    Args:
        slug: its name in the address.
        found: who is signed in, if anybody.

    Returns:
        The organization, if they have a membership in it, of any status; kept for the request with what was loaded.
    """
    who = {"user_id": found.user_id, "session_id": found.session_id} if found else _NOBODY
    row = db.session.execute(_ORGANIZATION, {"slug": slug, **who}).one_or_none()
    if row is None:
        return None
    organization, g.member, g.came_otherwise = row
    g.organization = organization
    return organization


_NOBODY: Final = {"user_id": None, "session_id": None}
_ORGANIZATION = (
    select(Organization, Member, came_otherwise(Member, bindparam("session_id")))
    .join(Member, and_(Member.organization_id == Organization.id, Member.user_id == bindparam("user_id")))
    .where(Organization.slug == bindparam("slug"))
)


def lead_elsewhere(slug: str, found: Viewer | None) -> Response:
    """Lead a member from an address of earlier to the same page at the present one; forms are sent on as they are.

    Args:
        slug: the name of earlier.
        found: who is signed in, if anybody.

    Raises:
        SignInRequired: the session came in by an organization's provider, and does not learn whether there is one here.
        NotFound: there is no such address, or none that this person may know of.
    """
    if found is not None and found.is_confined:
        raise SignInRequired
    present = slugs.present_slug(slug, found.user_id if found else None)
    if present is None:
        raise NotFound
    return _lead_to(org=present)


def _lead_to(**present: str) -> Response:
    """Lead to the same page under other slugs."""
    path = url_for(request.endpoint or "", **{**(request.view_args or {}), **present})
    query = request.query_string.decode("latin-1")
    return make_response(redirect_to(f"{path}?{query}" if query else path, 308))


def load_named(organization: Organization, arguments: dict[str, Any]) -> Response | None:
    """Load the team and the project of the address; where one had another slug before, lead to the present one.

    Args:
        organization: whose.
        arguments: the variable parts of the address by name; what is loaded takes the place of its slug.

    Raises:
        NotFound: there is no such thing, or none that the actor may know of.
    """
    require(current_actor(), Scope.ORG_READ, organization)
    for name in NAMED.keys() & arguments.keys():
        slug, found = arguments[name], slugs.find(NAMED[name], organization, arguments[name])
        if found is None or not _may_see(found):
            raise NotFound
        if found.slug != slug:
            return _lead_to(**{name: found.slug})
        arguments[name] = found
    return None


def _may_see(found: Team | Project) -> bool:
    """Tell whether the actor may know of a team or a project: one they may open, or run."""
    actor = current_actor()
    scopes = (Scope.PROJECT_READ, Scope.PROJECT_CREATE) if isinstance(found, Project) else (Scope.TEAM_READ,)
    return any(decide(actor, scope, found) for scope in scopes)


def load_children(organization: Organization, arguments: dict[str, Any]) -> None:
    """Load what the address gives by its number, as `load_named` does by slugs.

    Raises:
        NotFound: the organization, or the team of the address, has no such thing.
    """
    for name in CHILDREN.keys() & arguments.keys():
        parameters = {"organization_id": organization.id, "key": arguments[name]}
        found, team = db.session.scalar(_child(name), parameters), arguments.get("team")
        if found is None or (team is not None and getattr(found, "team_id", team.id) != team.id):
            raise NotFound
        arguments[name] = found


@cache
def _child(name: str) -> Select[tuple[Any]]:
    key = CHILDREN[name]
    model = key.class_
    return select(model).where(model.organization_id == bindparam("organization_id"), key == bindparam("key"))
