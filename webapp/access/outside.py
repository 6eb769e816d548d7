"""Whom requiring single sign-on keeps out: conditions of statements that join member, user and provider."""

from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Exists, Select, and_, bindparam, case, exists, literal, not_, or_, select
from sqlalchemy.orm import aliased

from webapp.access.facts import IS_ACTIVE
from webapp.access.single_sign_on import is_linked, is_recent, vouches_for
from webapp.db import Id
from webapp.models import Identity, IdentityProvider, Member, SessionIdentity, User


class Why(StrEnum):
    """Why somebody is kept out, or would be."""

    NOT_LINKED = "not_linked"
    INVALID = "invalid"
    TOO_LONG_AGO = "too_long_ago"
    OTHERWISE = "otherwise"


OF_PROVIDER: Final[Select[int]] = (
    select(Member.id)
    .select_from(Member)
    .join(User, User.id == Member.user_id)
    .join(IdentityProvider, IdentityProvider.organization_id == Member.organization_id)
    .where(IdentityProvider.id == bindparam("provider_id", type_=Id), *IS_ACTIVE)
)
"""Selects the ids of the active members of the organization of the provider `provider_id`, for the conditions below."""


def _identity(*conditions: Any, of: Any = Identity) -> Exists:
    theirs = (of.provider_id == IdentityProvider.id, of.user_id == Member.user_id)
    return exists().where(*theirs, *conditions).correlate(IdentityProvider, Member)


_VOUCHED_FOR: Final = vouches_for(IdentityProvider, Member).correlate(IdentityProvider, Member)
_LINKED: Final = is_linked(IdentityProvider.id, Member.user_id).correlate(IdentityProvider, Member)
_SIGNED_IN_SINCE: Final = _identity(
    Identity.invalid_since.is_(None),
    Identity.last_verified_at > Member.would_be_refused_at,
    or_(Identity.refreshed_at.is_(None), Identity.last_verified_at > Identity.refreshed_at),
)
_CAME_LONG_AGO: Final = _identity(
    SessionIdentity.identity_id == Identity.id, not_(is_recent(SessionIdentity.verified_at, IdentityProvider))
)

HAS_IDENTITY: Final[ColumnElement[bool]] = _identity(of=aliased(Identity))
"""That the provider knows a member, be it that it has taken its word back since."""

UNLINKED: Final[ColumnElement[bool]] = not_(_LINKED)
"""That a member is not linked, or the provider has taken its word back."""

OUTSIDE: Final[ColumnElement[bool]] = not_(_VOUCHED_FOR)
"""That the provider does not vouch for a member at present."""

REFUSED: Final[ColumnElement[bool]] = and_(
    Member.last_active_at >= IdentityProvider.rehearsed_since,
    or_(
        OUTSIDE,
        and_(Member.would_be_refused_at >= IdentityProvider.rehearsed_since, not_(_SIGNED_IN_SINCE)),
    ),
)
"""That a member came while it was rehearsed to require the provider, and would have been refused."""

WHY: Final[ColumnElement[str]] = case(
    (not_(HAS_IDENTITY), literal(Why.NOT_LINKED.value)),
    (UNLINKED, literal(Why.INVALID.value)),
    (or_(OUTSIDE, _CAME_LONG_AGO), literal(Why.TOO_LONG_AGO.value)),
    else_=literal(Why.OTHERWISE.value),
)
"""Why a member is outside, or would have been refused; a value of `Why`."""
