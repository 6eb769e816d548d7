"""Trying out what requiring single sign-on would do, until a day: reminders before it, and what happens on it.

Until the worker has ended a rehearsal nothing is required, so every page and every decision agrees about it by the same
row, and nobody is locked out by a day that comes while no owner could come in.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, not_, or_, select

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.facts import IS_ACTIVE
from webapp.access.single_sign_on import vouches_for
from webapp.db import Id, db
from webapp.models import (
    EmailAddress,
    Enforcement,
    Identity,
    IdentityProvider,
    Member,
    Organization,
    ProviderStatus,
    Role,
    User,
)
from webapp.services import audit, organizations
from webapp.services.audit import Event
from webapp.services.sso import connections, letters
from webapp.services.sso.enforcement import Policy, is_rehearsed, policy_of, put, record
from webapp.services.sso.letters import HAS_ADDRESS, Reader

DAYS_BEFORE = (7, 3, 1)
REMINDER = "sso_required_soon"
BATCH = 1_000

_VOUCHED_FOR = vouches_for(IdentityProvider, Member).correlate(IdentityProvider, Member)
_OF_PROVIDER = (
    select(Member.id)
    .join(User, User.id == Member.user_id)
    .join(IdentityProvider, IdentityProvider.organization_id == Member.organization_id)
    .where(IdentityProvider.id == bindparam("provider_id", type_=Id), *IS_ACTIVE)
)
_OUTSIDE = select(func.count()).select_from(_OF_PROVIDER.where(not_(_VOUCHED_FOR)).subquery())
_OWNER = _OF_PROVIDER.where(Member.role == Role.OWNER, _VOUCHED_FOR).limit(1)


def organizations_due() -> Sequence[int]:
    """Return the ids of organizations that rehearse, and where something has to be done about it now."""
    due = (
        select(IdentityProvider.organization_id)
        .where(IdentityProvider.status == ProviderStatus.ACTIVE, IdentityProvider.rehearsed_since.is_not(None))
        .where(or_(IdentityProvider.required_from <= clock.now(), *map(_is_reminder_due, DAYS_BEFORE)))
    )
    return db.session.scalars(due.order_by(IdentityProvider.organization_id)).all()


def go_on(organization_id: int) -> bool:
    """End a rehearsal whose day has come, or queue some of the reminders that are due; return whether more are.

    The organization's lock keeps two workers from doing so twice.
    """
    organization = organizations.lock(organization_id)
    provider = connections.active_of(organization)
    if provider is None or provider.required_from is None or not is_rehearsed(provider):
        return False
    if provider.required_from <= clock.now():
        _end(organization, provider)
        return False
    days = _due(provider, provider.required_from)
    return days is not None and _remind(organization, provider, provider.required_from, days)


def has_owner(provider: IdentityProvider) -> bool:
    """Tell whether an owner could come in, if a provider were required now."""
    return db.session.scalar(_OWNER, {"provider_id": provider.id}) is not None


def _is_reminder_due(days: int) -> ColumnElement[bool]:
    is_next = or_(IdentityProvider.reminded_days.is_(None), IdentityProvider.reminded_days > days)
    return and_(IdentityProvider.required_from <= clock.now() + timedelta(days=days), is_next)


def _due(provider: IdentityProvider, begins: datetime) -> int | None:
    """Return which reminder is due: the last one whose day has come, unless it has left."""
    come = [days for days in DAYS_BEFORE if begins <= clock.now() + timedelta(days=days)]
    is_new = come and (provider.reminded_days is None or provider.reminded_days > min(come))
    return min(come) if is_new else None


def _remind(organization: Organization, provider: IdentityProvider, begins: datetime, days: int) -> bool:
    """Remind the next of those who would be kept out; after the last of them, tell owners how many they are."""
    readers = _outsiders(organization, provider)
    letters.tell_each(REMINDER, organization, provider, readers, begins_at=begins.isoformat())
    if len(readers) == BATCH:
        return True
    provider.reminded_days = days
    people = db.session.scalars(_OUTSIDE, {"provider_id": provider.id}).one()
    _tell_owners(organization, provider, "soon", begins, people)
    after = {"people": people, "required_from": begins.isoformat()}
    audit.record(
        Actor.system(), Event.SSO_REMINDED, connections.target_of(provider), organization=organization, after=after
    )
    return False


def _outsiders(organization: Organization, provider: IdentityProvider) -> list[Reader]:
    """Return some of those who would be kept out and had no reminder today, who have an address that is theirs."""
    is_linked = exists().where(
        Identity.provider_id == provider.id, Identity.user_id == User.id, Identity.invalid_since.is_(None)
    )
    due = (
        select(User.id, User.name, EmailAddress.address, User.language, is_linked)
        .join(Member, Member.user_id == User.id)
        .join(EmailAddress, HAS_ADDRESS)
        .join(IdentityProvider, IdentityProvider.organization_id == Member.organization_id)
        .where(IdentityProvider.id == provider.id, *IS_ACTIVE)
        .where(not_(_VOUCHED_FOR), ~letters.was_told(REMINDER, organization))
        .order_by(Member.id)
        .limit(BATCH)
    )
    return [Reader(*row[:4], {"is_linked": row[4]}) for row in db.session.execute(due)]


def _end(organization: Organization, provider: IdentityProvider) -> None:
    """Require the provider from now on if an owner could come in then; else require nothing, and tell owners why.

    Nobody could through a provider of which the last check found that it does not work.
    """
    before, is_possible = policy_of(provider), has_owner(provider) and provider.probe_problem is None
    put(provider, Policy(Enforcement.REQUIRED if is_possible else Enforcement.OPTIONAL))
    provider.kept_optional_at = None if is_possible else clock.now()
    record(Actor.system(), Event.SSO_ENFORCED, organization, provider, before)
    people = db.session.scalars(_OUTSIDE, {"provider_id": provider.id}).one()
    _tell_owners(organization, provider, "required" if is_possible else "kept", before.required_from, people)


def _tell_owners(
    organization: Organization, provider: IdentityProvider, what: str, begins: datetime | None, people: int
) -> None:
    said: dict[str, str | int] = {"provider": connections.host_of(provider), "what": what, "people": people}
    said |= {"begins_at": begins.isoformat()} if begins else {}
    said |= {"has_owner": has_owner(provider)}
    letters.tell_owners(organization, "sso_rehearsal", **said)
