"""What a change of single sign-on owes to many people: the change notes it in a row, and the worker does it in batches.

Each batch is a transaction that also keeps how far it has come. So nobody waits longer than a batch takes, whoever is
killed has done a batch or has not, and the next worker goes on where it ended.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select, update

from webapp import clock
from webapp.db import db
from webapp.models import Identity, IdentityProvider, Member, Organization, SsoErrand
from webapp.services import organizations

BATCH = 200
MOST_AT_ONCE = 20
"""Of how many errands a batch is done before letters leave again: one of a kind of each organization, in turn."""
PUT_OFF_FOR = timedelta(minutes=5)


class Owed(StrEnum):
    """What is owed."""

    SESSIONS_END = "sessions_end"
    LINKED_ARE_TOLD = "linked_are_told"
    UNPROVEN_ARE_TOLD = "unproven_are_told"
    PUT_OFF_ARE_TOLD = "put_off_are_told"
    ONE_IS_TOLD = "one_is_told"
    OUTSIDERS_ARE_REMINDED = "outsiders_are_reminded"
    GROUP_IS_REFILLED = "group_is_refilled"
    MEMBERS_ARE_REMINDED = "members_are_reminded"


Step = Callable[[Organization, SsoErrand], bool]
"""Does the next batch of an errand, keeps with it how far it has come, and tells whether there is more."""


def owe(organization: Organization, what: Owed, provider: IdentityProvider | None = None, **data: Any) -> SsoErrand:
    """Note that something is owed to many people; the caller holds the lock.

    Args:
        organization: whose people.
        what: is owed.
        provider: the connection that it is about, if it is about one.
        data: what else it takes.
    """
    of_provider = {"organization_id": organization.id, "provider_id": provider.id if provider else None}
    errand = SsoErrand(**of_provider, kind=what.value, data=data, after=0)
    db.session.add(errand)
    db.session.flush()
    return errand


def due(kinds: Collection[str]) -> Sequence[int]:
    """Return the ids of errands of which a batch can be done now: one of a kind of each organization, at most 20.

    Args:
        kinds: what the worker knows how to do; what only a newer version knows waits for its worker.
    """
    first = func.min(SsoErrand.id)
    found = select(first).where(SsoErrand.not_before <= clock.now(), SsoErrand.kind.in_(kinds))
    in_turn = found.group_by(SsoErrand.organization_id, SsoErrand.kind).order_by(func.min(SsoErrand.not_before), first)
    return db.session.scalars(in_turn.limit(MOST_AT_ONCE)).all()


def go_on(errand_id: int, steps: Mapping[str, Step]) -> None:
    """Do the next batch of an errand, under the lock of its organization; it ends with its last one.

    Where another worker has been quicker, that one's batch was another: nothing is done twice.
    """
    organization_id = db.session.scalar(select(SsoErrand.organization_id).where(SsoErrand.id == errand_id))
    if organization_id is None:
        return
    organization = organizations.lock(organization_id)
    errand = db.session.get(SsoErrand, errand_id, populate_existing=True)
    if errand is None or errand.not_before > clock.now():
        return
    do(errand, organization, steps[errand.kind])


def put_off(errand_id: int) -> None:
    """Let an errand whose batch has failed wait for five minutes."""
    later = clock.now() + PUT_OFF_FOR
    db.session.execute(update(SsoErrand).where(SsoErrand.id == errand_id).values(not_before=later))


def do(errand: SsoErrand, organization: Organization, step: Step) -> None:
    """Do the next batch of an errand; the caller holds the lock."""
    if not step(organization, errand):
        db.session.delete(errand)
    elif errand.not_before < clock.now():
        errand.not_before = clock.now()  # the others' turn comes first
    db.session.flush()


def provider_of(errand: SsoErrand) -> IdentityProvider:
    """Return the connection that an errand is about."""
    return db.session.get_one(IdentityProvider, errand.provider_id)


def next_linked(errand: SsoErrand) -> list[int]:
    """Return the ids of the next users, in their order, who are linked with the connection of an errand."""
    linked = select(Identity.user_id).where(Identity.provider_id == errand.provider_id, Identity.user_id > errand.after)
    return list(db.session.scalars(linked.order_by(Identity.user_id).limit(BATCH)))


def next_members(errand: SsoErrand) -> list[int]:
    """Return the ids of the next members of an errand's organization, in their order."""
    following = select(Member.id).where(Member.organization_id == errand.organization_id, Member.id > errand.after)
    return list(db.session.scalars(following.order_by(Member.id).limit(BATCH)))


def end_batch(errand: SsoErrand, batch: Sequence[int]) -> bool:
    """Keep that a batch is done; tell whether another may follow."""
    errand.after = batch[-1] if batch else errand.after
    return len(batch) == BATCH
