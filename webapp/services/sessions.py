"""Sessions: signed-in browsers, kept on the server."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, case, delete, select, update

from webapp import clock
from webapp.access.single_sign_on import would_be_refused
from webapp.db import Id, UtcDateTime, db
from webapp.errors import NotFound
from webapp.models import Member, Session
from webapp.services.tokens import digest, new_token

LIFETIME = timedelta(days=14)
IDLE = timedelta(hours=12)
FRESH = timedelta(minutes=10)
"""How long somebody counts as having just proven who they are."""
TOUCH_EVERY = timedelta(minutes=5)
_CAME_BY = bindparam("came_by", type_=Id)
_NOW = bindparam("now", type_=UtcDateTime())
_NOTED = (
    update(Member)
    .where(Member.id == bindparam("member", type_=Id))
    .values(
        last_active_at=_NOW,
        signed_in_at=select(Session.created_at).where(Session.id == _CAME_BY).scalar_subquery(),
        would_be_refused_at=case((would_be_refused(Member, _CAME_BY), _NOW), else_=None),
    )
    .execution_options(synchronize_session=False)
)


def begin(user_id: int, *, ip: str | None, user_agent: str, is_confined: bool = False) -> str:
    """Open a session for a user and return the token for the browser's cookie.

    Args:
        user_id: whose.
        ip: where from.
        user_agent: with what.
        is_confined: whether an organization's provider alone says who they are.
    """
    token = new_token()
    now = clock.now()
    db.session.add(
        Session(
            user_id=user_id,
            token_hash=digest(token),
            ip=ip or "",
            user_agent=user_agent[:200],
            created_at=now,
            last_seen_at=now,
            expires_at=now + LIFETIME,
            is_confined=is_confined,
        )
    )
    db.session.flush()
    return token


def end(token: str) -> None:
    """Close the session of a token; other browsers stay signed in."""
    db.session.execute(delete(Session).where(Session.token_hash == digest(token)))


def end_all_of(user_id: int) -> None:
    """Close every session of a user."""
    db.session.execute(delete(Session).where(Session.user_id == user_id))


def end_one_of(user_id: int, session_id: int) -> tuple[str, str]:
    """Close one session of a user; return from where and with what it was used: IP address and user agent.

    Raises:
        NotFound: they have no such session, or it was closed a moment earlier.
    """
    theirs = delete(Session).where(Session.id == session_id, Session.user_id == user_id)
    row = db.session.execute(theirs.returning(Session.ip, Session.user_agent)).one_or_none()
    if row is None:
        raise NotFound
    return row.ip, row.user_agent


def end_others_of(user_id: int, token: str) -> int:
    """Close every session of a user but that of a token; return how many there were."""
    others = delete(Session).where(Session.user_id == user_id, Session.token_hash != digest(token))
    return len(db.session.scalars(others.returning(Session.id)).all())


def is_stale(noted_at: datetime | None) -> bool:
    """Tell whether an activity was noted so long ago, in minutes, that it is worth noting again."""
    return noted_at is None or noted_at <= clock.now() - TOUCH_EVERY


def touch(session_id: int, member_id: int | None) -> None:
    """Note that a session was active just now, for which membership, and whether a rehearsal would have refused it."""
    now = clock.now()
    db.session.execute(update(Session).where(Session.id == session_id).values(last_seen_at=now))
    if member_id is not None:
        db.session.connection().execute(_NOTED, {"member": member_id, "came_by": session_id, "now": now})
