"""Requiring single sign-on: whether people of an organization have to come through its provider, and from when on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, exists, select

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import require, require_fresh, require_own_word
from webapp.access.roles import Scope
from webapp.db import db
from webapp.models import (
    Enforcement,
    Identity,
    IdentityProvider,
    Organization,
    ProviderStatus,
    SessionIdentity,
)
from webapp.services import audit, sessions
from webapp.services.audit import Event
from webapp.services.sso import connections, letters
from webapp.services.sso.errors import NothingRequired, NotThroughProvider

JUST_NOW = sessions.FRESH
LATER = "later"
"""What a letter calls it when it is required from some day on."""


@dataclass(frozen=True)
class EnforcementPolicy:
    """Whether people have to come through the provider; `required_from` is when a rehearsal of that ends."""

    enforcement: Enforcement
    required_from: datetime | None = None

    def described(self) -> dict[str, Any]:
        """Return what the audit log keeps of it."""
        return {
            "enforcement": self.enforcement.value,
            "required_from": self.required_from.isoformat() if self.required_from else None,
        }


def is_required(provider: IdentityProvider) -> bool:
    """Tell whether people have to come through a provider by now; see `access.single_sign_on` for the same of rows."""
    is_wanted = provider.status is ProviderStatus.ACTIVE and provider.enforcement is Enforcement.REQUIRED
    has_begun = provider.required_from is None or provider.required_from <= clock.now()
    return is_wanted and provider.rehearsed_since is None and has_begun


def is_rehearsed(provider: IdentityProvider) -> bool:
    """Tell whether it is tried out what requiring a provider in use would do."""
    return provider.status is ProviderStatus.ACTIVE and provider.rehearsed_since is not None


CAME: Final = (
    exists()
    .where(SessionIdentity.session_id == bindparam("session_id"), SessionIdentity.identity_id == Identity.id)
    .where(SessionIdentity.verified_at >= bindparam("since"), SessionIdentity.authenticated_at >= bindparam("since"))
    .where(Identity.invalid_since.is_(None))
    .where(Identity.provider_id == bindparam("provider_id"), Identity.user_id == bindparam("user_id"))
)
"""That the session `session_id` of `user_id` came, and proved itself, at `provider_id` at `since` or later."""
_CAME = select(CAME)


def came_just_now(provider: IdentityProvider, user_id: int | None, session_id: int) -> bool:
    """Tell whether a session of a user came through a provider within the last ten minutes.

    Nor may it be longer ago that they proved themselves there, or here where its kind does not say when they did: a
    provider lets people through who did so last week.
    """
    of_session = {"provider_id": provider.id, "user_id": user_id, "session_id": session_id}
    return bool(db.session.scalar(_CAME, {**of_session, "since": clock.now() - JUST_NOW}))


def enforce(actor: Actor, organization: Organization, wanted: EnforcementPolicy, session_id: int) -> bool:
    """Let an organization require its provider or not, and tell its owners; return whether anything is another now.

    Whoever requires it has just come through it, so at least one owner can come in. From some day on means a rehearsal
    until then; see `rehearsals`. Under the organization's lock.

    Raises:
        NotFound, Forbidden: the actor may not, or there is no provider in use.
        NotThroughProvider: the actor wants to require what they have not just come through.
        SignInAgain: they are signed in at the provider's word alone, or neither came through it just now nor signed in.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    require_own_word(actor)
    provider = connections.require_active(organization)
    is_shown = came_just_now(provider, actor.user_id, session_id)
    if wanted.enforcement is Enforcement.REQUIRED and not is_shown:
        raise NotThroughProvider
    if not is_shown:
        require_fresh(actor)
    before, begins = enforcement_of(provider), wanted.required_from
    provider.kept_optional_at = None
    if before == wanted:
        return False
    put(provider, wanted, rehearsed_since=(provider.rehearsed_since or clock.now()) if begins else None)
    record(actor, Event.SSO_ENFORCED, organization, provider, before)
    _tell(actor, organization, provider, wanted)
    return True


def begin_anew(actor: Actor, organization: Organization, provider: IdentityProvider, before: IdentityProvider) -> None:
    """Let nobody have to come through a connection that has taken the place of another, and tell the owners.

    Hardly anybody is linked with it yet: requiring it takes a look at who would be kept out. The caller has asked for
    the right.
    """
    if before.enforcement is Enforcement.REQUIRED:
        put(provider, EnforcementPolicy(Enforcement.OPTIONAL))
        record(actor, Event.SSO_ENFORCED, organization, provider, enforcement_of(before))
        _tell(actor, organization, provider, enforcement_of(provider))


def _tell(actor: Actor, organization: Organization, provider: IdentityProvider, policy: EnforcementPolicy) -> None:
    begins = policy.required_from
    letters.tell_owners(
        organization,
        "sso_enforced",
        actor=actor.name,
        provider=connections.host_of(provider),
        **({"begins_at": begins.isoformat(), "what": LATER} if begins else {"what": policy.enforcement.value}),
    )


def bypass(actor: Actor, organization: Organization, lasts: timedelta) -> datetime:
    """Let people of an organization in without its provider for a while, and tell its owners; return until when.

    Raises:
        NotFound, Forbidden: the actor may not, or there is no provider in use.
        NothingRequired: nobody has to come through it at present.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    provider = connections.require_active(organization)
    if not is_required(provider):
        raise NothingRequired
    before, until = enforcement_of(provider), clock.now() + lasts
    put(provider, EnforcementPolicy(Enforcement.REQUIRED, until))
    record(actor, Event.SSO_BYPASSED, organization, provider, before)
    host = connections.host_of(provider)
    letters.tell_owners(organization, "sso_bypassed", provider=host, until_at=until.isoformat())
    return until


def enforcement_of(provider: IdentityProvider) -> EnforcementPolicy:
    """Return what is in force."""
    return EnforcementPolicy(provider.enforcement, provider.required_from)


def put(provider: IdentityProvider, policy: EnforcementPolicy, *, rehearsed_since: datetime | None = None) -> None:
    """Put a policy in force, or begin or go on to rehearse it; its reminders begin anew."""
    provider.enforcement, provider.required_from = policy.enforcement, policy.required_from
    provider.rehearsed_since, provider.reminded_days = rehearsed_since, None
    db.session.flush()


def record(
    actor: Actor, event: Event, organization: Organization, provider: IdentityProvider, before: EnforcementPolicy
) -> None:
    """Note in the audit log that another policy is in force than before."""
    change = {"before": before.described(), "after": enforcement_of(provider).described()}
    audit.record(actor, event, connections.target_of(provider), organization=organization, **change)
