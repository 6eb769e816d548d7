"""An organization's connections: saving a draft, proving it, and what asks the provider needs of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import bindparam, delete, select

from webapp.access.actor import Actor
from webapp.access.decide import require, require_fresh
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import NotFound
from webapp.models import Identity, IdentityProvider, Organization, ProviderStatus
from webapp.services import audit
from webapp.services.audit import Event, Target
from webapp.services.sso.errors import ConnectionChanged, SecretNeeded
from webapp.services.sso.issuers import issuer_of
from webapp.vault import NotReadable


@dataclass(frozen=True)
class Connected:
    """A connection as values, for asking the provider while no transaction is open.

    `client_secret` is None where there is none, or none that the keys at hand can read.
    """

    id: int
    organization_id: int
    version: int
    kind: str
    issuer: str
    client_id: str
    options: Mapping[str, str]
    known_issuer: str | None
    client_secret: str | None = field(repr=False)


@dataclass(frozen=True)
class Answers:
    """What an owner entered about a provider; no secret means the one that is kept, where the kind needs one.

    `known_issuer` is by which issuer the provider is known, as its kind says it of these answers.
    """

    issuer: str
    client_id: str
    options: Mapping[str, str]
    client_secret: str | None = field(default=None, repr=False)
    needs_secret: bool = True
    known_issuer: str | None = None


_NOTHING: Mapping[str, str] = {}
_ONE = select(IdentityProvider).where(
    IdentityProvider.organization_id == bindparam("organization_id"), IdentityProvider.status == bindparam("status")
)
_BOTH = select(IdentityProvider).where(
    IdentityProvider.organization_id == bindparam("organization_id"),
    IdentityProvider.status.in_([ProviderStatus.ACTIVE, ProviderStatus.DRAFT]),
)


def draft_of(organization: Organization) -> IdentityProvider | None:
    """Return the connection that is being set up, if there is one."""
    return _one(organization.id, ProviderStatus.DRAFT)


def active_of(organization: Organization) -> IdentityProvider | None:
    """Return the connection in use, if there is one."""
    return _one(organization.id, ProviderStatus.ACTIVE)


def active_and_draft_of(organization: Organization) -> tuple[IdentityProvider | None, IdentityProvider | None]:
    """Return the connection in use and the one that is being set up, as far as there are such."""
    found = {row.status: row for row in db.session.scalars(_BOTH, {"organization_id": organization.id})}
    return found.get(ProviderStatus.ACTIVE), found.get(ProviderStatus.DRAFT)


def replaced_by(draft: IdentityProvider) -> IdentityProvider | None:
    """Return the connection in use, whose place a draft of the organization takes once it is proven."""
    return _one(draft.organization_id, ProviderStatus.ACTIVE)


def was_in_use(organization: Organization) -> bool:
    """Tell whether there was a connection in use that is none any more."""
    found = db.session.scalars(_ONE.limit(1), {"organization_id": organization.id, "status": ProviderStatus.DISABLED})
    return found.first() is not None


def newest_sealed() -> IdentityProvider | None:
    """Return the newest connection of any organization that has a sealed secret."""
    sealed = select(IdentityProvider).where(IdentityProvider.client_secret.is_not(None))
    return db.session.scalar(sealed.order_by(IdentityProvider.id.desc()).limit(1))


def require_active(organization: Organization) -> IdentityProvider:
    """Return the connection in use.

    Raises:
        NotFound: there is none.
    """
    provider = active_of(organization)
    if provider is None:
        raise NotFound
    return provider


def require_in_use(organization: Organization, provider: IdentityProvider) -> None:
    """Go on only if a connection is the one in use of an organization; the caller holds its lock.

    Raises:
        ConnectionChanged: it is not, or not any more.
    """
    if provider.organization_id != organization.id or provider.status is not ProviderStatus.ACTIVE:
        raise ConnectionChanged


def choose_kind(actor: Actor, organization: Organization, kind: str) -> IdentityProvider:
    """Begin to set up a provider of a kind; a draft of another kind goes, one of this kind stays as it is.

    Raises:
        NotFound, Forbidden: the actor may not.
        SignInAgain: they have not just signed in.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    require_fresh(actor)
    draft = draft_of(organization)
    if draft is not None and draft.kind == kind:
        return draft
    db.session.execute(delete(IdentityProvider).where(IdentityProvider.id == (draft.id if draft else None)))
    made = IdentityProvider(organization_id=organization.id, kind=kind, issuer="", client_id="", options={})
    db.session.add(made)
    db.session.flush()
    audit.record(actor, Event.SSO_EDITED, target_of(made), organization=organization, after={"kind": kind})
    return made


