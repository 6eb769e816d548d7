"""Who came while requiring single sign-on was rehearsed, and would have been refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from webapp.access.outside import REFUSED
from webapp.models import IdentityProvider
from webapp.queries.kept_out import KeptOutRow, by_name, rows_of, selected
from webapp.queries.numbers import shown
from webapp.queries.page import Page, read
from webapp.services.sso.enforcement import is_rehearsed
from webapp.services.sso.reminders import MOST_COUNTED

MOST_NAMED = 5

WOULD_HAVE_BEEN_REFUSED = selected(REFUSED)
"""Selects the ids of those that the lists name."""
_LISTING = by_name(WOULD_HAVE_BEEN_REFUSED)


@dataclass(frozen=True)
class Rehearsal:
    """Since when it goes on and until when, who would have been refused, and whether an owner could come in.

    `refused` was counted up to 10,000.
    """

    since: datetime
    ends_at: datetime
    refused: int
    first: Sequence[KeptOutRow]
    has_owner: bool

    @property
    def count(self) -> str:
        """How many would have been refused, as pages show it."""
        return shown(self.refused, MOST_COUNTED)


def rehearsal_of(provider: IdentityProvider, refused: int, *, owners: int, names: bool = True) -> Rehearsal | None:
    """Return what a rehearsal has shown so far; nothing where there is none.

    Args:
        provider: the connection in use.
        refused: how many would have been refused, as `standing` counts them.
        owners: how many owners could come in, from there too.
        names: whether to name the first few.
    """
    since, ends_at = provider.rehearsed_since, provider.required_from
    if since is None or ends_at is None or not is_rehearsed(provider):
        return None
    first = _first(provider) if names and refused else ()
    return Rehearsal(since, ends_at, refused, first, owners > 0)


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


def _first(provider: IdentityProvider) -> Sequence[KeptOutRow]:
    found, _cursor = read(_LISTING, {"provider_id": provider.id}, "", rows=MOST_NAMED)
    return rows_of(found)
