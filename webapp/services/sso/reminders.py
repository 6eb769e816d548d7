"""Reminding members to link their accounts, or to sign in through the provider: by letter, each at most once a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, ScalarSelect, Select, case, exists, func, literal, select

from webapp.access.actor import Actor
from webapp.access.decide import require, require_own_word
from webapp.access.facts import IS_ACTIVE, is_proven_address_of
from webapp.access.outside import HAS_IDENTITY, OF_PROVIDER, OUTSIDE, REFUSED, UNLINKED
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import NotFound
from webapp.models import (
    EmailAddress,
    Identity,
    IdentityProvider,
    Member,
    Organization,
    ProviderStatus,
    SsoErrand,
    User,
)
from webapp.services import audit
from webapp.services.audit import Event
from webapp.services.sso import connections, errands, letters, personal_links
from webapp.services.sso.enforcement import is_rehearsed
from webapp.services.sso.errands import Owed
from webapp.services.sso.letters import Reader

KIND = "sso_link_reminder"
BEFORE_IT_IS_REQUIRED = "sso_required_soon"
MOST_COUNTED = 10_000

HAD_WAY_TO_LINK: Final[ColumnElement[bool]] = letters.was_told_lately(literal(KIND))
"""That the member and user in a statement were reminded to link within a day."""

HAD_REMINDER: Final[ColumnElement[bool]] = letters.was_told_lately(
    case((IdentityProvider.rehearsed_since.is_not(None), literal(BEFORE_IT_IS_REQUIRED)), else_=literal(KIND))
)
"""The same of the letter that leaves at present to those whom the provider in a statement would keep out."""


class Whom(StrEnum):
    """Which members are reminded: who is not linked, would be kept out now, or would have been in the rehearsal."""

    UNLINKED = "unlinked"
    OUTSIDE = "outside"
    REFUSED = "refused"


@dataclass(frozen=True)
class Reminded:
    """What becomes of a reminder: to how many it leaves, who had one today, and whose address is not known as theirs.

    Each number was counted up to 10,000.
    """

    people: int
    had_one: int
    unproven: int


_CONDITIONS = {Whom.UNLINKED: UNLINKED, Whom.OUTSIDE: OUTSIDE, Whom.REFUSED: REFUSED}


def remind(
    actor: Actor, organization: Organization, provider: IdentityProvider, whom: Whom, member_id: int
) -> Reminded:
    """Remind one member; return whether a letter leaves, or why none does.

    Whoever is none of those meant, was reminded within a day, or has no address of which it is known that it is theirs,
    gets none. The link in the letter is for their own account alone. The caller holds the lock.

    Args:
        actor: who wants it.
        organization: whose member.
        provider: the connection in use.
        whom: which members are meant.
        member_id: the one of them.

    Raises:
        NotFound, Forbidden: the actor may not, or there is no such active member.
        SignInAgain: they are signed in at the provider's word alone.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    require_own_word(actor)
    _require_member(organization, member_id)
    found = _counted(organization, provider, whom, Member.id == member_id)
    if found.people:
        tell(organization, provider, whom, Member.id == member_id)
        _record(actor, organization, provider, found.people)
    return found


