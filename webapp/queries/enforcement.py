"""Whom requiring single sign-on would keep out."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from webapp.access.outside import OUTSIDE
from webapp.db import db
from webapp.models import IdentityProvider
from webapp.queries.kept_out import KeptOutRow, by_name, rows_of, selected
from webapp.queries.page import Page, read
from webapp.services.sso.reminders import MOST_COUNTED

MOST_SHOWN = 50


@dataclass(frozen=True)
class Outsiders:
    """The active members for whom the provider does not vouch at present: how many, and the first by name.

    Counting ends at MOST_COUNTED.
    """

    count: int
    first: Sequence[KeptOutRow]

    @property
    def is_cut(self) -> bool:
        """Whether they may be more than were counted."""
        return self.count == MOST_COUNTED


_OUTSIDE = selected(OUTSIDE)
_COUNT = select(func.count()).select_from(_OUTSIDE.limit(MOST_COUNTED).subquery())
_LISTING = by_name(_OUTSIDE)


def outsiders_of(provider: IdentityProvider) -> Outsiders:
    """Return who would reach nothing any more, if an organization required its provider now."""
    of_provider = {"provider_id": provider.id}
    found, following = read(_LISTING, of_provider, "", rows=MOST_SHOWN)
    count = db.session.scalar(_COUNT, of_provider) if following else len(found)
    return Outsiders(count or 0, rows_of(found))


def outside_of(provider: IdentityProvider, *, after: str) -> Page[KeptOutRow]:
    """Return a page of those who would reach nothing any more, by name.

    Args:
        provider: the connection in use.
        after: the cursor where the page before ended.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    found, cursor = read(_LISTING, {"provider_id": provider.id}, after)
    return Page(rows_of(found), cursor, not after)
