"""The audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.db import Id, Model


class AuditEntry(Model):
    """One append-only record of one change. Without an organization it belongs to the chain of the instance.

    Triggers refuse to change or delete it. Names are kept as they were: users and targets may be gone when the entry
    is read.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        UniqueConstraint("organization_id", "sequence"),
        Index(
            "uq_audit_entry_instance_sequence",
            "sequence",
            unique=True,
            sqlite_where=text("organization_id IS NULL"),
            postgresql_where=text("organization_id IS NULL"),
        ),
        Index("ix_audit_entry_actor", "organization_id", "actor_user_id", "sequence"),
        Index("ix_audit_entry_event", "organization_id", "event", "sequence"),
        Index("ix_audit_entry_target", "organization_id", "target_kind", "target_id", "sequence"),
        Index("ix_audit_entry_time", "organization_id", "created_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    sequence: Mapped[int] = mapped_column(Id)
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_user_id: Mapped[int | None] = mapped_column(Id)
    actor_name: Mapped[str] = mapped_column(String(200))
    ip: Mapped[str | None] = mapped_column(String(45))
    event: Mapped[str] = mapped_column(String(60))
    target_kind: Mapped[str] = mapped_column(String(40))
    target_id: Mapped[int | None] = mapped_column(Id)
    target_name: Mapped[str] = mapped_column(String(320))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditMention(Model):
    """That an entry put a member into its target or took them out of it, so that their history is found by an index.

    It says nothing that the entry does not say, so no hash covers it.
    """

    __tablename__ = "audit_mention"

    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[int] = mapped_column(Id, primary_key=True)
    sequence: Mapped[int] = mapped_column(Id, primary_key=True)
    is_in: Mapped[bool]
