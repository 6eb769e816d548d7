"""Signing in: sessions, mailed account links and counters of attempts."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column

from webapp import clock
from webapp.db import Id, Key, Model
from webapp.models.columns import name_column


class Session(Model):
    """A signed-in browser. Its cookie holds a random token, of which only the hash is here.

    A confined one was begun at the word of an organization's provider, which counts for nothing elsewhere: it reaches
    only organizations with an identity that it came through (see `SessionIdentity`).
    """

    __tablename__ = "session"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    ip: Mapped[str] = mapped_column(String(45))
    user_agent: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    is_confined: Mapped[bool] = mapped_column(default=False, server_default=false())


class TokenPurpose(StrEnum):
    """What a mailed account link is for."""

    RESET = "reset"


class AccountToken(Model):
    """The hash of a mailed account link. One without a user opens nothing: the address asked for was unknown."""

    __tablename__ = "account_token"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[TokenPurpose] = mapped_column(name_column(TokenPurpose, "purpose"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class Attempts(Model):
    """How often something limited was tried or done within one window of time.

    It is also the memory of what is not done twice in one: letters that were written, domains that were looked at.
    """

    __tablename__ = "attempts"

    bucket: Mapped[str] = mapped_column(Key, primary_key=True)
    count: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(index=True)


class KnownNetwork(Model):
    """A network from which somebody has signed in."""

    __tablename__ = "known_network"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    network: Mapped[str] = mapped_column(Key, primary_key=True)
    last_used_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
