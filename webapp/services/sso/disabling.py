"""Switching single sign-on off: nobody comes in by it any more, and whoever did needs another way."""

from typing import Any

from sqlalchemy import Select, and_, delete, exists, select
from sqlalchemy.orm import aliased

from webapp.access.actor import Actor
from webapp.access.decide import require
from webapp.access.facts import IS_ACTIVE
from webapp.access.roles import Scope
from webapp.db import db
from webapp.models import (
    EmailAddress,
    Identity,
    IdentityProvider,
    Member,
    Organization,
    ProviderStatus,
    Session,
    SessionIdentity,
    User,
)
from webapp.services import attempts, audit, outbox, verification
from webapp.services.attempts import DAY, Limit
from webapp.services.audit import Event
from webapp.services.outbox import Letter
from webapp.services.sso import connections, letters
from webapp.services.sso.errors import ConnectionChanged

KIND = "sso_disabled"
MOST_UNPROVEN_A_DAY = 200


def disable(actor: Actor, organization: Organization, provider: IdentityProvider) -> None:
    """Take a connection out of use; the caller holds the organization's lock.

    Browsers that came in by nothing else are signed out, ways to the provider and back end as those of a connection
    that was changed, and those who are linked are told, with a way to a password for those who have none. An address
    that only the provider has named gets a letter whose link lets whoever has the mailbox prove it and choose one.

    Raises:
        NotFound, Forbidden: the actor may not.
        ConnectionChanged: it is not in use any more.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    if provider.organization_id != organization.id or provider.status is not ProviderStatus.ACTIVE:
        raise ConnectionChanged
    provider.status = ProviderStatus.DISABLED
    db.session.flush()
    _end_sessions(provider)
    letters.tell_each(KIND, organization, provider, letters.linked(KIND, organization, provider))
    tell_unproven(organization, provider)
    audit.record(actor, Event.SSO_DISABLED, connections.target_of(provider), organization=organization)


def _end_sessions(provider: IdentityProvider) -> None:
    """Close the sessions that nothing but this connection vouches for."""
    through = (
        select(SessionIdentity.session_id)
        .join(Identity, Identity.id == SessionIdentity.identity_id)
        .where(Identity.provider_id == provider.id)
    )
    through_others = (
        exists()
        .where(SessionIdentity.session_id == Session.id, SessionIdentity.identity_id == Identity.id)
        .where(Identity.provider_id == IdentityProvider.id, IdentityProvider.status == ProviderStatus.ACTIVE)
    )
    db.session.execute(
        delete(Session).where(Session.is_confined, Session.id.in_(through), ~through_others),
        execution_options={"synchronize_session": False},
    )


def tell_unproven(organization: Organization, provider: IdentityProvider) -> None:
    """Queue a letter to each address that nobody has proven, at most 200 a day: an organization names whom it likes.

    Its link gives those a password who signed in through the provider, and through nothing else.
    """
    found = db.session.execute(_of_unproven(organization, provider)).all()
    limit = Limit(f"{KIND}:unproven:{organization.id}", MOST_UNPROVEN_A_DAY, DAY)
    over = attempts.raise_counters({limit: len(found)})[limit].count - limit.most if found else 0
    told = found[: max(0, len(found) - max(0, over))]
    said = {"organization": organization.name, "slug": organization.slug, "provider": connections.host_of(provider)}
    tokens = verification.prepare([row.email_id for row in told])
    attempts.raise_counters({Limit(f"{KIND}:{organization.id}:{row.id}", 1, DAY): 1 for row in told})
    outbox.enqueue_all(
        [
            Letter(
                KIND,
                row.address,
                {**said, "name": row.name, "has_password": row.has_password, "email": row.address},
                token,
                organization_id=organization.id,
                language=row.language,
            )
            for row, token in zip(told, tokens, strict=True)
        ]
    )


def _of_unproven(organization: Organization, provider: IdentityProvider) -> Select[*tuple[Any, ...]]:
    """Select those who are linked, whose address nobody has proven, neither for this account nor for another."""
    proven = aliased(EmailAddress)
    is_taken = exists().where(proven.canonical == EmailAddress.canonical, proven.verified_at.is_not(None))
    is_primary = and_(EmailAddress.user_id == User.id, EmailAddress.is_primary, EmailAddress.verified_at.is_(None))
    return (
        select(
            User.id,
            User.name,
            EmailAddress.id.label("email_id"),
            EmailAddress.address,
            User.language,
            User.password_hash.is_not(None).label("has_password"),
        )
        .join(Identity, Identity.user_id == User.id)
        .join(Member, Member.user_id == User.id)
        .join(EmailAddress, is_primary)
        .where(Identity.provider_id == provider.id, Member.organization_id == organization.id, *IS_ACTIVE)
        .where(~is_taken, ~letters.was_told(KIND, organization))
        .order_by(User.id)
        .limit(MOST_UNPROVEN_A_DAY)
    )
