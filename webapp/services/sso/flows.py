"""Ways to a provider and back: kept on the server, bound to one browser, one purpose and one connection, used once."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, update

from webapp import clock
from webapp.db import changes_one_row, db
from webapp.models import FlowPurpose, IdentityProvider, Organization, ProviderStatus, SsoFlow
from webapp.services.invitation_links import Link
from webapp.services.sso import connections
from webapp.services.sso.connections import Connected
from webapp.services.sso.errors import ConnectionChanged, FlowNotYours
from webapp.services.tokens import digest

LIFETIME = timedelta(minutes=10)
LONGEST_NEXT = 2_000


@dataclass(frozen=True)
class Secrets:
    """What the provider is told of, what only the provider brings back, and what somebody came with.

    `link` is of the invitation they come by. `client_secret` is a new one of a connection in use, to be proven.
    `is_respelled` says that the issuer was spelled anew on the way here, which happens once. `max_age_seconds` says how
    long ago they may have signed in at the provider, where that matters.
    """

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    link: Link | None = None
    client_secret: str | None = field(default=None, repr=False)
    is_respelled: bool = False
    max_age_seconds: int | None = None

    def packed(self) -> str:
        """Return what is sealed of it."""
        always = [self.nonce, self.verifier, self.link.token if self.link else None, self.client_secret]
        later: list[object] = [self.is_respelled, self.max_age_seconds]
        return json.dumps([*always, *later] if any(later) else always)  # earlier versions read the four


@dataclass(frozen=True)
class Flow:
    """A flow as values, with the connection as it is now."""

    purpose: FlowPurpose
    organization_id: int
    organization_name: str
    organization_slug: str
    provider_version: int
    user_id: int | None
    next: str | None
    secrets: Secrets
    connected: Connected
    status: ProviderStatus

    @property
    def renews(self) -> bool:
        """Whether it proves a new client secret of a connection in use; `connected` has it then."""
        return self.secrets.client_secret is not None

    def require_current(self) -> None:
        """Go on only if the connection is as it was when the flow began.

        Raises:
            ConnectionChanged: it is not.
        """
        if self.connected.version != self.provider_version or self.status is not self.wanted_status:
            raise ConnectionChanged

    @property
    def wanted_status(self) -> ProviderStatus:
        """Where the connection has to stand: a draft is proven, all else needs one in use."""
        is_of_draft = self.purpose is FlowPurpose.SETUP and not self.renews
        return ProviderStatus.DRAFT if is_of_draft else ProviderStatus.ACTIVE


def begin(
    provider: IdentityProvider,
    purpose: FlowPurpose,
    secrets: Secrets,
    *,
    browser: str,
    user_id: int | None = None,
    next_path: str | None = None,
) -> None:
    """Keep a new flow.

    Args:
        provider: the connection.
        purpose: what for.
        secrets: what it will be known and proven by.
        browser: the digest of what only the browser has.
        user_id: for whom; nobody where it is to show who they are.
        next_path: where to go afterwards, in at most `LONGEST_NEXT` characters.
    """
    name = digest(secrets.state)
    now = clock.now()
    db.session.add(
        SsoFlow(
            organization_id=provider.organization_id,
            provider_id=provider.id,
            provider_version=provider.version,
            purpose=purpose,
            user_id=user_id,
            invitation_id=secrets.link.invitation_id if secrets.link else None,
            browser=browser,
            state_hash=name,
            secrets=db.vault.seal(_seal_name(name), secrets.packed()),
            next=next_path,
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    db.session.flush()


def find(state: str, browsers: Collection[str]) -> Flow:
    """Return a flow that has just begun in this browser and is not used yet.

    Raises:
        FlowNotYours: there is none.
    """
    found = _found({"state_hash": digest(state), "browsers": list(browsers), "now": clock.now()}, state)
    if found is None or found[1] is not None:
        raise FlowNotYours
    return found[0]


def use(provider_id: int, state: str, browsers: Collection[str]) -> Flow | None:
    """Use a flow up, once; of several at the same moment one gets it. To be committed before anything is asked.

    Args:
        provider_id: the connection in the address that the browser came back to.
        state: what it brought.
        browsers: the digests of what only the browser has.

    Returns:
        None, where there is no such flow for this connection and browser, or not any more.
    """
    now, name = clock.now(), digest(state)
    unused = update(SsoFlow).where(
        SsoFlow.state_hash == name,
        SsoFlow.provider_id == provider_id,
        SsoFlow.browser.in_(browsers),
        SsoFlow.used_at.is_(None),
        SsoFlow.expires_at > now,
    )
    if not changes_one_row(unused.values(used_at=now)):
        return None
    found = _found({"state_hash": name, "browsers": list(browsers), "now": now}, state)
    return found[0] if found else None


_FOUND = (
    select(SsoFlow, IdentityProvider, Organization)
    .join(IdentityProvider, IdentityProvider.id == SsoFlow.provider_id)
    .join(Organization, Organization.id == SsoFlow.organization_id)
    .where(
        SsoFlow.state_hash == bindparam("state_hash"),
        SsoFlow.browser.in_(bindparam("browsers", expanding=True)),
        SsoFlow.expires_at > bindparam("now"),
    )
)


def forget(provider: IdentityProvider, user_id: int) -> None:
    """End the ways to a provider that were begun in somebody's name and have not come back."""
    theirs = (SsoFlow.provider_id == provider.id, SsoFlow.user_id == user_id, SsoFlow.used_at.is_(None))
    db.session.execute(delete(SsoFlow).where(*theirs), execution_options={"synchronize_session": False})


def _found(by: dict[str, object], state: str) -> tuple[Flow, datetime | None] | None:
    row = db.session.execute(_FOUND, by).one_or_none()
    if row is None:
        return None
    flow, provider, organization = row
    packed = json.loads(db.vault.open(_seal_name(flow.state_hash), flow.secrets))
    nonce, verifier, token, client_secret, *later = packed
    is_respelled, max_age_seconds = (*later, None, None)[:2]
    secrets = Secrets(state, nonce, verifier, _link(flow, token), client_secret, bool(is_respelled), max_age_seconds)
    values = Flow(
        flow.purpose,
        organization.id,
        organization.name,
        organization.slug,
        flow.provider_version,
        flow.user_id,
        flow.next,
        secrets,
        _connected(provider, secrets),
        provider.status,
    )
    return values, flow.used_at


def _link(flow: SsoFlow, token: str | None) -> Link | None:
    return Link(flow.invitation_id, flow.organization_id, token) if token and flow.invitation_id else None


def _connected(provider: IdentityProvider, secrets: Secrets) -> Connected:
    """Return the connection, with the new client secret where the flow is to prove one."""
    found = connections.connected(provider)
    return found if secrets.client_secret is None else replace(found, client_secret=secrets.client_secret)


def _seal_name(state_hash: str) -> str:
    return f"sso_flow:{state_hash}"
