"""Organizations: making them, their settings, and the lock that orders everything that changes one."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import bindparam, or_, select

from webapp.access.actor import Actor
from webapp.access.decide import require
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import NotFound, OrganizationsByAdministrators
from webapp.models import Member, Organization, Role, User
from webapp.services import accounts, attempts, audit, members, slugs
from webapp.services.audit import Event, Target
from webapp.services.memberships import Terms
from webapp.services.slugs import ORGANIZATION


@dataclass(frozen=True)
class OrganizationSettings:
    """What an owner may change about an organization, by the names of its columns."""

    name: str
    slug: str
    members_may_invite: bool
    invitation_lifetime_days: int
    address_match_required: bool
    join_requests_allowed: bool
    invitation_reminders: bool


# On SQLite the writing transaction is the lock; on PostgreSQL the row, which others may still refer to.
_HOLD = select(Organization.id).with_for_update(key_share=True)
_HOLD_BY_ID = _HOLD.where(Organization.id == bindparam("organization_id"))
_HOLD_BY_SLUG = _HOLD.where(Organization.slug == bindparam("slug"))


def lock(organization_id: int) -> Organization:
    """Return an organization, holding its lock until the transaction ends; what was read before is stale.

    Raises:
        NotFound: there is none.
    """
    db.session.execute(_HOLD_BY_ID, {"organization_id": organization_id})
    organization = db.session.get(Organization, organization_id, populate_existing=True)
    if organization is None:
        raise NotFound
    return organization


def lock_all_of(user_id: int) -> Sequence[Organization]:
    """Return the organizations somebody is a member of, holding their locks, taken in ascending id."""
    theirs = select(Member.organization_id).where(Member.user_id == user_id)
    found = select(Organization).where(Organization.id.in_(theirs)).order_by(Organization.id)
    held = found.with_for_update(key_share=True).execution_options(populate_existing=True)
    return db.session.scalars(held).all()


def lock_by_slug(slug: str, others: Collection[int] = ()) -> int | None:
    """Hold the lock of the organization with this slug, before anything of it is read; return its id if it exists.

    Args:
        slug: of the organization.
        others: the ids of organizations whose locks are held too; all are taken in ascending id.
    """
    if not others:
        return db.session.scalar(_HOLD_BY_SLUG, {"slug": slug})
    wanted = select(Organization.id, Organization.slug).where(
        or_(Organization.slug == slug, Organization.id.in_(others))
    )
    held = db.session.execute(wanted.order_by(Organization.id).with_for_update(key_share=True)).all()
    return next((row.id for row in held if row.slug == slug), None)


def may_create(user_id: int, *, by_anyone: bool) -> bool:
    """Tell whether somebody may make organizations.

    Args:
        user_id: who wants to.
        by_anyone: whether the settings let everybody, not only administrators of the instance.
    """
    is_administrator = select(User.is_instance_administrator).where(User.id == user_id)
    return by_anyone or bool(db.session.scalar(is_administrator))


def create_own(actor: Actor, name: str, *, by_anyone: bool) -> Organization:
    """Make an organization whose first owner is the actor.

    Args:
        actor: somebody signed in.
        name: of the organization.
        by_anyone: whether the settings let everybody, not only administrators of the instance.

    Raises:
        NotFound: the actor has no account.
        OrganizationsByAdministrators: the settings do not, and the actor is none.
        OftenEnough: they have made too many today.
    """
    user = accounts.by_id(actor.user_id or 0)
    if not may_create(user.id, by_anyone=by_anyone):
        raise OrganizationsByAdministrators
    attempts.require_few_a_day("organizations", actor, field="name")
    return create(actor, name, user, accounts.primary_address(user.id).address)[0]


def create(actor: Actor, name: str, owner: User, owner_email: str) -> tuple[Organization, Member]:
    """Make an organization with its first owner."""
    organization = Organization(name=name, slug=slugs.free_slug(ORGANIZATION, name))
    db.session.add(organization)
    db.session.flush()
    after = {"name": organization.name, "slug": organization.slug}
    audit.record(actor, Event.ORGANIZATION_CREATED, _target(organization), organization=organization, after=after)
    return organization, members.add(actor, organization, owner, owner_email, Terms(Role.OWNER))


def settings_of(organization: Organization) -> OrganizationSettings:
    """Return what an owner may change, as it is."""
    return OrganizationSettings(
        **{field.name: getattr(organization, field.name) for field in fields(OrganizationSettings)}
    )


def change(actor: Actor, organization: Organization, wanted: OrganizationSettings) -> bool:
    """Change settings; return whether any is another now. An address it had before leads to the present one.

    Raises:
        NotFound, Forbidden: the actor may not.
        InvalidSlug: the new address has other characters than it may, or too many.
        SlugTaken: the new address is reserved, or leads to another organization.
        OftenEnough: the actor changed so many addresses today as one may.
    """
    require(actor, Scope.ORG_WRITE, organization)
    before = asdict(settings_of(organization))
    after = {name: value for name, value in asdict(wanted).items() if value != before[name]}
    if not after:
        return False
    if "slug" in after:
        slugs.require_free(wanted.slug, organization)
        attempts.require_few_a_day("slugs", actor, organization, field="slug")
        slugs.move(ORGANIZATION, organization, wanted.slug)
    _apply(organization, after)
    audit.record(
        actor,
        Event.ORGANIZATION_CHANGED,
        _target(organization),
        organization=organization,
        before={name: before[name] for name in after},
        after=after,
    )
    return True


def _apply(organization: Organization, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(organization, name, value)
    db.session.flush()


def _target(organization: Organization) -> Target:
    return Target("organization", organization.id, organization.name)
