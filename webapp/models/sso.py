"""Single sign-on: an organization's connection to its identity provider, who is known there, and what is under way."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp import clock
from webapp.db import Id, Key, Model
from webapp.models.columns import name_column
from webapp.models.member import Role, RoleColumn

# Spelled out, not bound: a planner uses a partial index only for a condition it can read.
DRAFT = "status = 'draft'"
ACTIVE = "status = 'active'"
PROVEN = "proven_at IS NOT NULL"


def _exact(characters: int) -> String:
    """Return a type for text that is compared byte for byte on both databases."""
    return String(characters).with_variant(String(characters, collation="C"), "postgresql")


class ProviderStatus(StrEnum):
    """Where a connection stands: not proven yet, in use, or in use no more."""

    DRAFT = "draft"
    ACTIVE = "active"
    DISABLED = "disabled"


class Enforcement(StrEnum):
    """Whether members have to come through the provider."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Joining(StrEnum):
    """Who becomes a member by signing in: only those invited, or everybody with an address in a listed domain."""

    INVITED = "invited"
    ALLOWED = "allowed"


class IdentityProvider(Model):
    """An organization's connection to its provider; at most one is a draft, and at most one is active.

    `client_secret` is sealed for the row. `version` goes up with every change of what the provider is asked by or with;
    another issuer or kind is always another row, since a subject means nothing elsewhere. `probe_problem` is the reason
    why the last probe failed, in one word; of a draft, why it could not be proven. `problem_said` is what the provider
    calls itself, where that is why. `next_probe_at` is when the next probe is due, at once where there is none.

    `issuer` is what was entered, which may be nothing; `known_issuer` is by what the provider is known, as its kind
    said it of what was entered. Two connections with the same one know the same people.

    `required_from` is when a bypass ends, or the rehearsal of `enforcement` that began at `rehearsed_since`: as long as
    there is one, nothing is required. `reminded_days` is how many days before its end the last reminder left.
    `kept_optional_at` is when a rehearsal ended without an owner who could come in, so that nothing became required.
    """

    __tablename__ = "identity_provider"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        Index(
            "uq_identity_provider_draft",
            "organization_id",
            unique=True,
            sqlite_where=text(DRAFT),
            postgresql_where=text(DRAFT),
        ),
        Index(
            "uq_identity_provider_active",
            "organization_id",
            unique=True,
            sqlite_where=text(ACTIVE),
            postgresql_where=text(ACTIVE),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(40))
    issuer: Mapped[str] = mapped_column(String(2000))
    known_issuer: Mapped[str | None] = mapped_column(String(2000))
    client_id: Mapped[str] = mapped_column(String(500))
    client_secret: Mapped[str | None] = mapped_column(Text)
    options: Mapped[dict[str, str]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(default=1)
    status: Mapped[ProviderStatus] = mapped_column(name_column(ProviderStatus, "status"), default=ProviderStatus.DRAFT)
    enforcement: Mapped[Enforcement] = mapped_column(name_column(Enforcement, "enforcement"), default=Enforcement.OFF)
    required_from: Mapped[datetime | None]
    rehearsed_since: Mapped[datetime | None]
    reminded_days: Mapped[int | None]
    kept_optional_at: Mapped[datetime | None]
    default_role: Mapped[Role] = mapped_column(RoleColumn, default=Role.MEMBER)
    joining: Mapped[Joining] = mapped_column(name_column(Joining, "joining"), default=Joining.INVITED)
    verification_days: Mapped[int] = mapped_column(default=7)
    last_sync_at: Mapped[datetime | None]
    probed_at: Mapped[datetime | None]
    probe_problem: Mapped[str | None] = mapped_column(String(40))
    next_probe_at: Mapped[datetime | None]
    problem_said: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class SsoDomain(Model):
    """A domain whose people join where the policy lets them; proven once the TXT record with the token was found."""

    __tablename__ = "sso_domain"
    __table_args__ = (
        UniqueConstraint("organization_id", "domain"),
        Index(
            "uq_sso_domain_proven",
            "domain",
            unique=True,
            sqlite_where=text(PROVEN),
            postgresql_where=text(PROVEN),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    domain: Mapped[str] = mapped_column(Key)
    token: Mapped[str] = mapped_column(String(64))
    proven_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class Identity(Model):
    """A user at an identity provider, known by the subject, byte for byte; never by an address.

    `claims` is what the provider last said of them. `refresh_token` is sealed for the row; where there is one, the
    provider is asked about them at `next_refresh_at`. `refreshed_at` is when it last vouched for them that way.
    """

    __tablename__ = "identity"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "provider_id"],
            ["identity_provider.organization_id", "identity_provider.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("provider_id", "subject"),
        UniqueConstraint("provider_id", "user_id"),
        Index("ix_identity_provider_id_next_refresh_at", "provider_id", "next_refresh_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(Id)
    provider_id: Mapped[int] = mapped_column(Id)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    subject: Mapped[str] = mapped_column(_exact(255))
    claims: Mapped[dict[str, Any]] = mapped_column(JSON)
    refresh_token: Mapped[str | None] = mapped_column(Text)
    last_verified_at: Mapped[datetime] = mapped_column(default=clock.now)
    refreshed_at: Mapped[datetime | None]
    next_refresh_at: Mapped[datetime | None]
    invalid_since: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class FormerIdentity(Model):
    """That a subject at a connection was a user's, and was unlinked: kept for as long as the account is.

    Whoever was removed, or is suspended, comes back by that subject as nobody who is new. It links to nobody else,
    unless an owner has said that it was never theirs: since `released_at`.
    """

    __tablename__ = "former_identity"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "provider_id"],
            ["identity_provider.organization_id", "identity_provider.id"],
            ondelete="CASCADE",
        ),
    )

    provider_id: Mapped[int] = mapped_column(Id, primary_key=True)
    subject: Mapped[str] = mapped_column(_exact(255), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    organization_id: Mapped[int] = mapped_column(Id)
    unlinked_at: Mapped[datetime] = mapped_column(default=clock.now)
    released_at: Mapped[datetime | None]


class FlowPurpose(StrEnum):
    """What somebody is sent to the provider for."""

    SETUP = "setup"
    SIGN_IN = "sign_in"
    LINK = "link"


class SsoFlow(Model):
    """A way to the provider and back, for one purpose, one connection in one version, and one browser; used once.

    `browser` is the hash of what only that browser has. `secrets` holds, sealed for the row, what the way needs and
    nobody may read: nonce and verifier, a new client secret that is to be proven, the token of an invitation.
    """

    __tablename__ = "sso_flow"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "provider_id"],
            ["identity_provider.organization_id", "identity_provider.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["organization_id", "invitation_id"], ["invitation.organization_id", "invitation.id"], ondelete="CASCADE"
        ),
        Index("ix_sso_flow_provider", "provider_id"),
        Index("ix_sso_flow_invitation", "invitation_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(Id)
    provider_id: Mapped[int] = mapped_column(Id)
    provider_version: Mapped[int]
    purpose: Mapped[FlowPurpose] = mapped_column(name_column(FlowPurpose, "purpose"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    invitation_id: Mapped[int | None] = mapped_column(Id)
    browser: Mapped[str] = mapped_column(String(64))
    state_hash: Mapped[str] = mapped_column(String(64), unique=True)
    secrets: Mapped[str] = mapped_column(Text)
    next: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class SessionIdentity(Model):
    """That a session came through an identity, and when last; several organizations may each insist on theirs.

    `authenticated_at` is when the person last proved themselves at the provider, which may have been long before; none
    where it should say so and does not. Of a kind that never says so it is when the session began.
    """

    __tablename__ = "session_identity"

    session_id: Mapped[int] = mapped_column(ForeignKey("session.id", ondelete="CASCADE"), primary_key=True)
    identity_id: Mapped[int] = mapped_column(
        ForeignKey("identity.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    verified_at: Mapped[datetime] = mapped_column(default=clock.now)
    authenticated_at: Mapped[datetime | None]


class SsoErrand(Model):
    """What is owed to many people of an organization after a change; the worker does it, a batch at a time.

    `kind` names what, `data` what it takes beside the connection that the change was of, if it was of one. `after` is
    the id of whoever came last in the batches before, written with each batch. The next one is due at `not_before`.
    """

    __tablename__ = "sso_errand"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "provider_id"],
            ["identity_provider.organization_id", "identity_provider.id"],
            ondelete="CASCADE",
        ),
        Index("ix_sso_errand_provider", "provider_id"),
        Index("ix_sso_errand_not_before", "not_before"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), index=True)
    provider_id: Mapped[int | None] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[int] = mapped_column(Id, default=0)
    not_before: Mapped[datetime] = mapped_column(default=clock.now)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class SsoMapping(Model):
    """A claim mapping: whoever's claim of a name holds a value belongs to an access group, which is managed by it.

    Claim and value are compared byte for byte. One that is ending fills nothing more; the worker is emptying it.
    """

    __tablename__ = "sso_mapping"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "group_id"], ["access_group.organization_id", "access_group.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("group_id", "claim", "value"),
        Index("ix_sso_mapping_organization", "organization_id", "claim", "value"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(Id)
    group_id: Mapped[int] = mapped_column(Id)
    claim: Mapped[str] = mapped_column(_exact(100))
    value: Mapped[str] = mapped_column(_exact(200))
    is_ending: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class SsoMappingMember(Model):
    """That a mapping holds for a member, by what the provider last said of the claim."""

    __tablename__ = "sso_mapping_member"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "mapping_id"], ["sso_mapping.organization_id", "sso_mapping.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["organization_id", "member_id"], ["member.organization_id", "member.id"], ondelete="CASCADE"
        ),
        Index("ix_sso_mapping_member_member", "member_id"),
    )

    mapping_id: Mapped[int] = mapped_column(Id, primary_key=True)
    member_id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(Id)
