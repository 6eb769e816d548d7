"""Inviting many addresses at once, and remembering for a day what happened to each."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import select, text

from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import InvalidAddress, InvitationLimit, NoAddress, TooManyAddresses
from webapp.models import Invitation, InvitationBatch, InvitationStatus, Organization
from webapp.models.invitation import OPEN
from webapp.services import (
    addresses,
    audit,
    invitation_limits,
    invitation_renewals,
    invitation_rows,
    invitations,
    memberships,
    request_letters,
)
from webapp.services.addresses import Address
from webapp.services.audit import Event
from webapp.services.invitation_rows import Standing
from webapp.services.invitations import Offer

MAX_ADDRESSES = 1000


class Result(StrEnum):
    """What happened to one address."""

    INVITED = "invited"
    MEMBER = "member"
    ENDED = "ended"
    OPEN = "open"
    MALFORMED = "malformed"
    LIMITED = "limited"


@dataclass(frozen=True)
class Outcome:
    """One address as it was typed, and what happened to it.

    `is_suspended` tells of a member's that they are suspended, and of one that was invited that somebody is who stands
    with it in the list of members, and has not verified it.
    """

    address: str
    result: Result
    is_suspended: bool = False


def invite_all(
    actor: Actor, organization: Organization, text: str, offer: Offer, own_domain: str | None = None
) -> tuple[list[Outcome], int]:
    """Do what `invite_each` does; return also the number of the batch that keeps what happened, for the actor."""
    outcomes = invite_each(actor, organization, text, offer, own_domain)
    return outcomes, _remember(actor, organization, outcomes)


def invite_each(
    actor: Actor, organization: Organization, text: str, offer: Offer, own_domain: str | None = None
) -> list[Outcome]:
    """Invite every address in `text` that can be invited; return what happened to each.

    Args:
        actor: who invites.
        organization: where.
        text: the addresses.
        offer: to what.
        own_domain: the only domain without a dot that is taken; any is where it is left out, for addresses known here.

    Raises:
        NotFound, Forbidden, RoleTooHigh, SignInAgain, TooManyGiven, NotOfOrganization, NotYoursToGive: the actor
            may not.
        NoAddress, TooManyAddresses: there is none in it, or more than 1,000.
        TooManyMemberships: all of them together would come into too many teams and access groups.
        InvitationLimit: the organization has had its invitations for today.
    """
    invitations.require_may_offer(actor, organization, offer)
    typed = list(dict.fromkeys(addresses.split(text)))
    _require_reasonable_number(typed)
    parsed = {piece: _parse(piece, own_domain) for piece in typed}
    memberships.require_few(len(typed) * (len(offer.teams) + len(offer.groups)))
    wanted: dict[str, Address] = {}
    for address in filter(None, parsed.values()):
        wanted.setdefault(address.canonical, address)
    there = invitation_rows.addresses_of_members(organization, wanted)
    results = _sort_out(organization, wanted, there)
    if invitation_limits.count_over(actor, organization, list(results.values()).count(Result.INVITED)):
        raise InvitationLimit
    invited = [address for canonical, address in wanted.items() if results[canonical] is Result.INVITED]
    _invite(actor, organization, invited, offer)
    suspended = {canonical for canonical, standing in there.items() if standing.is_suspended}
    suspended |= invitation_rows.shown_of_suspended(organization, [address.canonical for address in invited])
    return list(_outcomes(parsed, wanted, results, suspended))


def batch_of(actor: Actor, organization: Organization, batch_id: int) -> list[Outcome]:
    """Return what the actor's own batch did, or nothing when it is gone or somebody else's."""
    kept = db.session.scalar(
        select(InvitationBatch.outcomes).where(
            InvitationBatch.id == batch_id,
            InvitationBatch.organization_id == organization.id,
            InvitationBatch.user_id == actor.user_id,
        )
    )
    return [Outcome(row["address"], Result(row["result"]), row.get("is_suspended", False)) for row in kept or ()]


def _require_reasonable_number(typed: Sequence[str]) -> None:
    if not typed:
        raise NoAddress
    if len(typed) > MAX_ADDRESSES:
        raise TooManyAddresses(given=len(typed), most=MAX_ADDRESSES)


def _parse(piece: str, own_domain: str | None) -> Address | None:
    try:
        return addresses.parse(piece) if own_domain is None else addresses.parse_new(piece, own_domain)
    except InvalidAddress:
        return None


def _sort_out(organization: Organization, wanted: dict[str, Address], there: dict[str, Standing]) -> dict[str, Result]:
    now = clock.now()
    results = dict.fromkeys(wanted, Result.INVITED)
    waiting = _waiting_invitations(organization, wanted)
    results |= {invitation.canonical: Result.OPEN for invitation in waiting if invitation.is_open(now)}
    results |= {canonical: _result_of(standing) for canonical, standing in there.items()}
    free = [address for address in wanted.values() if results[address.canonical] is Result.INVITED]
    results |= {address.canonical: Result.LIMITED for address in invitation_limits.over_daily_limit(organization, free)}
    return results


def _result_of(standing: Standing) -> Result:
    return Result.ENDED if standing.has_ended and not standing.is_suspended else Result.MEMBER


def _invite(actor: Actor, organization: Organization, wanted: Sequence[Address], offer: Offer) -> None:
    """Invite addresses, for which an expired invitation makes room, and a request is answered by approving it."""
    asked_for, expired = set[str](), list[Invitation]()
    for invitation in _waiting_invitations(organization, [address.canonical for address in wanted]):
        if invitation.status is InvitationStatus.REQUESTED:
            suggested_by_id = invitation.invited_by_id
            change = invitation_renewals.send_anew(actor, organization, invitation, offer)
            audit.record_all(actor, Event.REQUEST_APPROVED, [change], organization=organization)
            request_letters.tell_approved(actor, organization, invitation, suggested_by_id)
            asked_for.add(invitation.canonical)
        else:
            expired.append(invitation)
    if expired:
        invitations.close_expired(actor, organization, expired)
    if new := [address for address in wanted if address.canonical not in asked_for]:
        invitations.invite_all(actor, organization, new, offer)


def _waiting_invitations(organization: Organization, wanted: Iterable[str]) -> Sequence[Invitation]:
    return db.session.scalars(
        select(Invitation).where(
            Invitation.organization_id == organization.id,
            text(OPEN),
            Invitation.canonical.in_(wanted),
        )
    ).all()


def _outcomes(
    parsed: dict[str, Address | None], wanted: dict[str, Address], results: dict[str, Result], suspended: set[str]
) -> Iterable[Outcome]:
    for piece, address in parsed.items():
        if address is None:
            yield Outcome(piece, Result.MALFORMED)
        elif wanted[address.canonical] is address:
            yield Outcome(piece, results[address.canonical], address.canonical in suspended)


def _remember(actor: Actor, organization: Organization, outcomes: Sequence[Outcome]) -> int:
    batch = InvitationBatch(
        organization_id=organization.id, user_id=actor.user_id, outcomes=[asdict(outcome) for outcome in outcomes]
    )
    db.session.add(batch)
    db.session.flush()
    return batch.id
