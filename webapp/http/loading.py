"""What an address names, loaded through its parents: an organization and what is in it. Earlier addresses lead on."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from flask import Response, g, make_response, request, url_for
from flask import redirect as redirect_to
from sqlalchemy import Select, and_, bindparam, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from webapp.access import grants
from webapp.access.decide import decide, require
from webapp.access.roles import Scope
from webapp.access.single_sign_on import came_otherwise
from webapp.db import db
from webapp.errors import NotFound, SignInRequired
from webapp.http import session
from webapp.http.session import Viewer, current_actor, token
from webapp.models import (
    AccessGroup,
    Invitation,
    Member,
    Organization,
    Project,
    RemovedMember,
    Session,
    SsoMapping,
    Team,
    User,
)
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


def load_viewer_and_organization(slug: str) -> tuple[Viewer | None, Organization | None]:
    """Read again who is signed in, and load an organization by its name in the address, in one statement.

    Their membership comes with it, and whether their session has yet to come through its provider.

    Returns:
        Who is signed in, if anybody; and the organization, if they have a membership in it, of any status. All is kept
        for the request.
    """
    row = db.session.execute(_LOADED, {**session.asked_of_token(), "slug": slug}).one_or_none() if token() else None
    found = session.know(row)
    if row is None or row.Organization is None:
        return found, None
    g.organization, g.member, g.came_otherwise = row.Organization, row.Member, row.came_otherwise
    return found, row.Organization


_Own = aliased(Session)
_OWN_ID = select(_Own.id).where(_Own.token_hash == bindparam("token_hash")).correlate(None).scalar_subquery()
_NAMED_SO = select(Organization.id).where(Organization.slug == bindparam("slug")).correlate(None).scalar_subquery()
_LOADED = (
    session.VIEWER.add_columns(Organization, Member, came_otherwise(Member, _OWN_ID).label("came_otherwise"))
    .outerjoin(Member, and_(Member.organization_id == _NAMED_SO, Member.user_id == User.id))
    .outerjoin(Organization, Organization.id == Member.organization_id)
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
        slug, found = arguments[name], _named(NAMED[name], organization, arguments[name])
        if found is None or not _may_see(found):
            raise NotFound
        if found.slug != slug:
            return _lead_to(**{name: found.slug})
        arguments[name] = found
    return None


def _named(kind: Kind, organization: Organization, slug: str) -> Team | Project | None:
    """Load a team or a project by a slug, and whether the viewer belongs to it, which most of its pages ask."""
    member: Member = g.member
    asked = {**slugs.asked_for(organization, slug), "member_id": member.id}
    for statement in _finding(kind, slugs.finding(kind, slug)):
        if row := db.session.execute(statement, asked).one_or_none():
            found: Team | Project = row[0]
            grants.note_shared(member, found, is_shared=row[1])
            return found
    return None


@cache
def _finding(kind: Kind, found: Sequence[Select[Any]]) -> Sequence[Select[Any]]:
    return [one.add_columns(grants.is_shared(kind.model, kind.model.id)) for one in found]


def _may_see(found: Team | Project) -> bool:
    """Tell whether the actor may know of a team or a project: one they run, or may open; the former is known by now."""
    actor = current_actor()
    scopes = (Scope.PROJECT_CREATE, Scope.PROJECT_READ) if isinstance(found, Project) else (Scope.TEAM_READ,)
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
