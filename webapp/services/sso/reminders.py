"""Reminding members to link their accounts: by letter, each at most once a day."""

from sqlalchemy import exists, select

from webapp.access.actor import Actor
from webapp.access.decide import require
from webapp.access.facts import IS_ACTIVE
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import NotFound
from webapp.models import EmailAddress, Identity, IdentityProvider, Member, Organization, User
from webapp.services import audit
from webapp.services.audit import Event
from webapp.services.sso import connections, letters
from webapp.services.sso.letters import HAS_ADDRESS, Reader

KIND = "sso_link_reminder"
MOST_AT_ONCE = 1_000


def remind(actor: Actor, organization: Organization, provider: IdentityProvider, member_id: int | None = None) -> int:
    """Remind one member, or all of them, at most 1,000 at once; return how many letters leave.

    Whoever is linked, was reminded within a day, or has no address of which it is known that it is theirs, gets none.
    The link in the letter asks them to sign in first, so it serves nobody else. The caller holds the lock.

    Args:
        actor: who wants it.
        organization: whose members.
        provider: the connection in use.
        member_id: the member; everybody who is not linked where there is none.

    Raises:
        NotFound, Forbidden: the actor may not, or there is no such active member.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    if member_id is not None:
        _require_member(organization, member_id)
    readers = _due(organization, provider, member_id)
    if readers:
        letters.tell_each(KIND, organization, provider, readers)
        target, after = connections.target_of(provider), {"people": len(readers)}
        audit.record(actor, Event.SSO_REMINDED, target, organization=organization, after=after)
    return len(readers)


def _require_member(organization: Organization, member_id: int) -> None:
    theirs = select(Member.id).join(User, User.id == Member.user_id).where(Member.organization_id == organization.id)
    if db.session.scalar(theirs.where(Member.id == member_id, *IS_ACTIVE)) is None:
        raise NotFound


def _due(organization: Organization, provider: IdentityProvider, member_id: int | None) -> list[Reader]:
    is_linked = exists().where(Identity.provider_id == provider.id, Identity.user_id == User.id)
    due = (
        select(User.id, User.name, EmailAddress.address, User.language)
        .join(Member, Member.user_id == User.id)
        .join(EmailAddress, HAS_ADDRESS)
        .where(Member.organization_id == organization.id, *IS_ACTIVE)
        .where(~is_linked, ~letters.was_told(KIND, organization))
    )
    if member_id is not None:
        due = due.where(Member.id == member_id)
    return [Reader(*row) for row in db.session.execute(due.order_by(Member.id).limit(MOST_AT_ONCE))]
