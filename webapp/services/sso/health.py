"""Whether connections work: which are to be looked at, what was found, and telling owners when that changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select, update

from webapp import clock
from webapp.access.single_sign_on import is_in_use
from webapp.db import changes_one_row, db
from webapp.models import Identity, IdentityProvider, Organization, ProviderStatus
from webapp.services import attempts, organizations
from webapp.services.attempts import DAY, Limit
from webapp.services.sso import connections, letters
from webapp.services.sso.connections import Connected

PROBED_EVERY = timedelta(days=1)
FAILING_PROBED_EVERY = timedelta(hours=1)
LEASE = timedelta(minutes=5)
"""For how long whoever has taken a question is not overtaken; longer than any provider is waited for."""
MOST_TOLD_A_DAY = 6


@dataclass(frozen=True)
class Outcome:
    """What a probe found out.

    `began_at` is when it was begun. `problem` is the reason why sign-in would fail, in one word, or None where it
    would work; `sentence` says the same to whoever runs the connection, and can be translated. `was_asked` is false
    where too many waited already, so that nothing was found out.
    """

    began_at: datetime
    problem: str | None = None
    sentence: str = ""
    was_asked: bool = True


def due() -> Sequence[int]:
    """Return the ids of connections in use that are to be asked something now, those that waited longest first.

    They are to be probed, or, where the last probe went well, asked about people.
    """
    now = clock.now()
    about_people = exists().where(Identity.provider_id == IdentityProvider.id, Identity.next_refresh_at <= now)
    found = select(IdentityProvider.id).where(
        is_in_use(IdentityProvider),
        or_(_is_probe_due(now), and_(IdentityProvider.probe_problem.is_(None), about_people)),
    )
    return db.session.scalars(found.order_by(IdentityProvider.next_probe_at.nulls_first(), IdentityProvider.id)).all()


def in_use() -> Sequence[tuple[str, Connected]]:
    """Return all connections in use as values, each with the slug of its organization, in the order of these."""
    found = select(Organization.slug, IdentityProvider).join(
        Organization, Organization.id == IdentityProvider.organization_id
    )
    rows = db.session.execute(found.where(is_in_use(IdentityProvider)).order_by(Organization.slug))
    return [(slug, connections.connected(provider)) for slug, provider in rows]


def take(provider_id: int) -> Connected | None:
    """Take the probe of a connection where it is due; of several who want it at the same moment one gets it."""
    now = clock.now()
    waiting = update(IdentityProvider).where(
        IdentityProvider.id == provider_id, is_in_use(IdentityProvider), _is_probe_due(now)
    )
    if not changes_one_row(waiting.values(next_probe_at=now + LEASE)):
        return None
    return connections.connected(db.session.get_one(IdentityProvider, provider_id))


def note(connected: Connected, outcome: Outcome) -> None:
    """Keep what a probe found out, and tell the owners where the connection begins to fail, or works again.

    The organization's lock is taken here. Nothing is kept where the connection was changed or switched off meanwhile,
    where a probe that was begun later has been heard already, or where the provider was not asked at all.
    """
    if not outcome.was_asked:
        return
    theirs = select(IdentityProvider.organization_id).where(IdentityProvider.id == connected.id)
    organization_id = db.session.scalar(theirs)
    if organization_id is None:
        return
    organization = organizations.lock(organization_id)
    provider = db.session.get_one(IdentityProvider, connected.id, populate_existing=True)
    if provider.status is not ProviderStatus.ACTIVE or provider.version != connected.version:
        return
    if provider.probed_at is not None and provider.probed_at > outcome.began_at:
        return
    was_well, is_well = provider.probe_problem is None, outcome.problem is None
    provider.probed_at, provider.probe_problem = outcome.began_at, outcome.problem
    provider.next_probe_at = clock.now() + (PROBED_EVERY if is_well else FAILING_PROBED_EVERY)
    db.session.flush()
    if was_well is not is_well:
        _tell(organization, provider, outcome)


def _is_probe_due(now: datetime) -> ColumnElement[bool]:
    return or_(IdentityProvider.next_probe_at.is_(None), IdentityProvider.next_probe_at <= now)


def _tell(organization: Organization, provider: IdentityProvider, outcome: Outcome) -> None:
    """Tell the owners, at most six times a day: a provider may come and go more often than anybody wants to read."""
    if attempts.count([Limit(f"sso:health:{organization.id}", MOST_TOLD_A_DAY, DAY)]):
        return
    kind = "sso_works_again" if outcome.problem is None else "sso_does_not_work"
    letters.tell_owners(organization, kind, provider=connections.host_of(provider), why=outcome.sentence)
