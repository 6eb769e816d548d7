"""Organizations: all of them, one, and those that somebody belongs to."""

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


def with_slug(slug: str) -> Organization | None:
    """Return the organization that has this slug now."""
    return db.session.scalar(select(Organization).where(Organization.slug == slug))


def with_member(user_id: int) -> Sequence[Organization]:
    """Return the organizations the user is a member of, suspended or not, by slug."""
    theirs = select(Organization).join(Member, Member.organization_id == Organization.id)
    return db.session.scalars(theirs.where(Member.user_id == user_id).order_by(Organization.slug)).all()


def slugs_by_id(slug: str | None = None) -> dict[int, str]:
    """Return the slugs of all organizations by the id of each, in its order, or only that of one organization."""
    wanted = select(Organization.id, Organization.slug).order_by(Organization.id)
    found = db.session.execute(wanted.where(Organization.slug == slug) if slug else wanted)
    return {number: own for number, own in found}
