"""What plug-ins are told: plain values that lead to no row, so that nothing can be changed through them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, bindparam, case, exists, func, not_, select

from webapp.access.single_sign_on import would_be_locked_out
from webapp.db import Id, db
from webapp.models import EmailAddress, Member, Organization, Project, Role, Team, User

Resource = Organization | Team | Project
KINDS: dict[type[Resource], str] = {Organization: "organization", Team: "team", Project: "project"}
# That a member may use their membership; the statement joins their user.
IS_ACTIVE = (Member.is_active, User.is_active)
# That a user can sign in, now or once they have forgotten their password; without a proven address there is no way in.
HAS_PROVEN_ADDRESS = exists().where(EmailAddress.user_id == User.id, EmailAddress.verified_at.is_not(None))
# That a member can come in: they can sign in, and through the provider where that is wanted, now or from some day.
CAN_COME_IN = and_(HAS_PROVEN_ADDRESS, not_(would_be_locked_out(Member)))


def is_proven_address_of(user_id: Any) -> ColumnElement[bool]:
    """Return the condition that an address is the primary one of a user, and known to be theirs."""
    return and_(EmailAddress.user_id == user_id, EmailAddress.is_primary, EmailAddress.verified_at.is_not(None))


@dataclass(frozen=True)
class MemberFacts:
    """A member of an organization, which is named by its slug. `email` is nothing unless the address is proven."""

    member_id: int
    user_id: int
    name: str
    role: Role
    organization: str
    email: str | None


@dataclass(frozen=True)
class ResourceFacts:
    """What a scope is asked of; `kind` is organization, team or project."""

    kind: str
    id: int
    slug: str
    name: str


def facts_of(member_id: int) -> MemberFacts:
    """Return what plug-ins are told about a member."""
    return MemberFacts(*db.session.connection().execute(_ONE, {"member_id": member_id}).one())


def facts_of_user(organization_id: int, user_id: int) -> MemberFacts | None:
    """Return what plug-ins are told about a user as a member, if they may use their membership."""
    found = _FACTS.where(Member.organization_id == organization_id, Member.user_id == user_id, *IS_ACTIVE)
    row = db.session.connection().execute(found).one_or_none()
    return MemberFacts(*row) if row else None


def facts_about(resource: Resource) -> ResourceFacts:
    """Return what plug-ins are told about what a scope is asked of."""
    return ResourceFacts(KINDS[type(resource)], resource.id, resource.slug, resource.name)


def active_members(organization_id: int, *, after: int, most: int) -> Sequence[MemberFacts]:
    """Return the next members who may use their membership, by id.

    Args:
        organization_id: whose.
        after: the id of the last member before them; 0 to begin.
        most: how many.
    """
    found = _FACTS.where(Member.organization_id == organization_id, *IS_ACTIVE, Member.id > after)
    return [MemberFacts(*row) for row in db.session.connection().execute(found.order_by(Member.id).limit(most))]


def active_ids(organization_id: int) -> set[int]:
    """Return the ids of all members who may use their membership."""
    found = select(Member.id).join(User, User.id == Member.user_id)
    return set(db.session.scalars(found.where(Member.organization_id == organization_id, *IS_ACTIVE)))


def last_owner() -> ScalarSelect[int | None]:
    """Select the id of the only active owner who can come in, nothing where there are several; it reads two rows.

    The organization is the parameter `organization_id`.
    """
    owners = (
        select(Member.id)
        .join(User, User.id == Member.user_id)
        .where(
            Member.organization_id == bindparam("organization_id", type_=Id),
            Member.role == Role.OWNER,
            *IS_ACTIVE,
            CAN_COME_IN,
        )
        .limit(2)
        .subquery()
    )
    return select(case((func.count() == 1, func.min(owners.c.id)))).select_from(owners).scalar_subquery()


_FACTS = (
    select(Member.id, Member.user_id, User.name, Member.role, Organization.slug, EmailAddress.canonical)
    .join(User, User.id == Member.user_id)
    .join(Organization, Organization.id == Member.organization_id)
    .outerjoin(EmailAddress, is_proven_address_of(Member.user_id))
)
_ONE = _FACTS.where(Member.id == bindparam("member_id", type_=Id))
