"""Ways in for owners whose identity provider fails them: codes on paper, and the sessions these have let in."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp import clock
from webapp.db import Id, Model


class RecoveryCode(Model):
    """The hash of a code that lets an owner of an organization in once, without its provider."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("organization_id", "code_hash"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    code_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    used_at: Mapped[datetime | None]


class ShownCodes(Model):
    """New codes of an organization, which a page shows for a few minutes in the session that made them.

    They are sealed for the row. Opening the page changes nothing; the worker deletes them.
    """

    __tablename__ = "shown_codes"

    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("session.id", ondelete="CASCADE"), index=True)
    codes: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SessionRecovery(Model):
    """That a code has let a session of a user into an organization, and until when."""

    __tablename__ = "session_recovery"

    session_id: Mapped[int] = mapped_column(ForeignKey("session.id", ondelete="CASCADE"), primary_key=True)
    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    until: Mapped[datetime]
