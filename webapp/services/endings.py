"""Memberships that end on a day: saying which day, another one, or none.

As with every change of a membership, the caller holds the organization's lock. Nothing happens on the day itself: what
has ended is asked of the clock wherever a membership counts.
"""

from datetime import UTC, date, datetime, time, timedelta

from webapp import clock
from webapp.access.actor import Actor
from webapp.errors import EndBeyondYours, EndTooSoon, OwnerWithEnd
from webapp.models import Member, Organization, Role
from webapp.models.member import last_day as last_day_of
from webapp.services import audit, member_letters, members
from webapp.services.audit import Event

LATEST = timedelta(days=3653)


def set_last_day(actor: Actor, organization: Organization, member: Member, last_day: date | None) -> None:
    """Let a membership end after a day, in UTC, or never, and tell the member. The end it has already changes nothing.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole, EndTooSoon, OwnerWithEnd, EndBeyondYours: see
            `require_may_set`.
    """
    require_may_set(actor, organization, member, last_day)
    if has_last_day(member, last_day):
        return
    before, after = member.expires_at, _end_of(last_day)
    member.expires_at = after
    user = members.users_of([member])[member.user_id]
    audit.record(
        actor,
        Event.MEMBER_END_CHANGED,
        members.target_of(member, user),
        organization=organization,
        before=members.described_end(before),
        after=members.described_end(after),
    )
    said = {"expires_at": after, "earlier_at": before}
    days = {name: at.isoformat() for name, at in said.items() if at}
    member_letters.tell(actor, organization, user, "end_changed", **days)


def end_now(actor: Actor, organization: Organization, member: Member, last_day: date | None) -> None:
    """Let a membership be over at once, to see what that takes away: for previews, which take it back.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole, EndTooSoon, OwnerWithEnd, EndBeyondYours: see
            `require_may_set`.
    """
    require_may_set(actor, organization, member, last_day)
    member.expires_at = clock.now()


def require_may_set(actor: Actor, organization: Organization, member: Member, last_day: date | None) -> None:
    """Go on only if the actor may let a membership end after a day, or never.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole: the actor may not change the membership.
        EndTooSoon: the day is not after today, or more than ten years ahead.
        OwnerWithEnd: it is an owner's, whose membership has no end.
        EndBeyondYours: the actor's own membership ends before.
    """
    members.require_may_change(actor, organization, member)
    if has_last_day(member, last_day):
        return
    _require_not_beyond(actor, last_day)
    if last_day is None:
        return
    today = clock.now().date()
    if not today < last_day <= today + LATEST:
        raise EndTooSoon
    if member.role is Role.OWNER:
        raise OwnerWithEnd(field="last_day")


def _require_not_beyond(actor: Actor, last_day: date | None) -> None:
    own = actor.member.expires_at if actor.member else None
    if own and (last_day is None or last_day > last_day_of(own)):
        raise EndBeyondYours(day=last_day_of(own))


def has_last_day(member: Member, last_day: date | None) -> bool:
    """Tell whether a membership ends after this day already, or has no end where that is none."""
    return last_day == (last_day_of(member.expires_at) if member.expires_at else None)


def _end_of(last_day: date | None) -> datetime | None:
    """Return the first moment after a day, in UTC."""
    return datetime.combine(last_day, time.min, UTC) + timedelta(days=1) if last_day else None
