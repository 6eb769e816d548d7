"""What somebody sees of their own account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select

from webapp import clock
from webapp.db import db
from webapp.models import EmailAddress, Session
from webapp.services.browsers import browser_name
from webapp.services.sessions import IDLE

MOST_SESSIONS = 100


@dataclass(frozen=True)
class SessionRow:
    """A signed-in browser."""

    id: int
    browser: str
    ip: str
    created_at: datetime
    last_seen_at: datetime
    is_this: bool


_ADDRESSES = (
    select(EmailAddress.address, EmailAddress.verified_at, EmailAddress.is_primary)
    .where(EmailAddress.user_id == bindparam("user_id"))
    .order_by(EmailAddress.is_primary.desc(), EmailAddress.id)
)
_SESSIONS = (
    select(Session.id, Session.user_agent, Session.ip, Session.created_at, Session.last_seen_at)
    .where(
        Session.user_id == bindparam("user_id"),
        Session.expires_at > bindparam("now"),
        Session.last_seen_at > bindparam("idle_since"),
    )
    .order_by(Session.last_seen_at.desc(), Session.id.desc())
    .limit(MOST_SESSIONS)
)


def addresses_of(user_id: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return address, moment of proof and whether letters go there, for each address of a user."""
    return db.session.execute(_ADDRESSES, {"user_id": user_id}).all()


def sessions_of(user_id: int, *, this: int) -> list[SessionRow]:
    """Return where a user is signed in, at most 100, the newest activity first; `this` is the session at hand."""
    now = clock.now()
    rows = db.session.execute(_SESSIONS, {"user_id": user_id, "now": now, "idle_since": now - IDLE}).all()
    return [
        SessionRow(row.id, browser_name(row.user_agent), row.ip, row.created_at, row.last_seen_at, row.id == this)
        for row in rows
    ]
