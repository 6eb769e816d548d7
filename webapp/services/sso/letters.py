"""Letters about single sign-on: to owners about what it lets happen by itself, and to many members at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, cast, exists, literal, select
from sqlalchemy.types import String

from webapp import clock
from webapp.access.facts import IS_ACTIVE, is_proven_address_of
from webapp.access.single_sign_on import is_connection_of, is_linked
from webapp.db import NOW, db
from webapp.models import (
    Attempts,
    EmailAddress,
    IdentityProvider,
    Member,
    Organization,
    Role,
    SsoErrand,
    User,
)
from webapp.services import attempts, outbox
from webapp.services.addresses import Address
from webapp.services.attempts import DAY, Limit
from webapp.services.outbox import Letter
from webapp.services.sso import connections, errands

MOST_TOLD = 20
MOST_A_DAY = 20
MOST_OWNERS = 1_000


@dataclass(frozen=True)
class Reader:
    """Somebody with an address that is known to be theirs, and what a letter says to them alone."""

    user_id: int
    name: str
    address: str
    language: str | None
    said: Mapping[str, bool | str] = field(default_factory=dict)


def tell_of_arrival(organization: Organization, user: User, address: Address) -> None:
    """Tell owners, at most 20 of them, that somebody became a member whom nobody had invited.

    Of the arrivals of a day the first 20 are told; the others are in the audit log.
    """
    if attempts.count([Limit(f"sso:arrivals:{organization.id}", MOST_A_DAY, DAY)]):
        return
    _tell_first(MOST_TOLD, organization, "sso_joined", {"person": user.name, "claimed": address.typed})


def tell_owners(organization: Organization, kind: str, **more: str | int) -> None:
    """Queue a letter to the owners with a proven address, at most 1,000.

    Args:
        organization: whose.
        kind: the name of the letter's templates.
        more: what it says besides the organization's name.
    """
    _tell_first(MOST_OWNERS, organization, kind, more)


def _tell_first(most: int, organization: Organization, kind: str, more: Mapping[str, str | int]) -> None:
    owners = (
        select(EmailAddress.address, User.language)
        .join(User, is_proven_address_of(User.id))
        .join(Member, Member.user_id == User.id)
        .where(Member.organization_id == organization.id, Member.role == Role.OWNER, *IS_ACTIVE)
        .order_by(Member.id)
        .limit(most)
    )
    said = {"organization": organization.name, "slug": organization.slug, **more}
    letters = [
        Letter(kind, row.address, said, organization_id=organization.id, language=row.language)
        for row in db.session.execute(owners)
    ]
    outbox.enqueue_all(letters)


def was_told(kind: str, organization: Organization) -> ColumnElement[bool]:
    """Tell of the user in a statement whether a letter of a kind has been written to them within a day."""
    bucket = literal(_bucket(kind, organization)).concat(cast(User.id, String))
    return exists().where(Attempts.bucket == bucket, Attempts.ends_at > clock.now())


def note_told(kind: str, organization: Organization, user_ids: Iterable[int]) -> None:
    """Note that a letter of a kind is being written to some users, who get no second one within a day (`was_told`)."""
    bucket = _bucket(kind, organization)
    attempts.raise_counters({Limit(f"{bucket}{user_id}", 1, DAY): 1 for user_id in user_ids})


def was_told_lately(kind: ColumnElement[str]) -> ColumnElement[bool]:
    """Tell the same of the member and the user in a statement that is built once; `kind` is that of the letter."""
    bucket = kind.concat(":").concat(cast(Member.organization_id, String)).concat(":").concat(cast(User.id, String))
    return exists().where(Attempts.bucket == bucket, Attempts.ends_at > NOW)


def tell_linked(organization: Organization, errand: SsoErrand) -> bool:
    """Tell the next of those who were linked with a provider that it is used no more; see `errands`.

    The errand's `letter` is the kind of the letter, and `host` whom it names. It says to each whether they have a
    password (`has_password`).
    """
    batch = errands.next_linked(errand)
    readers = _linked_among(batch, errand.data["letter"], organization)
    _tell_each(errand.data["letter"], organization, errand.data["host"], readers)
    return errands.end_batch(errand, batch)


def _linked_among(batch: Sequence[int], kind: str, organization: Organization) -> list[Reader]:
    """Return those of some users who are active members, have not had a letter today, and know no better yet."""
    found = (
        select(User.id, User.name, EmailAddress.address, User.language, User.password_hash.is_not(None))
        .join(Member, Member.user_id == User.id)
        .join(EmailAddress, is_proven_address_of(User.id))
        .where(User.id.in_(batch), Member.organization_id == organization.id, *IS_ACTIVE)
        .where(~was_told(kind, organization), ~is_linked_anew(organization))
        .order_by(User.id)
    )
    return [Reader(*row[:4], {"has_password": row[4]}) for row in db.session.execute(found)]


def is_linked_anew(organization: Organization) -> ColumnElement[bool]:
    """Tell of the user in a statement whether the connection in use by now, if there is one, knows them already."""
    knows = is_linked(IdentityProvider.id, User.id).correlate(IdentityProvider, User)
    return exists().where(is_connection_of(IdentityProvider, organization.id), knows).correlate(User)


def tell_each(
    kind: str, organization: Organization, provider: IdentityProvider, readers: Sequence[Reader], **more: str
) -> None:
    """Queue a letter to each of some people; the caller has left out those who had one today (`was_told`).

    Args:
        kind: the name of the letter's templates.
        organization: whose members they are.
        provider: whom it names.
        readers: the people, no more than a batch.
        more: what it says besides.
    """
    _tell_each(kind, organization, connections.host_of(provider), readers, **more)


def _tell_each(kind: str, organization: Organization, host: str, readers: Sequence[Reader], **more: str) -> None:
    names = {"organization": organization.name, "slug": organization.slug, "provider": host, **more}
    note_told(kind, organization, [reader.user_id for reader in readers])
    outbox.enqueue_all([_letter(kind, organization, reader, names) for reader in readers])


def _bucket(kind: str, organization: Organization) -> str:
    return f"{kind}:{organization.id}:"


def _letter(kind: str, organization: Organization, reader: Reader, names: Mapping[str, Any]) -> Letter:
    said = {**names, "name": reader.name, **reader.said}
    return Letter(kind, reader.address, said, organization_id=organization.id, language=reader.language)
