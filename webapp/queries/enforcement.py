"""Whom requiring single sign-on would keep out."""

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.access.outside import OUTSIDE
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


WOULD_BE_KEPT_OUT = selected(OUTSIDE)
"""Selects the ids of those that the lists name."""
_LISTING = by_name(WOULD_BE_KEPT_OUT)


def outsiders_of(provider: IdentityProvider, count: int) -> Outsiders:
    """Return who would reach nothing any more, if an organization required its provider now.

    Args:
        provider: the connection in use.
        count: how many they are, as `standing` counts them.
    """
    found, _following = read(_LISTING, {"provider_id": provider.id}, "", rows=MOST_SHOWN) if count else ((), None)
    return Outsiders(max(count, len(found)), rows_of(found))  # somebody may have come in between


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
