"""Reminding members to link their accounts, or to sign in through the provider: by letter, each at most once a day."""

from enum import StrEnum

from sqlalchemy import select

from webapp.access.actor import Actor
from webapp.access.decide import require
from webapp.access.facts import IS_ACTIVE
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import NotFound
from webapp.models import EmailAddress, IdentityProvider, Member, Organization, User
from webapp.services import audit
from webapp.services.audit import Event
from webapp.services.sso import connections, letters, rehearsals
from webapp.services.sso.enforcement import is_rehearsed
from webapp.services.sso.letters import HAS_ADDRESS, Reader
from webapp.services.sso.outside import HAS_IDENTITY, OUTSIDE, REFUSED, UNLINKED

KIND = "sso_link_reminder"
MOST_AT_ONCE = 1_000


class Whom(StrEnum):
    """Which members are reminded: who is not linked, would be kept out now, or would have been in the rehearsal."""

    UNLINKED = "unlinked"
    OUTSIDE = "outside"
    REFUSED = "refused"


_CONDITIONS = {Whom.UNLINKED: UNLINKED, Whom.OUTSIDE: OUTSIDE, Whom.REFUSED: REFUSED}


def remind(
    actor: Actor, organization: Organization, provider: IdentityProvider, whom: Whom, member_id: int | None = None
) -> int:
    """Remind one member, or all of them, at most 1,000 at once; return how many letters leave.

    Whoever is none of them, was reminded within a day, or has no address of which it is known that it is theirs, gets
    none. The link in the letter asks them to sign in first, so it serves nobody else. The caller holds the lock.

    Args:
        actor: who wants it.
        organization: whose members.
        provider: the connection in use.
        whom: which members.
        member_id: the one of them; all where there is none.

    Raises:
        NotFound, Forbidden: the actor may not, or there is no such active member.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    if member_id is not None:
        _require_member(organization, member_id)
    begins = provider.required_from if whom is not Whom.UNLINKED and is_rehearsed(provider) else None
    kind, more = (rehearsals.REMINDER, {"begins_at": begins.isoformat()}) if begins else (KIND, {})
    readers = _due(kind, organization, provider, whom, member_id)
    if readers:
        letters.tell_each(kind, organization, provider, readers, **more)
        target, after = connections.target_of(provider), {"people": len(readers)}
        audit.record(actor, Event.SSO_REMINDED, target, organization=organization, after=after)
    return len(readers)


def _require_member(organization: Organization, member_id: int) -> None:
    theirs = select(Member.id).join(User, User.id == Member.user_id).where(Member.organization_id == organization.id)
    if db.session.scalar(theirs.where(Member.id == member_id, *IS_ACTIVE)) is None:
        raise NotFound


def _due(
    kind: str, organization: Organization, provider: IdentityProvider, whom: Whom, member_id: int | None
) -> list[Reader]:
    due = (
        select(User.id, User.name, EmailAddress.address, User.language, HAS_IDENTITY)
        .join(Member, Member.user_id == User.id)
        .join(EmailAddress, HAS_ADDRESS)
        .join(IdentityProvider, IdentityProvider.organization_id == Member.organization_id)
        .where(IdentityProvider.id == provider.id, *IS_ACTIVE)
        .where(_CONDITIONS[whom], ~letters.was_told(kind, organization))
    )
    if member_id is not None:
        due = due.where(Member.id == member_id)
    found = db.session.execute(due.order_by(Member.id).limit(MOST_AT_ONCE))
    return [Reader(*row[:4], {"is_linked": row[4]}) for row in found]
