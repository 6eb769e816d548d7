"""Accounts: users, their verified addresses, signing in and getting a new password."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import exists, select, update

from webapp import clock
from webapp.access.actor import Actor
from webapp.db import changes_one_row, db
from webapp.errors import AddressTaken, LinkNotValid, NotFound, WrongCredentials
from webapp.models import AccountToken, EmailAddress, TokenPurpose, User
from webapp.services import attempts, audit, networks, outbox, sessions
from webapp.services.addresses import Address
from webapp.services.attempts import DAY, Limit
from webapp.services.audit import Event, Target
from webapp.services.browsers import browser_name
from webapp.services.outbox import Letter
from webapp.services.tokens import digest, new_token

RESET_LIFETIME = timedelta(hours=1)
RESETS_A_DAY = 10


@dataclass(frozen=True)
class NewAccount:
    """What a person enters to get an account; the password is hashed already. Whom a provider names has none."""

    name: str
    address: Address
    password_hash: str | None


@dataclass(frozen=True)
class Account:
    """A user found by a verified address."""

    user: User
    email: EmailAddress


def with_verified_address(canonical: str) -> Account | None:
    """Return the account whose verified address this is; an unproven address finds nobody."""
    row = db.session.execute(
        select(User, EmailAddress)
        .join(EmailAddress, EmailAddress.user_id == User.id)
        .where(EmailAddress.canonical == canonical, EmailAddress.verified_at.is_not(None))
    ).one_or_none()
    return Account(*row) if row else None


def by_id(user_id: int) -> User:
    """Return an active user.

    Raises:
        NotFound: there is none, or none who may act.
    """
    user = db.session.scalar(select(User).where(User.id == user_id, User.is_active))
    if user is None:
        raise NotFound
    return user


def create(actor: Actor, new: NewAccount, *, is_proven: bool = True, is_administrator: bool = False) -> User:
    """Make an account with one address.

    Args:
        actor: who makes it.
        new: what was entered.
        is_proven: whether the owner of the address has just proven that it is theirs; otherwise it opens and reserves
            nothing yet, and nobody learns here whether somebody else has proven it.
        is_administrator: whether they administer the instance.

    Raises:
        AddressTaken: it is proven, and a verified account has this address already.
    """
    if is_proven and with_verified_address(new.address.canonical):
        raise AddressTaken
    user = User(name=new.name, password_hash=new.password_hash, is_instance_administrator=is_administrator)
    db.session.add(user)
    db.session.flush()
    db.session.add(
        EmailAddress(
            user_id=user.id,
            address=new.address.typed,
            canonical=new.address.canonical,
            verified_at=clock.now() if is_proven else None,
        )
    )
    db.session.flush()
    after: dict[str, Any] = {"name": user.name, "email": new.address.typed}
    if is_administrator:
        after["is_instance_administrator"] = True
    audit.record(actor, Event.ACCOUNT_CREATED, Target("user", user.id, user.name), after=after)
    return user


def sign_in(user: User, *, ip: str | None, user_agent: str, is_confined: bool = False) -> str:
    """Open a session for somebody who has just proven who they are; return its token.

    Where the network is a new one, and not their first, a letter tells them. Of networks from which an organization's
    provider vouched for somebody nothing is kept: whoever runs it would make their own one known.

    Args:
        user: as read when they proved it; their password may have changed since.
        ip: where from.
        user_agent: with what.
        is_confined: whether an organization's provider alone says who they are.

    Raises:
        WrongCredentials: the password was changed or the account deactivated meanwhile.
    """
    proven = user.password_hash
    user = db.session.scalars(
        select(User).where(User.id == user.id).with_for_update(key_share=True).execution_options(populate_existing=True)
    ).one()
    if not user.is_active or user.password_hash != proven:
        raise WrongCredentials
    token = sessions.begin(user.id, ip=ip, user_agent=user_agent, is_confined=is_confined)
    if not is_confined and networks.note_sign_in(user.id, ip):
        said = {"signed_in_at": clock.now().isoformat(), "ip": ip or "", "browser": browser_name(user_agent)}
        tell(user, "new_sign_in", **said)
    audit.record(Actor.of(user, ip=ip), Event.SIGNED_IN, Target("user", user.id, user.name))
    return token


def sign_out(actor: Actor, token: str) -> None:
    """Close the session of a browser."""
    sessions.end(token)
    audit.record(actor, Event.SIGNED_OUT, Target("user", actor.user_id, actor.name))


def refuse_sign_in(actor: Actor, address: str) -> None:
    """Note a refused sign-in with the address that was tried."""
    account = with_verified_address(address)
    target = Target("user", account.user.id, account.user.name) if account else Target("user", None, address)
    audit.record(actor, Event.SIGN_IN_REFUSED, target)


def request_reset(actor: Actor, address: Address) -> None:
    """Mail a link for a new password, if somebody has this address verified.

    The same statements run for known and unknown addresses, so that neither the answer nor its time tells them apart.
    After ten letters in a day to one address another one leaves only when none of the links sent there works any more:
    nobody can use up the day of somebody else. The answer stays the same.
    """
    account = with_verified_address(address.canonical)
    is_over = attempts.count([Limit(f"reset:letters:{digest(address.canonical)}", RESETS_A_DAY, DAY)]) is not None
    has_link = _has_reset_link(account.user.id if account else 0)
    is_known = account is not None and account.user.is_active
    is_dropped = not is_known or (is_over and has_link)
    token = new_token()
    now = clock.now()
    db.session.add(
        AccountToken(
            user_id=account.user.id if account and not is_dropped else None,
            purpose=TokenPurpose.RESET,
            token_hash=digest(token),
            created_at=now,
            expires_at=now + RESET_LIFETIME,
        )
    )
    to, name = (account.email.address, account.user.name) if account else (address.typed, "")
    data = {"name": name, "expires_at": (now + RESET_LIFETIME).isoformat()}
    language = (account.user.language if account else None) or actor.language
    outbox.enqueue(Letter("password_reset", to, data, token, language=language, is_dropped=is_dropped))
    target = Target("user", account.user.id if account else None, address.typed)
    audit.record(actor, Event.RESET_REQUESTED, target)


def _has_reset_link(user_id: int) -> bool:
    """Tell whether a link for a new password that was sent to a user works still."""
    working = exists().where(
        AccountToken.user_id == user_id,
        AccountToken.purpose == TokenPurpose.RESET,
        AccountToken.used_at.is_(None),
        AccountToken.expires_at > clock.now(),
    )
    return bool(db.session.scalar(select(working)))


def holder_of_reset(token: str) -> User:
    """Return the user whom a reset link lets choose a new password.

    Raises:
        LinkNotValid: unknown, used, expired, or of an inactive user.
    """
    user = db.session.scalar(
        select(User)
        .join(AccountToken, AccountToken.user_id == User.id)
        .where(
            AccountToken.token_hash == digest(token),
            AccountToken.purpose == TokenPurpose.RESET,
            AccountToken.used_at.is_(None),
            AccountToken.expires_at > clock.now(),
            User.is_active,
        )
    )
    if user is None:
        raise LinkNotValid
    return user


def reset_password(token: str, password_hash: str, *, ip: str | None) -> User:
    """Give the holder of a reset link a new password, end all their sessions and tell them by mail.

    Raises:
        LinkNotValid: the link was used, also by somebody just a moment earlier, or has expired.
    """
    user = holder_of_reset(token)
    _use_up(token)
    set_password(Actor.of(user, ip=ip), user, password_hash)
    return user


def set_password(actor: Actor, user: User, password_hash: str) -> None:
    """Give a user a new password, end all their sessions and reset links, and tell them by mail."""
    user.password_hash = password_hash
    db.session.execute(
        update(AccountToken)
        .where(AccountToken.user_id == user.id, AccountToken.used_at.is_(None))
        .values(used_at=clock.now())
    )
    sessions.end_all_of(user.id)
    tell(user, "password_changed")
    audit.record(actor, Event.PASSWORD_CHANGED, Target("user", user.id, user.name))


def tell(user: User, kind: str, **data: str | bool) -> None:
    """Queue a letter to a user about their account, unless their address may be somebody else's."""
    email = primary_address(user.id)
    is_dropped = email.verified_at is None
    said = {"name": user.name, **data}
    outbox.enqueue(Letter(kind, email.address, said, language=user.language, is_dropped=is_dropped))


def primary_address(user_id: int) -> EmailAddress:
    """Return the address letters to a user go to."""
    return db.session.scalars(
        select(EmailAddress).where(EmailAddress.user_id == user_id, EmailAddress.is_primary)
    ).one()


def primary_addresses(user_ids: Collection[int]) -> dict[int, EmailAddress]:
    """Return the addresses letters to some users go to, by the id of each."""
    found = select(EmailAddress).where(EmailAddress.user_id.in_(user_ids), EmailAddress.is_primary)
    return {email.user_id: email for email in db.session.scalars(found)}


def _use_up(token: str) -> None:
    unused = update(AccountToken).where(AccountToken.token_hash == digest(token), AccountToken.used_at.is_(None))
    if not changes_one_row(unused.values(used_at=clock.now())):
        raise LinkNotValid
