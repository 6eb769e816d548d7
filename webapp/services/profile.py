"""What somebody changes about their own account: name, language, password, and where they are signed in."""

from typing import Any

from sqlalchemy import delete, select

from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import WrongPassword
from webapp.models import Member, MemberWord, User
from webapp.services import accounts, attempts, audit, members, organizations, sessions
from webapp.services.attempts import Limit
from webapp.services.audit import Event, Target
from webapp.services.browsers import browser_name
from webapp.services.words import sort_key

MOST_GUESSES = 10


def change(actor: Actor, name: str, language: str | None) -> bool:
    """Change the actor's name and language; return whether any is another now.

    Args:
        actor: somebody signed in.
        name: as every organization shows and finds it from now on.
        language: such as "de", or nothing to follow the browser.

    Raises:
        NotFound: the actor has no account.
        OftenEnough: they changed their name as often as one may today.
    """
    user = accounts.by_id(actor.user_id or 0)
    wanted: dict[str, str | None] = {"name": name, "language": language}
    before = {field: getattr(user, field) for field in wanted}
    after = {field: value for field, value in wanted.items() if value != before[field]}
    if not after:
        return False
    if "name" in after:
        attempts.require_few_a_day("renames", actor, field="name")
        _rename(actor, user, name)
    user.language = language
    changed = {field: before[field] for field in after}
    audit.record(actor, Event.ACCOUNT_CHANGED, _target(user), before=changed, after=after)
    return True


def _rename(actor: Actor, user: User, name: str) -> None:
    """Change a name with everything by which lists order and find it, and say so in each organization's audit log."""
    here = {organization.id: organization for organization in organizations.lock_all_of(user.id)}
    said: dict[str, Any] = {"before": {"name": user.name}, "after": {"name": name}}
    user.name = name
    email = accounts.primary_address(user.id).address
    for member in db.session.scalars(select(Member).where(Member.user_id == user.id)).all():
        member.sort_name = sort_key(name)
        db.session.execute(delete(MemberWord).where(MemberWord.member_id == member.id))
        members.index_words(member, name, email)
        organization = here[member.organization_id]
        audit.record(actor, Event.MEMBER_RENAMED, members.target_of(member, user), organization=organization, **said)
    db.session.flush()


def change_password(actor: Actor, proven: User, password_hash: str, *, ip: str | None, user_agent: str) -> str:
    """Give the actor a new password, end all their sessions, and open a new one; return its token.

    Args:
        actor: somebody signed in.
        proven: their account as it was when they showed that they know its password.
        password_hash: of the new one.
        ip: where from.
        user_agent: with what.

    Raises:
        WrongPassword: the password was changed meanwhile.
    """
    user = db.session.scalars(
        select(User)
        .where(User.id == proven.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    if not user.is_active or user.password_hash != proven.password_hash:
        raise WrongPassword
    accounts.set_password(actor, user, password_hash)
    return sessions.begin(user.id, ip=ip, user_agent=user_agent)


def guesses_of(user_id: int) -> Limit:
    """Return the limit of attempts at one's own present password: whoever found an open browser guesses too."""
    return Limit(f"present-password:user:{user_id}", MOST_GUESSES)


def end_session(actor: Actor, session_id: int) -> None:
    """Sign one of the actor's browsers out.

    Raises:
        NotFound: they have no such session.
    """
    ip, user_agent = sessions.end_one_of(actor.user_id or 0, session_id)
    target = Target("session", session_id, browser_name(user_agent))
    audit.record(actor, Event.SESSION_ENDED, target, before={"ip": ip})


def end_other_sessions(actor: Actor, token: str) -> int:
    """Sign all of the actor's browsers out but the one with this token; return how many there were."""
    ended = sessions.end_others_of(actor.user_id or 0, token)
    if ended:
        target = Target("user", actor.user_id, actor.name)
        audit.record(actor, Event.SESSION_ENDED, target, before={"sessions": ended})
    return ended


def _target(user: User) -> Target:
    return Target("user", user.id, user.name)
