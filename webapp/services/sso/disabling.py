"""Switching single sign-on off: nobody comes in by it any more, and whoever did needs another way."""

from sqlalchemy import delete, exists, select

from webapp.access.actor import Actor
from webapp.access.decide import require
from webapp.access.roles import Scope
from webapp.db import db
from webapp.models import (
    Identity,
    IdentityProvider,
    Organization,
    ProviderStatus,
    Session,
    SessionIdentity,
)
from webapp.services import audit
from webapp.services.audit import Event
from webapp.services.sso import connections, letters
from webapp.services.sso.errors import ConnectionChanged

KIND = "sso_disabled"


def disable(actor: Actor, organization: Organization, provider: IdentityProvider) -> None:
    """Take a connection out of use; the caller holds the organization's lock.

    Browsers that came in by nothing else are signed out, ways to the provider and back end as those of a connection
    that was changed, and those who are linked are told, with a way to a password for those who have none. An address
    that only the provider has named gets no letter: nobody knows whose it is.

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
