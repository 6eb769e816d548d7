"""Who came while requiring single sign-on was rehearsed, and would have been refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from webapp.access.outside import REFUSED
from webapp.db import db
from webapp.models import IdentityProvider
from webapp.queries.kept_out import KeptOutRow, by_name, rows_of, selected
from webapp.queries.numbers import shown
from webapp.queries.page import Page, read
from webapp.services.sso import rehearsals
from webapp.services.sso.enforcement import is_rehearsed
from webapp.services.sso.reminders import MOST_COUNTED

MOST_NAMED = 5


@dataclass(frozen=True)
class Rehearsal:
    """Since when it goes on and until when, who would have been refused, and whether an owner could come in."""

    since: datetime
    ends_at: datetime
    count: str
    first: Sequence[KeptOutRow]
    has_owner: bool


_REFUSED = selected(REFUSED)
_COUNT = select(func.count()).select_from(_REFUSED.limit(MOST_COUNTED).subquery())
_LISTING = by_name(_REFUSED)


def rehearsal_of(provider: IdentityProvider) -> Rehearsal | None:
    """Return what a rehearsal has shown so far, with the first few it speaks of; nothing where there is none."""
    since, ends_at = provider.rehearsed_since, provider.required_from
    if since is None or ends_at is None or not is_rehearsed(provider):
        return None
    parameters = {"provider_id": provider.id}
    found, _cursor = read(_LISTING, parameters, "", rows=MOST_NAMED)
    count = shown(db.session.scalars(_COUNT, parameters).one(), MOST_COUNTED)
    return Rehearsal(since, ends_at, count, rows_of(found), rehearsals.has_owner(provider))


def refused_of(provider: IdentityProvider, *, after: str) -> Page[KeptOutRow]:
    """Return a page of those who would have been refused since the rehearsal began, by name.

    Args:
        provider: the connection in use.
        after: the cursor where the page before ended.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    found, cursor = read(_LISTING, {"provider_id": provider.id}, after)
    return Page(rows_of(found), cursor, not after)
