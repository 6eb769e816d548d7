"""Proving that an address is its owner's, by a link in a letter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import exists, or_, select, update

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.single_sign_on import is_in_use
from webapp.db import changes_one_row, db
from webapp.errors import AddressProven, LetterLimit, LinkNotValid
from webapp.models import (
    AddressToken,
    EmailAddress,
    Identity,
    IdentityProvider,
    Member,
    Organization,
    User,
)
from webapp.services import accounts, attempts, audit, invitation_rows, organizations, outbox
from webapp.services.addresses import Address
from webapp.services.attempts import DAY, Limit
from webapp.services.audit import Event, Target
from webapp.services.letter_limits import Most
from webapp.services.outbox import Letter
from webapp.services.tokens import digest, new_token

LIFETIME = timedelta(hours=24)
# What one mailbox gets in a day: because of one organization 10, and 3 for accounts that have no link that works; in
# all 30, and those 3 for each further organization. So neither do tags in addresses, nor accounts that a provider or an
# invitation makes, fill it; and one organization leaves letters to people of another who may have the same address.
LETTERS_A_DAY = 10
LETTERS_OF_ALL_A_DAY = 30
RESERVED_A_DAY = 3
_TO_MAILBOX = Most("verify-email:letters", LETTERS_A_DAY, LETTERS_OF_ALL_A_DAY)


@dataclass(frozen=True)
class UnprovenAddress:
    """An address that waits to be proven, and the account that says it is its own.

    `is_nobodys` says that nobody can sign in to the account: it has no password, and no provider in use knows it.
    """

    user: User
    email: EmailAddress
    is_expired: bool
    is_nobodys: bool


def send(email: EmailAddress, user: User, language: str | None) -> None:
    """Queue a letter in a language whose link proves an address of a user; links sent before stay alive."""
    token, now = new_token(), clock.now()
    db.session.add(
        AddressToken(email_address_id=email.id, token_hash=digest(token), created_at=now, expires_at=now + LIFETIME)
    )
    said = {"name": user.name, "email": email.address, "expires_at": (now + LIFETIME).isoformat()}
    outbox.enqueue(Letter("verify_address", email.address, said, token, language=language))


def send_first(organization: Organization, email: EmailAddress, user: User, language: str | None) -> None:
    """Queue the first letter to somebody who joins an organization, unless their mailbox had enough; see `send`."""
    if not _count_over(organization.id, email):
        send(email, user, language)


def send_again(actor: Actor, user_id: int) -> EmailAddress | None:
    """Queue another letter to a user's primary address; return it, or nothing where it is proven already.

    Raises:
        NotFound: there is no such user.
        LetterLimit: the mailbox had enough for today.
    """
    email = accounts.primary_address(user_id)
    if email.verified_at is not None:
        return None
    oldest = select(Member.organization_id).where(Member.user_id == user_id).order_by(Member.id).limit(1)
    if _count_over(db.session.scalar(oldest) or 0, email):
        raise LetterLimit(email=email.address)
    send(email, accounts.by_id(user_id), actor.language)
    return email


def _count_over(organization_id: int, email: EmailAddress) -> bool:
    """Count a letter to an address because of an organization, or of none; tell whether it is one too many.

    Where the mailbox had enough, what is kept for accounts without a link that works still leaves.
    """
    address = Address(email.address, email.canonical)
    if not _TO_MAILBOX.over(organization_id, [address]):
        return False
    reserve = Limit(f"verify-email:reserve:{organization_id}:{digest(address.bucket)}", RESERVED_A_DAY, DAY)
    return _has_link(email) or attempts.count([reserve]) is not None


def _has_link(email: EmailAddress) -> bool:
    """Tell whether a link that would prove an address works still."""
    of_address = (AddressToken.email_address_id == email.id, AddressToken.used_at.is_(None))
    return bool(db.session.scalar(select(exists().where(*of_address, AddressToken.expires_at > clock.now()))))


def unproven_by(token: str) -> UnprovenAddress:
    """Return what the link with this token would prove, or would have while it had not expired.

    Raises:
        LinkNotValid: unknown, used, or of an inactive user.
    """
    is_known = (
        exists()
        .where(Identity.user_id == User.id, Identity.invalid_since.is_(None))
        .where(IdentityProvider.id == Identity.provider_id, is_in_use(IdentityProvider))
    )
    row = db.session.execute(
        select(User, EmailAddress, AddressToken.expires_at, or_(User.password_hash.is_not(None), is_known))
        .join(EmailAddress, EmailAddress.user_id == User.id)
        .join(AddressToken, AddressToken.email_address_id == EmailAddress.id)
        .where(
            AddressToken.token_hash == digest(token),
            AddressToken.used_at.is_(None),
            EmailAddress.verified_at.is_(None),
            User.is_active,
        )
    ).one_or_none()
    if row is None:
        raise LinkNotValid
    user, email, expires_at, is_somebodys = row
    return UnprovenAddress(user, email, is_expired=expires_at <= clock.now(), is_nobodys=not is_somebodys)


def verify(token: str, user_id: int, *, ip: str | None) -> EmailAddress:
    """Prove the address of a link for the user who has just shown that the account is theirs too.

    Following the link is not enough: whoever joined by a copied link may have entered the address of somebody else,
    who must not make it the stranger's by a click. Where they are a member, invitations to the address are closed.

    Raises:
        LinkNotValid: the link was used, also just a moment ago, has expired, or is about another account.
        AddressProven: another account has proven the address meanwhile.
    """
    unproven = unproven_by(token)
    if unproven.is_expired or unproven.user.id != user_id:
        raise LinkNotValid
    joined = organizations.lock_all_of(user_id)
    if proven := accounts.with_verified_address(unproven.email.canonical):
        raise LinkNotValid if proven.user.id == user_id else AddressProven
    _use_up(token)
    now = clock.now()
    unproven.email.verified_at = now
    of_address = update(AddressToken).where(AddressToken.email_address_id == unproven.email.id)
    db.session.execute(of_address.where(AddressToken.used_at.is_(None)).values(used_at=now))
    db.session.flush()
    actor = Actor.of(unproven.user, ip=ip)
    for organization in joined:
        invitation_rows.close_offers(actor, organization, [unproven.email.canonical])
    audit.record(
        actor,
        Event.ADDRESS_VERIFIED,
        Target("user", unproven.user.id, unproven.user.name),
        after={"email": unproven.email.address},
    )
    return unproven.email


def choose_password(token: str, password_hash: str, *, ip: str | None) -> EmailAddress:
    """Prove the address of a link by following it, and give its account, which is nobody's, a password.

    Whoever has the mailbox gets what only a provider has called theirs: nobody else can sign in to it any more.

    Raises:
        LinkNotValid, AddressProven: as `verify` says, or somebody can sign in to the account by now.
    """
    unproven = unproven_by(token)
    organizations.lock_all_of(unproven.user.id)  # where a provider could make the account somebody's
    if not unproven_by(token).is_nobodys:
        raise LinkNotValid
    email = verify(token, unproven.user.id, ip=ip)
    accounts.set_password(Actor.of(unproven.user, ip=ip), unproven.user, password_hash)
    return email


def prepare(email_ids: Sequence[int]) -> list[str]:
    """Return the tokens of new links that prove addresses, for letters of another kind; see `send`."""
    now, tokens = clock.now(), [new_token() for _ in email_ids]
    db.session.add_all(
        AddressToken(email_address_id=number, token_hash=digest(token), created_at=now, expires_at=now + LIFETIME)
        for number, token in zip(email_ids, tokens, strict=True)
    )
    db.session.flush()
    return tokens


def _use_up(token: str) -> None:
    unused = update(AddressToken).where(AddressToken.token_hash == digest(token), AddressToken.used_at.is_(None))
    if not changes_one_row(unused.values(used_at=clock.now())):
        raise LinkNotValid
