"""Trying out what requiring single sign-on would do, until a day: reminders before it, and what happens on it.

Until the worker has ended a rehearsal nothing is required, so every page and every decision agrees about it by the same
row, and nobody is locked out by a day that comes while no owner could come in.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, not_, or_, select

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.outside import OF_PROVIDER, OUTSIDE
from webapp.access.single_sign_on import is_connection_of, is_in_use
from webapp.db import db
from webapp.models import (
    Enforcement,
    IdentityProvider,
    Member,
    Organization,
    Role,
    SsoErrand,
)
from webapp.services import audit, organizations
from webapp.services.audit import Event
from webapp.services.sso import connections, errands, letters, reminders
from webapp.services.sso.enforcement import EnforcementPolicy, enforcement_of, is_rehearsed, put, record
from webapp.services.sso.errands import Owed
from webapp.services.sso.reminders import Whom

DAYS_BEFORE = (7, 3, 1)

_OUTSIDE = select(func.count()).select_from(OF_PROVIDER.where(OUTSIDE).subquery())
_OWNER = OF_PROVIDER.where(Member.role == Role.OWNER, not_(OUTSIDE)).limit(1)


def organizations_due() -> Sequence[int]:
    """Return the ids of organizations that rehearse, and where something has to be done about it now."""
    due = (
        select(IdentityProvider.organization_id)
        .where(is_in_use(IdentityProvider), IdentityProvider.rehearsed_since.is_not(None))
        .where(or_(IdentityProvider.required_from <= clock.now(), *map(_is_reminder_due, DAYS_BEFORE)))
    )
    return db.session.scalars(due.order_by(IdentityProvider.organization_id)).all()


def count_outside(organization_id: int) -> int:
    """Return how many active members of an organization would be kept out, if its provider were required now."""
    in_use = is_connection_of(IdentityProvider, organization_id)
    provider_id = db.session.scalar(select(IdentityProvider.id).where(in_use))
    return db.session.scalars(_OUTSIDE, {"provider_id": provider_id}).one()


def go_on(organization_id: int, people: int) -> None:
    """End a rehearsal whose day has come, or begin the reminders that are due, and tell the owners.

    The organization's lock keeps two workers from doing so twice.

    Args:
        organization_id: whose.
        people: how many would be kept out, as they were counted just before.
    """
    organization = organizations.lock(organization_id)
    provider = connections.active_of(organization)
    if provider is None or provider.required_from is None or not is_rehearsed(provider):
        return
    if provider.required_from <= clock.now():
        _end(organization, provider, people)
    elif (days := _due(provider, provider.required_from)) is not None:
        provider.reminded_days = days
        _begin_reminders(organization, provider, provider.required_from, people)


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


def _begin_reminders(organization: Organization, provider: IdentityProvider, begins: datetime, people: int) -> None:
    """Tell owners how many would be kept out, and owe each of these a reminder."""
    errands.owe(organization, Owed.OUTSIDERS_ARE_REMINDED, provider, begins_at=begins.isoformat())
    _tell_owners(organization, provider, "soon", begins, people)
    after = {"people": people, "required_from": begins.isoformat()}
    audit.record(
        Actor.system(), Event.SSO_REMINDED, connections.target_of(provider), organization=organization, after=after
    )


def remind(organization: Organization, errand: SsoErrand) -> bool:
    """Remind those who would be kept out among the next members; tell whether more follow. See `errands`.

    Where the rehearsal is over, or goes on until another day, that day has reminders of its own.
    """
    provider = errands.provider_of(errand)
    begins = provider.required_from
    if not is_rehearsed(provider) or begins is None or begins.isoformat() != errand.data["begins_at"]:
        return False
    batch = errands.next_members(errand)
    reminders.tell(organization, provider, Whom.OUTSIDE, Member.id.in_(batch))
    return errands.end_batch(errand, batch)


def _end(organization: Organization, provider: IdentityProvider, people: int) -> None:
    """Require the provider from now on if an owner could come in then; else require nothing, and tell owners why.

    Nobody could through a provider of which the last check found that it does not work.
    """
    before, is_possible = enforcement_of(provider), has_owner(provider) and provider.probe_problem is None
    put(provider, EnforcementPolicy(Enforcement.REQUIRED if is_possible else Enforcement.OPTIONAL))
    provider.kept_optional_at = None if is_possible else clock.now()
    record(Actor.system(), Event.SSO_ENFORCED, organization, provider, before)
    _tell_owners(organization, provider, "required" if is_possible else "kept", before.required_from, people)


def _tell_owners(
    organization: Organization, provider: IdentityProvider, what: str, begins: datetime | None, people: int
) -> None:
    said: dict[str, str | int] = {"provider": connections.host_of(provider), "what": what, "people": people}
    said |= {"begins_at": begins.isoformat()} if begins else {}
    said |= {"has_owner": has_owner(provider)}
    letters.tell_owners(organization, "sso_rehearsal", **said)