def save_draft(actor: Actor, organization: Organization, draft: IdentityProvider, answers: Answers) -> None:
    """Keep what was entered. Nobody signs in by a draft, so it may change; each change is another version.

    Raises:
        NotFound, Forbidden: the actor may not.
        SignInAgain: they have not just signed in.
        ConnectionChanged: it is no draft any more.
        SecretNeeded: no secret was entered and none is kept, or where it is sent has changed.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    require_fresh(actor)
    if draft.organization_id != organization.id or draft.status is not ProviderStatus.DRAFT:
        raise ConnectionChanged
    if answers.client_secret is None and answers.needs_secret:
        _require_kept_secret(draft, answers)
    note_problem(draft, None, None)
    before = _described(draft)
    draft.issuer, draft.client_id, draft.options = answers.issuer, answers.client_id, dict(answers.options)
    draft.known_issuer = answers.known_issuer
    after = _described(draft)
    if before == after and answers.client_secret is None:
        return
    if answers.client_secret is not None:
        draft.client_secret = db.vault.seal(seal_name(draft), answers.client_secret)
        after["secret_entered"] = True
    draft.version += 1
    audit.record(actor, Event.SSO_EDITED, target_of(draft), organization=organization, before=before, after=after)


def discard(actor: Actor, organization: Organization) -> None:
    """Throw the draft away, if there is one.

    Raises:
        NotFound, Forbidden: the actor may not.
        SignInAgain: they have not just signed in.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    require_fresh(actor)
    draft = draft_of(organization)
    if draft is not None:
        target, before = target_of(draft), _described(draft)
        db.session.execute(delete(IdentityProvider).where(IdentityProvider.id == draft.id))
        audit.record(actor, Event.SSO_DISCARDED, target, organization=organization, before=before)


def respell(actor: Actor, organization: Organization, draft: IdentityProvider, issuer: str) -> None:
    """Let a draft have its issuer as the provider spells it, which is the same address but for a slash at its end.

    Raises:
        NotFound, Forbidden: the actor may not.
        ConnectionChanged: it is another address.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    if not is_respelled(draft.issuer, issuer):
        raise ConnectionChanged
    before = _described(draft)
    draft.issuer = draft.known_issuer = issuer
    draft.version += 1
    audit.record(
        actor, Event.SSO_EDITED, target_of(draft), organization=organization, before=before, after=_described(draft)
    )


def is_respelled(entered: str, said: str) -> bool:
    """Tell whether two addresses of issuers differ by a slash at the end, and by nothing else."""
    return entered != said and entered.removesuffix("/") == said.removesuffix("/")


def note_mistake(
    actor: Actor, organization: Organization, draft: IdentityProvider, reason: str, said: str | None
) -> None:
    """Keep why a draft could not be proven by the actor; see `note_problem`.

    Raises:
        NotFound, Forbidden: the actor may not.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    note_problem(draft, reason, said)


def note_problem(draft: IdentityProvider, reason: str | None, said: str | None) -> None:
    """Keep why a draft could not be proven, for the page on which it is mended.

    Args:
        draft: which.
        reason: in one word; nothing where it is none any more.
        said: what the provider calls itself, where that is why.
    """
    draft.probe_problem, draft.problem_said = reason, said


