"""Asking providers later whether they still vouch for somebody: who is due, and what becomes of the answer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.single_sign_on import is_in_use
from webapp.db import db
from webapp.models import Identity, IdentityProvider, Organization, ProviderStatus
from webapp.services import accounts, audit, members, organizations
from webapp.services.audit import Event
from webapp.services.sso import connections, identities, mappings
from webapp.services.sso.connections import Connected
from webapp.services.sso.enforcement import is_required
from webapp.services.sso.health import LEASE
from webapp.services.sso.identities import REFRESHED_EVERY, Said
from webapp.vault import NotReadable

UNANSWERED_ASKED_EVERY = timedelta(hours=1)
KIND = "sso_invalidated"


@dataclass(frozen=True)
class Asked:
    """Somebody about whom a provider is being asked, as values, for asking while no transaction is open.

    `sealed` is the refresh token as the row has it: where the row has another one later, somebody signed in meanwhile.
    """

    organization_id: int
    identity_id: int
    subject: str
    connected: Connected
    began_at: datetime
    refresh_token: str = field(repr=False)
    sealed: str = field(repr=False)


def take(provider_id: int) -> Asked | None:
    """Take whoever has waited longest to be asked about at a connection in use; two never get the same one."""
    now = clock.now()
    for identity, provider in _due(provider_id, now):
        identity.next_refresh_at = now + LEASE
        sealed = identity.refresh_token or ""
        try:
            token = db.vault.open(connections.seal_name(identity), sealed)
        except NotReadable:
            identity.next_refresh_at = now + REFRESHED_EVERY
            continue
        connected = connections.connected(provider)
        return Asked(identity.organization_id, identity.id, identity.subject, connected, now, token, sealed)
    return None


def confirm(asked: Asked, said: Said) -> None:
    """Keep that the provider still vouches for somebody, what it says of them, and the next token to ask with.

    Its claims fill access groups as at a sign-in. Of a connection that is not in use any more nothing is kept.

    Where they signed in meanwhile, that is the newer word, and of this one only the token is kept: nothing at all,
    where they brought another token.
    """
    organization, identity = _still(asked)
    if identity is None:
        return
    provider = db.session.get_one(IdentityProvider, identity.provider_id)
    if provider.status is not ProviderStatus.ACTIVE:
        return
    if identity.last_verified_at > asked.began_at:
        identities.keep_token(identity, said)
        return
    identities.verify(identity, said)
    identity.refreshed_at = identity.last_verified_at
    member = members.of_user(organization, identity.user_id)
    if member is not None and member.is_active:
        mappings.sync(organization, provider, member, said.texts)


def invalidate(asked: Asked) -> bool:
    """Keep that the provider no longer vouches for somebody, and tell them; return whether that is so.

    It is not where they signed in meanwhile, or where the connection is another by now than the one that was asked.
    """
    organization, identity = _still(asked)
    if identity is None:
        return False
    provider = db.session.get_one(IdentityProvider, identity.provider_id)
    if provider.version != asked.connected.version or provider.status is not ProviderStatus.ACTIVE:
        identity.next_refresh_at = clock.now() + UNANSWERED_ASKED_EVERY
        return False
    identity.refresh_token = identity.next_refresh_at = None
    if identity.last_verified_at > asked.began_at:
        return False
    identity.invalid_since = clock.now()
    _tell(organization, provider, identity)
    return True


def postpone(asked: Asked, refresh_token: str | None) -> None:
    """Ask again later: nothing was learned, so nothing changes for anybody.

    Args:
        asked: about whom nothing was learned.
        refresh_token: what to ask with then, where the provider has exchanged the token but said nothing more.
    """
    _organization, identity = _still(asked)
    if identity is not None:
        if refresh_token is not None:
            identity.refresh_token = db.vault.seal(connections.seal_name(identity), refresh_token)
        identity.next_refresh_at = clock.now() + UNANSWERED_ASKED_EVERY


def _due(provider_id: int, now: datetime) -> Iterator[tuple[Identity, IdentityProvider]]:
    """Return those who are due one by one, each held until the transaction ends; not those somebody else holds."""
    waiting = (
        select(Identity, IdentityProvider)
        .join(IdentityProvider, IdentityProvider.id == Identity.provider_id)
        .where(Identity.provider_id == provider_id, Identity.next_refresh_at <= now)
        .where(is_in_use(IdentityProvider))
        .order_by(Identity.next_refresh_at, Identity.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Identity)
    )
    while row := db.session.execute(waiting).one_or_none():
        yield row[0], row[1]


def _still(asked: Asked) -> tuple[Organization, Identity | None]:
    """Hold the organization's lock; return it with the identity, if its token is still the one that was asked with."""
    organization = organizations.lock(asked.organization_id)
    identity = db.session.get(Identity, asked.identity_id, populate_existing=True)
    if identity is None or identity.refresh_token != asked.sealed:
        return organization, None
    return organization, identity


def _tell(organization: Organization, provider: IdentityProvider, identity: Identity) -> None:
    """Write to the audit log and to the person, where they are still a member; what its claims gave them is gone."""
    member = members.of_user(organization, identity.user_id)
    if member is None:
        return
    user, host = accounts.by_id(identity.user_id), connections.host_of(provider)
    mappings.forget(Actor.connection(host), organization, member)
    target = members.target_of(member, user)
    audit.record(Actor.system(), Event.SSO_INVALIDATED, target, organization=organization, after={"provider": host})
    if user.is_active and member.is_active:
        said = {"organization": organization.name, "slug": organization.slug, "provider": host}
        accounts.tell(user, KIND, **said, is_required=is_required(provider))
