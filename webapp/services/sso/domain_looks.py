"""Looking again at domains that are proven: whether each is still the organization's, about once a day."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import cast, delete, exists, literal, select
from sqlalchemy.types import String

from webapp import clock
from webapp.db import db
from webapp.errors import N_
from webapp.models import Attempts, SsoDomain
from webapp.services import attempts, organizations
from webapp.services.attempts import DAY, Limit
from webapp.services.sso import domains
from webapp.services.sso.domains import Record

LOOKED_EVERY = DAY
MISSES_UNTIL_LOST = 4
"""Looks at which the record was missing, with none between them that found it: at least three days."""
MISSES_REMEMBERED = timedelta(days=14)
MOST_AT_ONCE = 40
LOST = N_("Its TXT record was missing for days.")
_LOOKED = "sso:domain-look:"


def due() -> Sequence[int]:
    """Return the ids of proven domains that nobody has looked at for a day, at most 40."""
    now = clock.now()
    bucket = literal(_LOOKED).concat(cast(SsoDomain.id, String))
    was_looked_at = exists().where(Attempts.bucket == bucket, Attempts.ends_at > now)
    found = select(SsoDomain.id).where(SsoDomain.proven_at <= now - LOOKED_EVERY, ~was_looked_at)
    return db.session.scalars(found.order_by(SsoDomain.id).limit(MOST_AT_ONCE)).all()


def claim(domain_id: int) -> Record | None:
    """Take today's look at a proven domain; of several who want it at the same moment one gets it."""
    row = db.session.get(SsoDomain, domain_id)
    if row is None or row.proven_at is None:
        return None
    is_taken = attempts.count([Limit(f"{_LOOKED}{domain_id}", 1, LOOKED_EVERY)])
    return None if is_taken else Record.of(row)


def note(domain_id: int, record: Record, texts: Sequence[str]) -> None:
    """Keep what was found under the name of a record: owners are told when it is missing, and when the proof is lost.

    The organization's lock is taken here. Nothing is kept where the proof was lost meanwhile.
    """
    organization_id = db.session.scalar(select(SsoDomain.organization_id).where(SsoDomain.id == domain_id))
    if organization_id is None:
        return
    organization = organizations.lock(organization_id)
    row = db.session.get(SsoDomain, domain_id, populate_existing=True)
    if row is None or row.proven_at != record.proven_at:
        return
    misses = Limit(f"sso:domain-missing:{domain_id}", MISSES_UNTIL_LOST, MISSES_REMEMBERED)
    if record.is_among(texts):
        db.session.execute(delete(Attempts).where(Attempts.bucket == misses.bucket))
        return
    number = attempts.raise_counters({misses: 1})[misses].count
    if number >= MISSES_UNTIL_LOST:
        domains.lose(organization, row, "lost", LOST)
        db.session.execute(delete(Attempts).where(Attempts.bucket == misses.bucket))
    elif number == 1:
        domains.tell_owners(organization, row, "missing")
