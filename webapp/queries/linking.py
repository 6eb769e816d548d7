"""What lists say of members whom a provider knows, or shall know."""

from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, func, select

from webapp.models import EmailAddress, Member, User
from webapp.queries.page import Statement


def shown_with(page: Subquery, more: ColumnElement[Any], had_reminder: ColumnElement[bool]) -> Statement:
    """Select what is shown of the members of a page: id, name, address and whether it is proven, role, last sign-in.

    Args:
        page: the ids.
        more: what the list says besides; it stands before the last sign-in.
        had_reminder: whether they had today what the list reminds them by; it comes last.
    """
    return (
        select(
            Member.id,
            User.name,
            func.coalesce(EmailAddress.address, ""),
            EmailAddress.verified_at.is_not(None),
            Member.role,
            more,
            Member.signed_in_at,
            had_reminder,
        )
        .select_from(page)
        .join(Member, Member.id == page.c.id)
        .join(User, User.id == Member.user_id)
        .outerjoin(EmailAddress, and_(EmailAddress.user_id == User.id, EmailAddress.is_primary))
    )
