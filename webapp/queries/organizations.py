"""The organizations somebody belongs to."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from webapp.db import db
from webapp.models import Member, MemberStatus, Organization


def organizations_of(user_id: int, status: MemberStatus = MemberStatus.ACTIVE) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return name, slug and role for each organization the user is a member of, with this status, by name."""
    return db.session.execute(
        select(Organization.name, Organization.slug, Member.role)
        .join(Member, Member.organization_id == Organization.id)
        .where(Member.user_id == user_id, Member.status == status)
        .order_by(Organization.name, Organization.id)
    ).all()
