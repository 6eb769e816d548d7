"""Invitations: offers of membership to an email address."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column

from webapp import clock
from webapp.db import Id, Key, Model
from webapp.models.columns import name_column
from webapp.models.member import Role, RoleColumn


class InvitationStatus(StrEnum):
    """Where an invitation stands. Expired is derived from `expires_at`, never stored.

    One that had expired is revoked to make room for another: then `closed_at` is not before `expires_at`.
    """

    REQUESTED = "requested"
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"


# Spelled out, not bound: a planner uses a partial index only for a condition it can read.
OPEN = "status IN ('requested', 'pending')"
LISTED = "status IN ('pending', 'declined')"
REQUESTED = "status = 'requested'"


class Invitation(Model):
    """An offer of membership to one address; pending until accepted, declined, revoked or expired.

    `left_out` names the teams and groups it offered that were removed since, that a source fills by now, or that
    whoever sent it may not give any more.

    A requested one waits for somebody who may approve it. `invited_by_id` is whoever sent it, or asked for it; nobody,
    where the command line sent it or a visitor asked to join.
    """

    __tablename__ = "invitation"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        Index(
            "uq_invitation_open",
            "organization_id",
            "canonical",
            unique=True,
            sqlite_where=text(OPEN),
            postgresql_where=text(OPEN),
        ),
        Index("ix_invitation_status", "organization_id", "status", "id"),
        Index(
            "ix_invitation_listed",
            "organization_id",
            "id",
            sqlite_where=text(LISTED),
            postgresql_where=text(LISTED),
        ),
        Index(
            "ix_invitation_requested",
            "organization_id",
            "id",
            sqlite_where=text(REQUESTED),
            postgresql_where=text(REQUESTED),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(320))
    canonical: Mapped[str] = mapped_column(Key)
    role: Mapped[Role] = mapped_column(RoleColumn)
    has_global_access: Mapped[bool] = mapped_column(default=True, server_default=true())
    left_out: Mapped[list[str] | None] = mapped_column(JSON)
    status: Mapped[InvitationStatus] = mapped_column(
        name_column(InvitationStatus, "status"), default=InvitationStatus.PENDING
    )
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("outbox_message.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    reminded_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    def is_open(self, now: datetime) -> bool:
        """Whether the invitation can be accepted at `now`."""
        return self.status is InvitationStatus.PENDING and now < self.expires_at


class InvitationTeam(Model):
    """A team that whoever accepts an invitation joins."""

    __tablename__ = "invitation_team"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "invitation_id"], ["invitation.organization_id", "invitation.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["organization_id", "team_id"], ["team.organization_id", "team.id"], ondelete="CASCADE"),
        Index("ix_invitation_team_team", "team_id"),
    )

    invitation_id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(Id)


class InvitationGroup(Model):
    """An access group that whoever accepts an invitation joins."""

    __tablename__ = "invitation_group"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "invitation_id"], ["invitation.organization_id", "invitation.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["organization_id", "group_id"], ["access_group.organization_id", "access_group.id"], ondelete="CASCADE"
        ),
        Index("ix_invitation_group_group", "group_id"),
    )

    invitation_id: Mapped[int] = mapped_column(Id, primary_key=True)
    group_id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(Id)


class InvitationToken(Model):
    """The hash of a token that opens an invitation. A copied one says nothing of who owns the invited address.

    `copied_by_id` is whoever copied the link, nobody for a mailed one. It is no foreign key: SQLite cannot add one
    without rebuilding the table, and the id of a user is never used again.
    """

    __tablename__ = "invitation_token"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "invitation_id"], ["invitation.organization_id", "invitation.id"], ondelete="CASCADE"
        ),
        Index("ix_invitation_token_invitation", "organization_id", "invitation_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(Id)
    invitation_id: Mapped[int] = mapped_column(Id)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    copied_by_id: Mapped[int | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def is_copied(self) -> bool:
        """Whether somebody copied the link, so that following it proves no address."""
        return self.copied_by_id is not None


class InvitationWord(Model):
    """A word of an invited address, by whose start the invitation is found."""

    __tablename__ = "invitation_word"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "invitation_id"], ["invitation.organization_id", "invitation.id"], ondelete="CASCADE"
        ),
        Index("ix_invitation_word_invitation", "invitation_id", "organization_id", "word"),
    )

    organization_id: Mapped[int] = mapped_column(Id, primary_key=True)
    word: Mapped[str] = mapped_column(Key, primary_key=True)
    invitation_id: Mapped[int] = mapped_column(Id, primary_key=True)


class InvitationBatch(Model):
    """What one use of the invitation form did with each address, kept a day for the page that says so."""

    __tablename__ = "invitation_batch"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    outcomes: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