def activate(
    actor: Actor, organization: Organization, draft: IdentityProvider, learned: Mapping[str, str] = _NOTHING
) -> IdentityProvider | None:
    """Put a draft that has just been proven to use, in the place of the connection that was, by the same rules.

    Args:
        actor: who has proven it.
        organization: whose.
        draft: the connection.
        learned: options that the proof has shown.

    Returns:
        The connection that was in use.

    Raises:
        NotFound, Forbidden: the actor may not.
        SignInAgain: they have not just signed in.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    require_fresh(actor)
    draft.options = {**draft.options, **learned}
    note_problem(draft, None, None)
    present = active_of(organization)
    if present is not None:
        present.status = ProviderStatus.DISABLED
        draft.default_role, draft.joining = present.default_role, present.joining
        draft.verification_days = present.verification_days
        db.session.flush()  # there is one active connection at most, at every moment
        audit.record(actor, Event.SSO_DISABLED, target_of(present), organization=organization)
    draft.status = ProviderStatus.ACTIVE
    after = _described(draft)
    audit.record(actor, Event.SSO_ENABLED, target_of(draft), organization=organization, after=after)
    return present


def renew_secret(actor: Actor, organization: Organization, provider: IdentityProvider, secret: str) -> None:
    """Let a connection in use have a new secret, which has just been proven; ways there and back begin anew.

    Raises:
        NotFound, Forbidden: the actor may not.
        SignInAgain: they have not just signed in.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    require_fresh(actor)
    provider.client_secret = db.vault.seal(seal_name(provider), secret)
    provider.version += 1
    after = {"secret_entered": True}
    audit.record(actor, Event.SSO_EDITED, target_of(provider), organization=organization, after=after)


def current(organization: Organization, provider_id: int, version: int, status: ProviderStatus) -> IdentityProvider:
    """Return a connection that is still as it was; the caller holds the organization's lock.

    Raises:
        ConnectionChanged: it is another version, or was switched off or proven meanwhile.
    """
    of_organization = select(IdentityProvider).where(IdentityProvider.organization_id == organization.id)
    provider = db.session.scalar(of_organization.where(IdentityProvider.id == provider_id))
    if provider is None or provider.version != version or provider.status is not status:
        raise ConnectionChanged
    return provider


def connected(provider: IdentityProvider) -> Connected:
    """Return a connection as values, its secret opened."""
    return Connected(
        provider.id,
        provider.organization_id,
        provider.version,
        provider.kind,
        provider.issuer,
        provider.client_id,
        dict(provider.options),
        provider.known_issuer,
        _opened(provider),
    )


def seal_name(row: IdentityProvider | Identity) -> str:
    """Return the name under which the secret of a connection or of an identity is sealed."""
    return f"{row.__tablename__}:{row.id}"


def host_of(provider: IdentityProvider | Connected) -> str:
    """Return by what pages, letters and the audit log name a provider: its host, or its kind where it has none yet."""
    return urlsplit(issuer_of(provider)).netloc or provider.kind


def target_of(provider: IdentityProvider | Connected) -> Target:
    """Return a connection as the audit log names it."""
    return Target("identity_provider", provider.id, host_of(provider))


def _one(organization_id: int, status: ProviderStatus) -> IdentityProvider | None:
    return db.session.scalar(_ONE, {"organization_id": organization_id, "status": status})


def _opened(provider: IdentityProvider) -> str | None:
    if provider.client_secret is None:
        return None
    try:
        return db.vault.open(seal_name(provider), provider.client_secret)
    except NotReadable:
        return None


def _require_kept_secret(draft: IdentityProvider, answers: Answers) -> None:
    """Go on only if a secret is kept, and goes where it was meant to go."""
    is_elsewhere = (draft.issuer, draft.options) != (answers.issuer, dict(answers.options))
    if _opened(draft) is None or is_elsewhere:
        raise SecretNeeded


def _described(draft: IdentityProvider) -> dict[str, Any]:
    """Return what the audit log keeps of a connection: everything but its secret."""
    return {"kind": draft.kind, "issuer": draft.issuer, "client_id": draft.client_id, **draft.options}
