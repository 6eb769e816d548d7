"""Inviting many addresses at once, and remembering for a day what happened to each."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select, text

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import require, require_role_within
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import N_, DomainError, InvalidAddress, InvitationLimit
from webapp.models import EmailAddress, Invitation, InvitationBatch, Member, Organization
from webapp.models.invitation import OPEN
from webapp.services import addresses, attempts, invitations
from webapp.services.addresses import Address
from webapp.services.attempts import Limit
from webapp.services.invitations import Offer
from webapp.services.tokens import digest

MAX_ADDRESSES = 1000
PER_ORGANIZATION_A_DAY = 2000
PER_ADDRESS_A_DAY = 10
DAY = timedelta(days=1)


class Result(StrEnum):
    """What happened to one address."""

    INVITED = "invited"
    MEMBER = "member"
    OPEN = "open"
    MALFORMED = "malformed"
    LIMITED = "limited"


@dataclass(frozen=True)
class Outcome:
    """One address as it was typed, and what happened to it."""

    address: str
    result: Result


def invite_all(actor: Actor, organization: Organization, text: str, offer: Offer) -> tuple[list[Outcome], int]:
    """Invite every address in `text` that can be invited; return what happened to each, and the batch that keeps it.

    Raises:
        Forbidden, RoleTooHigh: the actor may not.
        DomainError: no address, or more than 1,000.
        InvitationLimit: the organization has had its invitations for today.
    """
    require(actor, Scope.MEMBER_INVITE, organization)
    require_role_within(actor, offer.role)
    typed = list(dict.fromkeys(addresses.split(text)))
    _require_reasonable_number(typed)
    parsed = {piece: _parse(piece) for piece in typed}
    wanted: dict[str, Address] = {}
    for address in filter(None, parsed.values()):
        wanted.setdefault(address.canonical, address)
    results = _sort_out(actor, organization, wanted)
    _require_organization_within_limit(organization, sum(result is Result.INVITED for result in results.values()))
    invited = [address for canonical, address in wanted.items() if results[canonical] is Result.INVITED]
    if invited:
        invitations.invite_all(actor, organization, invited, offer)
    outcomes = list(_outcomes(parsed, wanted, results))
    return outcomes, _remember(actor, organization, outcomes)


def batch_of(actor: Actor, organization: Organization, batch_id: int) -> list[Outcome]:
    """Return what the actor's own batch did, or nothing when it is gone or somebody else's."""
    kept = db.session.scalar(
        select(InvitationBatch.outcomes).where(
            InvitationBatch.id == batch_id,
            InvitationBatch.organization_id == organization.id,
            InvitationBatch.user_id == actor.user_id,
        )
    )
    return [Outcome(row["address"], Result(row["result"])) for row in kept or ()]


def _require_reasonable_number(typed: Sequence[str]) -> None:
    if not typed:
        raise DomainError(N_("Enter at least one email address."), field="emails")
    if len(typed) > MAX_ADDRESSES:
        raise DomainError(
            N_("These are %(given)s addresses; at most %(most)s fit in one go. Nothing was sent."),
            field="emails",
            given=len(typed),
            most=MAX_ADDRESSES,
        )


def _parse(piece: str) -> Address | None:
    try:
        return addresses.parse(piece)
    except InvalidAddress:
        return None


def _sort_out(actor: Actor, organization: Organization, wanted: dict[str, Address]) -> dict[str, Result]:
    now = clock.now()
    results = dict.fromkeys(wanted, Result.INVITED)
    waiting = _waiting_invitations(organization, wanted)
    results |= {invitation.canonical: Result.OPEN for invitation in waiting if invitation.is_open(now)}
    results |= dict.fromkeys(_addresses_of_members(organization, wanted), Result.MEMBER)
    free = [address for address in wanted.values() if results[address.canonical] is Result.INVITED]
    results |= {address.canonical: Result.LIMITED for address in _over_daily_limit(organization, free)}
    for invitation in waiting:
        if results[invitation.canonical] is Result.INVITED:
            invitations.close_expired(actor, organization, invitation)
    return results


def _waiting_invitations(organization: Organization, wanted: Iterable[str]) -> Sequence[Invitation]:
    return db.session.scalars(
        select(Invitation).where(
            Invitation.organization_id == organization.id,
            text(OPEN),
            Invitation.canonical.in_(wanted),
        )
    ).all()


def _addresses_of_members(organization: Organization, wanted: Iterable[str]) -> Sequence[str]:
    return db.session.scalars(
        select(EmailAddress.canonical)
        .join(Member, Member.user_id == EmailAddress.user_id)
        .where(
            Member.organization_id == organization.id,
            EmailAddress.canonical.in_(wanted),
            EmailAddress.verified_at.is_not(None),
        )
    ).all()


def _over_daily_limit(organization: Organization, wanted: Sequence[Address]) -> list[Address]:
    """Count the organization's invitations of today to each mailbox, and return those that had enough."""
    numbers = Counter(address.bucket for address in wanted)
    names = {bucket: f"invitation:address:{organization.id}:{digest(bucket)}" for bucket in numbers}
    limits = {bucket: Limit(name, PER_ADDRESS_A_DAY, DAY) for bucket, name in names.items()}
    counters = attempts.raise_counters({limit: numbers[bucket] for bucket, limit in limits.items()})
    too_many = {bucket: counters[limit].count - limit.most for bucket, limit in limits.items()}
    over = []
    for address in reversed(wanted):
        if too_many[address.bucket] > 0:
            too_many[address.bucket] -= 1
            over.append(address)
    not_sent = Counter(address.bucket for address in over)
    attempts.raise_counters({limits[bucket]: -number for bucket, number in not_sent.items()})
    return over


def _require_organization_within_limit(organization: Organization, number: int) -> None:
    if not number:
        return
    limit = Limit(f"invitation:organization:{organization.id}", PER_ORGANIZATION_A_DAY, DAY)
    if attempts.raise_counters({limit: number})[limit].count > limit.most:
        raise InvitationLimit


def _outcomes(
    parsed: dict[str, Address | None], wanted: dict[str, Address], results: dict[str, Result]
) -> Iterable[Outcome]:
    for piece, address in parsed.items():
        if address is None:
            yield Outcome(piece, Result.MALFORMED)
        elif wanted[address.canonical] is address:
            yield Outcome(piece, results[address.canonical])


def _remember(actor: Actor, organization: Organization, outcomes: Sequence[Outcome]) -> int:
    batch = InvitationBatch(
        organization_id=organization.id, user_id=actor.user_id, outcomes=[asdict(outcome) for outcome in outcomes]
    )
    db.session.add(batch)
    db.session.flush()
    return batch.id
