"""Members whom requiring single sign-on keeps out, or would have refused: how lists show them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Subquery, bindparam

from webapp.access.outside import OF_PROVIDER, WHY
from webapp.db import Id
from webapp.models import IdentityProvider, Member, Role
from webapp.queries.linking import shown_with
from webapp.queries.page import Listing, Statement, listing


class KeptOutRow(NamedTuple):
    """One of them; `why` is a value of `Why`, `is_verified` whether a reminder has a way to them."""

    id: int
    name: str
    email: str
    is_verified: bool
    role: Role
    why: str
    signed_in_at: datetime | None


COLUMNS = len(KeptOutRow._fields)
_PROVIDER = IdentityProvider.id == bindparam("provider_id", type_=Id)


def selected(condition: ColumnElement[bool]) -> Statement:
    """Select the ids of the active members of a provider's organization of whom a condition holds."""
    return OF_PROVIDER.where(condition)


def by_name(members: Statement) -> Listing:
    """Prepare the list of selected members, by name."""
    return listing(members, [Member.sort_name, Member.id], _shown)


def rows_of(found: Sequence[Sequence[object]]) -> list[KeptOutRow]:
    """Return what was read of a list, without its keys."""
    return [KeptOutRow._make(row[:COLUMNS]) for row in found]


def _shown(page: Subquery) -> Statement:
    return shown_with(page, WHY).join(IdentityProvider, _PROVIDER)
