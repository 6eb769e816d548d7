"""The Removed tab: whose membership was taken away, and can still be put back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import Row, Subquery, and_, bindparam, exists, select
from sqlalchemy.orm import aliased

from webapp import clock
from webapp.models import EmailAddress, Member, MemberStatus, Organization, RemovedMember, Role, User
from webapp.models.member import has_ended
from webapp.queries.page import Page, Statement, listing, read
from webapp.services.removals import undo_begins_at, undo_ends_at


@dataclass(frozen=True)
class RemovedRow:
    """One line of the tab; `id` is that of the membership."""

    id: int
    user_id: int
    name: str
    email: str
    role: Role
    status: MemberStatus
    expires_at: datetime | None
    removed_at: datetime
    removed_by: str | None
    has_left: bool
    remover_role: Role | None
    days_left: int
    is_member_again: bool
    is_active: bool

    @property
    def has_ended(self) -> bool:
        """Whether the membership would be over."""
        return has_ended(self.expires_at)


def removed_of(organization: Organization, *, after: str) -> Page[RemovedRow]:
    """Return a page of removals that can still be undone, the newest first.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    parameters = {"organization_id": organization.id, "since": undo_begins_at()}
    rows, cursor = read(_REMOVED, parameters, after)
    return Page([_row(row) for row in rows], cursor, not after)


IS_MEMBER_AGAIN = exists().where(
    Member.organization_id == RemovedMember.organization_id, Member.user_id == RemovedMember.user_id
)


_remover = aliased(Member)
REMOVER_ROLE = (
    select(_remover.role)
    .where(_remover.organization_id == RemovedMember.organization_id, _remover.user_id == RemovedMember.removed_by_id)
    .scalar_subquery()
)


def _shown(page: Subquery) -> Statement:
    remover = aliased(User)
    return (
        select(
            RemovedMember.member_id,
            RemovedMember.user_id,
            User.name,
            User.is_active,
            EmailAddress.address,
            RemovedMember.role,
            RemovedMember.status,
            RemovedMember.expires_at,
            RemovedMember.removed_at,
            RemovedMember.removed_by_id,
            remover.name.label("removed_by"),
            IS_MEMBER_AGAIN.label("is_member_again"),
            REMOVER_ROLE.label("remover_role"),
        )
        .select_from(page)
        .join(RemovedMember, RemovedMember.id == page.c.id)
        .join(User, User.id == RemovedMember.user_id)
        .outerjoin(EmailAddress, and_(EmailAddress.user_id == User.id, EmailAddress.is_primary))
        .outerjoin(remover, remover.id == RemovedMember.removed_by_id)
    )


_REMOVED = listing(
    select(RemovedMember.id).where(
        RemovedMember.organization_id == bindparam("organization_id"),
        RemovedMember.removed_at > bindparam("since", type_=RemovedMember.removed_at.type),
    ),
    [RemovedMember.id],
    _shown,
    descending=True,
)


def _row(row: Row[*tuple[Any, ...]]) -> RemovedRow:
    return RemovedRow(
        id=row.member_id,
        user_id=row.user_id,
        name=row.name,
        email=row.address or "",
        role=row.role,
        status=row.status,
        expires_at=row.expires_at,
        removed_at=row.removed_at,
        removed_by=row.removed_by,
        has_left=row.removed_by_id == row.user_id,
        remover_role=row.remover_role,
        days_left=ceil((undo_ends_at(row.removed_at) - clock.now()) / timedelta(days=1)),
        is_member_again=row.is_member_again,
        is_active=row.is_active,
    )
