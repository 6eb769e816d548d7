"""The browser's session: a random token in the cookie, everything else in the database."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any, cast

from flask import Request, g, request, session
from flask_babel import get_locale
from flask_login import AnonymousUserMixin, UserMixin, current_user
from sqlalchemy import Row, and_, bindparam, exists, select

from webapp import clock
from webapp.access import decide
from webapp.access.actor import Actor, ActorKind
from webapp.db import db
from webapp.errors import NotFound, SignInRequired
from webapp.models import EmailAddress, Member, Organization, Session, User
from webapp.services import sessions
from webapp.services.tokens import digest

TOKEN = "token"  # noqa: S105  (the name of the cookie's entry)
BROWSER = "browser"


@dataclass(frozen=True)
class Viewer(UserMixin):
    """The signed-in user, as Flask-Login's `current_user`."""

    user_id: int
    name: str
    language: str | None
    has_password: bool
    session_id: int
    email: str
    is_address_verified: bool
    needs_touch: bool
    signed_in_at: datetime
    is_confined: bool

    @property
    def is_fresh(self) -> bool:
        """Whether they have just proven who they are to us, and not only to an organization's provider."""
        return not self.is_confined and clock.now() - self.signed_in_at <= sessions.FRESH

    @property
    def through(self) -> int | None:
        """The session whose ways in are all that they may know of; nothing where it is theirs without doubt."""
        return self.session_id if self.is_confined else None


_IS_VALID = (
    Session.token_hash == bindparam("token_hash"),
    Session.expires_at > bindparam("now"),
    Session.last_seen_at > bindparam("idle_since"),
    User.is_active,
)
VIEWER = (
    select(
        User.id.label("user_id"),
        User.name,
        User.language,
        User.password_hash.is_not(None).label("has_password"),
        Session.id.label("session_id"),
        Session.last_seen_at,
        Session.created_at.label("signed_in_at"),
        Session.is_confined,
        EmailAddress.address,
        EmailAddress.verified_at,
    )
    .join(Session, User.id == Session.user_id)
    .outerjoin(EmailAddress, and_(EmailAddress.user_id == User.id, EmailAddress.is_primary))
    .where(*_IS_VALID)
)
_BELONGS = select(
    exists().where(
        *_IS_VALID,
        User.id == Session.user_id,
        Member.user_id == User.id,
        Member.is_active,
        Organization.id == Member.organization_id,
        Organization.slug == bindparam("slug"),
    )
)


def load_viewer(_request: Request) -> Viewer | None:
    """Find who is signed in by the token in the cookie; for Flask-Login's `request_loader`."""
    row = db.session.connection().execute(VIEWER, asked_of_token()).one_or_none() if token() else None
    return None if row is None else _viewer(row)


def know(row: Row[*tuple[Any, ...]] | None) -> Viewer | None:
    """Keep for the request who is signed in, as a statement that adds to `VIEWER` has read it, and return them."""
    found = None if row is None else _viewer(row)
    g._login_user = AnonymousUserMixin() if found is None else found
    return found


def _viewer(row: Row[*tuple[Any, ...]]) -> Viewer:
    return Viewer(
        user_id=row.user_id,
        name=row.name,
        language=row.language,
        has_password=row.has_password,
        session_id=row.session_id,
        email=row.address or "",
        is_address_verified=row.address is None or row.verified_at is not None,
        needs_touch=sessions.is_stale(row.last_seen_at),
        signed_in_at=row.signed_in_at,
        is_confined=row.is_confined,
    )


def belongs_to(slug: str) -> bool:
    """Tell, in one statement, whether an active member of the organization with this slug is signed in."""
    return bool(db.session.connection().scalar(_BELONGS, {**asked_of_token(), "slug": slug}))


def asked_of_token() -> dict[str, object]:
    """Return the parameters of `VIEWER`."""
    now = clock.now()
    return {"token_hash": digest(token()), "now": now, "idle_since": now - sessions.IDLE}


def reload_viewer() -> Viewer | None:
    """Read again, in the transaction at hand, who is signed in."""
    g.pop("_login_user", None)
    found = current_user._get_current_object()
    return None if isinstance(found, AnonymousUserMixin) else cast(Viewer, found)


def is_viewer_known() -> bool:
    """Tell whether this request has read who is signed in."""
    return "_login_user" in g


def viewer() -> Viewer | None:
    """Return who is signed in, as the guard has read it, or nobody."""
    if not is_viewer_known():
        return None
    found = current_user._get_current_object()
    return None if isinstance(found, AnonymousUserMixin) else cast(Viewer, found)


def require_viewer() -> Viewer:
    """Return who is signed in, as the guard has read it.

    Raises:
        SignInRequired: nobody is.
    """
    found = viewer()
    if found is None:
        raise SignInRequired
    return found


def require_fresh() -> None:
    """Go on only if the viewer has just signed in by themselves.

    Raises:
        SignInRequired: nobody is signed in.
        SignInAgain: it was too long ago, or at the word of a provider.
    """
    require_viewer()
    decide.require_fresh(current_actor())


def start(token: str) -> None:
    """Sign this browser in. Nothing of the cookie before survives that opens anything, so none can be fixed.

    What a stranger began stays theirs to finish: the sign-ins under way in other tabs know the browser by its name.
    """
    name = _name()
    session.clear()
    session.permanent = True
    session[TOKEN] = token
    if name:
        session[BROWSER] = name
    g.pop("_login_user", None)


def stop() -> None:
    """Sign this browser out."""
    session.clear()
    g.pop("_login_user", None)


def token() -> str:
    """Return the session token in the cookie, empty where nobody is signed in."""
    return str(session.get(TOKEN, ""))


def browser() -> str:
    """Return what tells this browser from all others, from the first page of ours until somebody signs out.

    Raises:
        NotFound: it has seen no page of ours.
    """
    found = _name()
    if not found:
        raise NotFound
    return found


def browsers() -> tuple[str, ...]:
    """Return by what this browser may be known: by its name, and by who is signed in there.

    Raises:
        NotFound: it has seen no page of ours.
    """
    found = tuple(filter(None, (_name(), token() and digest(token()))))
    if not found:
        raise NotFound
    return found


def _name() -> str:
    """Return the name of this browser: the digest of the first CSRF secret it had, empty where it had none."""
    secret = session.get("csrf_token", "")
    return str(session.get(BROWSER) or (secret and digest(str(secret))))


def client_ip() -> str | None:
    """Return the browser's address, as far as trusted proxies tell; nothing where that is no address."""
    try:
        return str(ip_address(request.remote_addr or ""))
    except ValueError:
        return None


def user_agent() -> str:
    """Return what the browser calls itself."""
    return request.user_agent.string


def current_actor() -> Actor:
    """Return who acts in this request and in which language, with their membership in the organization at hand."""
    found = viewer()
    member: Member | None = g.get("member")
    made = g.get("actor")
    if made is None or made[0] is not found or made[1] is not member:
        made = g.actor = (found, member, _actor(found, member))
    return cast(Actor, made[2])


def _actor(found: Viewer | None, member: Member | None) -> Actor:
    language = get_locale().language
    if found is None:
        return Actor.visitor(client_ip(), language)
    known = {"is_confined": found.is_confined, "is_fresh": found.is_fresh}
    return Actor(ActorKind.USER, found.name, found.user_id, client_ip(), member, language, **known)
