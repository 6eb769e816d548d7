"""Whom requiring single sign-on would keep out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, not_, select

from webapp.access.facts import IS_ACTIVE
from webapp.access.single_sign_on import vouches_for
from webapp.db import Id, db
from webapp.models import IdentityProvider, Member, User

MOST_SHOWN = 50
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Outsider:
    """An active member for whom the provider does not vouch at present."""

    id: int
    name: str
    last_active_at: datetime | None


@dataclass(frozen=True)
class Outsiders:
    """All of them: how many, and the first by name; counting ends at MOST_COUNTED."""

    count: int
    first: Sequence[Outsider]

    @property
    def is_cut(self) -> bool:
        """Whether they may be more than were counted."""
        return self.count == MOST_COUNTED


_OUTSIDE = (
    select(Member.id, User.name, Member.last_active_at)
    .join(User, User.id == Member.user_id)
    .join(IdentityProvider, IdentityProvider.organization_id == Member.organization_id)
    .where(IdentityProvider.id == bindparam("provider_id", type_=Id), *IS_ACTIVE)
    .where(not_(vouches_for(IdentityProvider, Member).correlate(IdentityProvider, Member)))
)
_COUNT = select(func.count()).select_from(_OUTSIDE.limit(MOST_COUNTED).subquery())
_FIRST = _OUTSIDE.order_by(Member.sort_name, Member.id).limit(MOST_SHOWN)


def outsiders_of(provider: IdentityProvider) -> Outsiders:
    """Return who would reach nothing any more, if an organization required its provider now."""
    of_provider = {"provider_id": provider.id}
    first = [Outsider(*row) for row in db.session.execute(_FIRST, of_provider)]
    return Outsiders(db.session.scalar(_COUNT, of_provider) or 0, first)
