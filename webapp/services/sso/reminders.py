"""Reminding members to link their accounts: by letter, each at most once a day."""

from sqlalchemy import Select, and_, cast, exists, literal, select
from sqlalchemy.types import String

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import require
from webapp.access.facts import IS_ACTIVE
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import NotFound
from webapp.models import Attempts, EmailAddress, Identity, IdentityProvider, Member, Organization, User
from webapp.services import attempts, audit, outbox
from webapp.services.attempts import DAY, Limit
from webapp.services.audit import Event
from webapp.services.outbox import Letter
from webapp.services.sso import connections

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
    due = db.session.execute(_due(organization, provider, member_id)).all()
    if not due:
        return 0
    attempts.raise_counters({Limit(f"{_bucket(organization)}{row.id}", 1, DAY): 1 for row in due})
    named = {"organization": organization.name, "slug": organization.slug, "provider": connections.host_of(provider)}
    outbox.enqueue_all(
        [
            Letter(
                "sso_link_reminder",
                row.address,
                {"name": row.name, **named},
                organization_id=organization.id,
                language=row.language,
            )
            for row in due
        ]
    )
    target, after = connections.target_of(provider), {"people": len(due)}
    audit.record(actor, Event.SSO_REMINDED, target, organization=organization, after=after)
    return len(due)


def _require_member(organization: Organization, member_id: int) -> None:
    theirs = select(Member.id).join(User, User.id == Member.user_id).where(Member.organization_id == organization.id)
    if db.session.scalar(theirs.where(Member.id == member_id, *IS_ACTIVE)) is None:
        raise NotFound


def _bucket(organization: Organization) -> str:
    return f"sso:reminder:{organization.id}:"


def _due(
    organization: Organization, provider: IdentityProvider, member_id: int | None
) -> Select[int, str, str | None, str]:
    bucket = literal(_bucket(organization)).concat(cast(User.id, String))
    was_reminded = exists().where(Attempts.bucket == bucket, Attempts.ends_at > clock.now())
    is_linked = exists().where(Identity.provider_id == provider.id, Identity.user_id == User.id)
    is_theirs = and_(EmailAddress.user_id == User.id, EmailAddress.is_primary, EmailAddress.verified_at.is_not(None))
    due = (
        select(User.id, User.name, User.language, EmailAddress.address)
        .join(Member, Member.user_id == User.id)
        .join(EmailAddress, is_theirs)
        .where(Member.organization_id == organization.id, *IS_ACTIVE, ~is_linked, ~was_reminded)
    )
    if member_id is not None:
        due = due.where(Member.id == member_id)
    return due.order_by(Member.id).limit(MOST_AT_ONCE)
