"""Organizations: all of them, one, and those that somebody belongs to."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, not_, select

from webapp.access.single_sign_on import was_way_into
from webapp.db import db
from webapp.models import Member, Organization


def organizations_of(
    user_id: int, *, is_active: bool = True, through: int | None = None
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return name, slug, role, status and end for each organization the user is a member of, by name.

    Args:
        user_id: the user.
        is_active: whether those are wanted whose membership can be used, or those whose cannot.
        through: the session that has to have come through the provider of each, ever; any will do where left out.
    """
    found = select(Organization.name, Organization.slug, Member.role, Member.status, Member.expires_at)
    found = found.join(Member, Member.organization_id == Organization.id)
    found = found.where(Member.user_id == user_id, Member.is_active if is_active else not_(Member.is_active))
    if through is not None:
        found = found.where(was_way_into(Organization.id, user_id, through))
    return db.session.execute(found.order_by(Organization.name, Organization.id)).all()


def with_slug(slug: str) -> Organization | None:
    """Return the organization that has this slug now."""
    return db.session.scalar(select(Organization).where(Organization.slug == slug))


def with_member(user_id: int) -> Sequence[Organization]:
    """Return the organizations the user is a member of, active or not, by slug."""
    theirs = select(Organization).join(Member, Member.organization_id == Organization.id)
    return db.session.scalars(theirs.where(Member.user_id == user_id).order_by(Organization.slug)).all()


def slugs_by_id(slug: str | None = None) -> dict[int, str]:
    """Return the slugs of all organizations by the id of each, in its order, or only that of one organization."""
    wanted = select(Organization.id, Organization.slug).order_by(Organization.id)
    found = db.session.execute(wanted.where(Organization.slug == slug) if slug else wanted)
    return {number: own for number, own in found}
