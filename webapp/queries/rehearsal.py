"""Who came while requiring single sign-on was rehearsed, and would have been refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Subquery, and_, bindparam, exists, func, not_, select

from webapp.access.facts import IS_ACTIVE
from webapp.access.single_sign_on import vouches_for
from webapp.db import Id, db
from webapp.models import EmailAddress, Identity, IdentityProvider, Member, Role, User
from webapp.queries.numbers import shown
from webapp.queries.page import Page, Statement, listing, read
from webapp.services.sso import rehearsals
from webapp.services.sso.enforcement import is_rehearsed

MOST_COUNTED = 10_000
MOST_NAMED = 5


class RefusedRow(NamedTuple):
    """An active member who came during the rehearsal, and for whom the provider does not vouch at present."""

    id: int
    name: str
    email: str
    role: Role
    is_linked: bool
    last_active_at: datetime


@dataclass(frozen=True)
class Rehearsal:
    """Since when it goes on and until when, who would have been refused, and whether an owner could come in."""

    since: datetime
    ends_at: datetime
    count: str
    first: Sequence[RefusedRow]
    has_owner: bool


COLUMNS = len(RefusedRow._fields)
# What is asked of those who came is what will be asked of everybody: decisions and this list cannot differ.
_REFUSED = (
    select(Member.id)
    .join(User, User.id == Member.user_id)
    .join(IdentityProvider, IdentityProvider.organization_id == Member.organization_id)
    .where(IdentityProvider.id == bindparam("provider_id", type_=Id), *IS_ACTIVE)
    .where(Member.last_active_at >= IdentityProvider.rehearsed_since)
    .where(not_(vouches_for(IdentityProvider, Member).correlate(IdentityProvider, Member)))
)
_COUNT = select(func.count()).select_from(_REFUSED.limit(MOST_COUNTED).subquery())


def _shown(page: Subquery) -> Statement:
    of_member = (Identity.provider_id == bindparam("provider_id", type_=Id), Identity.user_id == Member.user_id)
    return (
        select(
            Member.id,
            User.name,
            func.coalesce(EmailAddress.address, ""),
            Member.role,
            exists().where(*of_member, Identity.invalid_since.is_(None)),
            Member.last_active_at,
        )
        .select_from(page)
        .join(Member, Member.id == page.c.id)
        .join(User, User.id == Member.user_id)
        .outerjoin(EmailAddress, and_(EmailAddress.user_id == User.id, EmailAddress.is_primary))
    )


_LISTING = listing(_REFUSED, [Member.sort_name, Member.id], _shown)


def rehearsal_of(provider: IdentityProvider) -> Rehearsal | None:
    """Return what a rehearsal has shown so far, with the first few it speaks of; nothing where there is none."""
    since, ends_at = provider.rehearsed_since, provider.required_from
    if since is None or ends_at is None or not is_rehearsed(provider):
        return None
    parameters = {"provider_id": provider.id}
    found, _cursor = read(_LISTING, parameters, "", rows=MOST_NAMED)
    count = shown(db.session.scalars(_COUNT, parameters).one(), MOST_COUNTED)
    return Rehearsal(since, ends_at, count, _rows(found), rehearsals.has_owner(provider))


def refused_of(provider: IdentityProvider, *, after: str) -> Page[RefusedRow]:
    """Return a page of those who would have been refused since the rehearsal began, by name.

    Args:
        provider: the connection in use.
        after: the cursor where the page before ended.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    found, cursor = read(_LISTING, {"provider_id": provider.id}, after)
    return Page(_rows(found), cursor, not after)


def _rows(found: Sequence[Sequence[object]]) -> list[RefusedRow]:
    return [RefusedRow._make(row[:COLUMNS]) for row in found]
