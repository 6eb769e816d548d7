"""Accounts and their email addresses."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp import clock
from webapp.db import Id, Key, Model
from webapp.models.columns import name_column


class UserKind(StrEnum):
    """Whether a person or a program signs in."""

    PERSON = "person"
    BOT = "bot"


class User(Model):
    """An account: one person (or one bot), one login, known across organizations."""

    __tablename__ = "user"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    is_active: Mapped[bool] = mapped_column(default=True)
    is_instance_administrator: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str | None] = mapped_column(String(10))
    kind: Mapped[UserKind] = mapped_column(name_column(UserKind, "kind"), default=UserKind.PERSON)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class EmailAddress(Model):
    """An address of a user. Only a verified one signs in, and only among verified ones is it unique."""

    __tablename__ = "email_address"
    __table_args__ = (
        Index(
            "uq_email_address_verified",
            "canonical",
            unique=True,
            sqlite_where=text("verified_at IS NOT NULL"),
            postgresql_where=text("verified_at IS NOT NULL"),
        ),
        Index(
            "uq_email_address_primary",
            "user_id",
            unique=True,
            sqlite_where=text("is_primary"),
            postgresql_where=text("is_primary"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    address: Mapped[str] = mapped_column(String(320))
    canonical: Mapped[str] = mapped_column(Key, index=True)
    is_primary: Mapped[bool] = mapped_column(default=True)
    verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class AddressToken(Model):
    """The hash of a mailed link that proves an address."""

    __tablename__ = "address_token"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email_address_id: Mapped[int] = mapped_column(ForeignKey("email_address.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