def remind_all(actor: Actor, organization: Organization, provider: IdentityProvider, whom: Whom) -> Reminded:
    """Let the worker remind all of them; return how many letters leave by that at most, and who gets none.

    Once is enough while it is under way. The caller holds the lock.

    Raises:
        NotFound, Forbidden: the actor may not.
        SignInAgain: they are signed in at the provider's word alone.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    require_own_word(actor)
    found = _counted(organization, provider, whom)
    if found.people and not _is_owed(provider, whom):
        errands.owe(organization, Owed.MEMBERS_ARE_REMINDED, provider, whom=whom.value)
        _record(actor, organization, provider, found.people)
    return found


def owe_links(organization: Organization, provider: IdentityProvider, replaced: IdentityProvider | None) -> None:
    """Owe a letter with the way to link to all who are not linked with a connection that was just put to use.

    Args:
        organization: whose members; the caller holds its lock.
        provider: the connection.
        replaced: the one in use before: whom that one knew is told so by another letter.
    """
    known_at = replaced.id if replaced is not None else None
    errands.owe(organization, Owed.MEMBERS_ARE_REMINDED, provider, whom=Whom.UNLINKED.value, but_known_at=known_at)


def remind_next(organization: Organization, errand: SsoErrand) -> bool:
    """Remind those who are meant among the next members; tell whether more follow. See `errands`."""
    provider = errands.provider_of(errand)
    if provider.status is not ProviderStatus.ACTIVE:
        return False
    batch = errands.next_members(errand)
    known = exists().where(Identity.provider_id == errand.data.get("but_known_at"), Identity.user_id == Member.user_id)
    tell(organization, provider, Whom(errand.data["whom"]), Member.id.in_(batch), ~known.correlate(Member))
    return errands.end_batch(errand, batch)


def tell(organization: Organization, provider: IdentityProvider, whom: Whom, *which: ColumnElement[bool]) -> int:
    """Queue a reminder to those who are meant, and had none today; return how many these are.

    Args:
        organization: whose members.
        provider: the connection in use.
        whom: which members are meant.
        which: conditions by which they are no more than a batch.
    """
    kind, said = _letter(provider, whom)
    found = db.session.execute(_due(kind, organization, whom).where(*which), {"provider_id": provider.id})
    readers = [_reader(organization, *row) for row in found]
    if readers:
        letters.tell_each(kind, organization, provider, readers, **said)
    return len(readers)


def _letter(provider: IdentityProvider, whom: Whom) -> tuple[str, Mapping[str, str]]:
    """Return the kind of the letter, and what it says besides: the day, where it is rehearsed until one."""
    begins = provider.required_from if whom is not Whom.UNLINKED and is_rehearsed(provider) else None
    return (BEFORE_IT_IS_REQUIRED, {"begins_at": begins.isoformat()}) if begins else (KIND, {})


def _counted(
    organization: Organization, provider: IdentityProvider, whom: Whom, *which: ColumnElement[bool]
) -> Reminded:
    """Count of those who are meant whom a reminder reaches, and whom it does not, in one statement."""
    kind, _said = _letter(provider, whom)
    meant = OF_PROVIDER.outerjoin(EmailAddress, is_proven_address_of(User.id)).where(_CONDITIONS[whom], *which)
    proven, had_one = meant.where(EmailAddress.id.is_not(None)), letters.was_told(kind, organization)
    counted = select(
        _up_to_most(proven.where(~had_one)),
        _up_to_most(proven.where(had_one)),
        _up_to_most(meant.where(EmailAddress.id.is_(None))),
    )
    return Reminded(*db.session.execute(counted, {"provider_id": provider.id}).one())


def _up_to_most(of: Select[int]) -> ScalarSelect[int]:
    return select(func.count()).select_from(of.limit(MOST_COUNTED).subquery()).scalar_subquery()


def _due(kind: str, organization: Organization, whom: Whom) -> Select[*tuple[Any, ...]]:
    return (
        OF_PROVIDER.join(EmailAddress, is_proven_address_of(User.id))
        .with_only_columns(User.id, User.name, EmailAddress.address, User.language, HAS_IDENTITY)
        .where(_CONDITIONS[whom], ~letters.was_told(kind, organization))
        .order_by(Member.id)
    )


def _reader(
    organization: Organization, user_id: int, name: str, address: str, language: str | None, has_identity: bool
) -> Reader:
    said: dict[str, bool | str] = {"is_linked": has_identity}  # by this name letters wait that earlier versions wrote
    if not has_identity:
        said["bound_to"] = personal_links.made_for(organization, user_id)
    return Reader(user_id, name, address, language, said)


def _is_owed(provider: IdentityProvider, whom: Whom) -> bool:
    waiting = select(SsoErrand).where(SsoErrand.provider_id == provider.id)
    found = db.session.scalars(waiting.where(SsoErrand.kind == Owed.MEMBERS_ARE_REMINDED.value))
    return any(errand.data["whom"] == whom for errand in found)


def _record(actor: Actor, organization: Organization, provider: IdentityProvider, people: int) -> None:
    target, after = connections.target_of(provider), {"people": people}
    audit.record(actor, Event.SSO_REMINDED, target, organization=organization, after=after)


def _require_member(organization: Organization, member_id: int) -> None:
    theirs = select(Member.id).join(User, User.id == Member.user_id).where(Member.organization_id == organization.id)
    if db.session.scalar(theirs.where(Member.id == member_id, *IS_ACTIVE)) is None:
        raise NotFound
