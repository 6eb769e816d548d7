"""Switching single sign-on off: nobody comes in by it any more, and whoever did needs another way."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, exists, select
from sqlalchemy.orm import aliased

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import require, require_fresh
from webapp.access.facts import IS_ACTIVE
from webapp.access.roles import Scope
from webapp.db import db
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
from webapp.services import attempts, audit, invitation_limits, outbox, verification
from webapp.services.addresses import Address
from webapp.services.attempts import DAY, Limit
from webapp.services.audit import Event
from webapp.services.outbox import Letter
from webapp.services.sso import confined, connections, errands, letters
from webapp.services.sso.errands import Owed

KIND = "sso_disabled"
MOST_UNPROVEN_A_DAY = 2_000


def disable(actor: Actor, organization: Organization, provider: IdentityProvider) -> None:
    """Take a connection out of use; the caller holds the organization's lock.

    Browsers that came in by nothing else open nothing here from now on, and are signed out: the first at once, the
    others by the worker. Ways to the provider and back end as those of a connection that was changed. The worker tells
    those who are linked, with a way to a password for those who have none. An address that only the provider has named
    gets a letter whose link lets whoever has the mailbox prove it and choose one.

    Raises:
        NotFound, Forbidden: the actor may not.
        SignInAgain: they have not just signed in.
        ConnectionChanged: it is not in use any more.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    require_fresh(actor)
    connections.require_in_use(organization, provider)
    provider.status = ProviderStatus.DISABLED
    db.session.flush()
    errands.do(errands.owe(organization, Owed.SESSIONS_END, provider), organization, end_sessions)
    for what in (Owed.LINKED_ARE_TOLD, Owed.UNPROVEN_ARE_TOLD):
        errands.owe(organization, what, provider, letter=KIND, host=connections.host_of(provider))
    audit.record(actor, Event.SSO_DISABLED, connections.target_of(provider), organization=organization)


def end_sessions(_organization: Organization, errand: SsoErrand) -> bool:
    """Close the sessions of the next people that nothing but this connection vouches for; see `errands`."""
    batch = errands.next_linked(errand)
    confined.end(select(Identity.id).where(Identity.provider_id == errand.provider_id, Identity.user_id.in_(batch)))
    return errands.end_batch(errand, batch)


def tell_unproven(organization: Organization, errand: SsoErrand) -> bool:
    """Tell those of the next people whose address nobody has proven; see `errands`.

    An organization names whom it likes, so these letters are no more in a day than its invitations may be, in all and
    to one mailbox; the others leave on the days that follow. Those whose mailbox had enough keep nobody else waiting:
    they become an errand of their own. `letter` and `host` of the errand are as for `letters.tell_linked`; one of an
    earlier version has none. `said` is what else the letter says, if anything.
    """
    return _tell_next(organization, errand, errands.next_linked(errand))


def tell_named(organization: Organization, errand: SsoErrand) -> bool:
    """Tell the errand's `user_ids`: one of whom it is about, or those put off as their mailbox had enough today.

    See `tell_unproven`.
    """
    return _tell_next(organization, errand, [number for number in errand.data["user_ids"] if number > errand.after])


def _tell_next(organization: Organization, errand: SsoErrand, batch: Sequence[int]) -> bool:
    kind = errand.data.get("letter", KIND)
    host = errand.data.get("host") or connections.host_of(errands.provider_of(errand))
    said = errand.data.get("said", {})
    active = (User.is_active,) if errand.kind == Owed.ONE_IS_TOLD else IS_ACTIVE
    unproven = _unproven_among(batch, kind, organization, *active)
    found = db.session.execute(unproven.where(~_is_taken(), ~letters.is_linked_anew(organization))).all()
    limit = Limit(f"{KIND}:unproven:{organization.id}", MOST_UNPROVEN_A_DAY, DAY)
    counted = attempts.raise_counters({limit: len(found)} if found else {})
    over = max(0, counted[limit].count - limit.most) if found else 0
    reached = found[: max(0, len(found) - over)]
    full = _with_full_mailbox(organization, reached)
    _tell(kind, organization, {"provider": host, **said}, [row for row in reached if row.id not in full])
    if full:
        attempts.raise_counters({limit: -len(full)})
        of_later = {"letter": kind, "host": host, "user_ids": sorted(full), "said": said}
        what = Owed.ONE_IS_TOLD if errand.kind == Owed.ONE_IS_TOLD else Owed.PUT_OFF_ARE_TOLD
        later = errands.owe(organization, what, errands.provider_of(errand), **of_later)
        later.not_before = clock.now() + DAY
    if len(reached) == len(found):
        return errands.end_batch(errand, batch)
    errand.after, errand.not_before = reached[-1].id if reached else errand.after, counted[limit].ends_at
    return True


def may_be_told(user_id: int, kind: str, organization: Organization) -> bool:
    """Tell whether somebody gets a letter of a kind that proves their address, unless it is another account's.

    Whether it is, nobody is told who asks; see `tell_unproven`.
    """
    return db.session.execute(_unproven_among([user_id], kind, organization, User.is_active)).first() is not None


def _with_full_mailbox(organization: Organization, people: Sequence[Row[*tuple[Any, ...]]]) -> set[int]:
    """Count a letter to each of some people; return the ids of those, the last ones, whose mailbox had enough today."""
    wanted = [(row.id, Address(row.address, row.canonical)) for row in people]
    over = Counter(invitation_limits.over_daily_limit(organization, [address for _, address in wanted]))
    full = set()
    for number, address in reversed(wanted):
        if over[address] > 0:
            over[address] -= 1
            full.add(number)
    return full


def _tell(
    kind: str, organization: Organization, more: Mapping[str, Any], told: Sequence[Row[*tuple[Any, ...]]]
) -> None:
    """Queue the letters; the link of each gives those a password who signed in through the provider alone."""
    said = {"organization": organization.name, "slug": organization.slug, **more}
    tokens = verification.prepare([row.email_id for row in told])
    letters.note_told(kind, organization, [row.id for row in told])
    outbox.enqueue_all(
        [
            Letter(
                kind,
                row.address,
                {**said, "name": row.name, "has_password": row.has_password, "email": row.address},
                token,
                organization_id=organization.id,
                language=row.language,
            )
            for row, token in zip(told, tokens, strict=True)
        ]
    )


def _is_taken() -> ColumnElement[bool]:
    """Tell of an address whether it is proven for another account."""
    proven = aliased(EmailAddress)
    return exists().where(proven.canonical == EmailAddress.canonical, proven.verified_at.is_not(None))


def _unproven_among(
    batch: Sequence[int], kind: str, organization: Organization, *active: Any
) -> Select[*tuple[Any, ...]]:
    """Select those of some users, if active, whose address nobody has proven for them and who had no letter today."""
    is_primary = and_(EmailAddress.user_id == User.id, EmailAddress.is_primary, EmailAddress.verified_at.is_(None))
    return (
        select(
            User.id,
            User.name,
            EmailAddress.id.label("email_id"),
            EmailAddress.address,
            EmailAddress.canonical,
            User.language,
            User.password_hash.is_not(None).label("has_password"),
        )
        .join(Member, Member.user_id == User.id)
        .join(EmailAddress, is_primary)
        .where(User.id.in_(batch), Member.organization_id == organization.id, *active)
        .where(~letters.was_told(kind, organization))
        .order_by(User.id)
    )
