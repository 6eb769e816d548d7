"""Proofs that domains belong to organizations: a text that whoever runs the domain publishes, and what it opens.

Whoever is listed for joining need not be proven (see `policy`); a proven domain leads from the sign-in page.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import Select, select

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import require, require_fresh
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import N_, DomainProvenElsewhere, NotFound
from webapp.models import IdentityProvider, Organization, SsoDomain
from webapp.services import attempts, audit
from webapp.services.attempts import DAY, Limit
from webapp.services.audit import Event, Target
from webapp.services.sso import connections, letters
from webapp.services.sso.errors import RecordDiffers, RecordMissing, RecordUnknown

LABEL = "_vestibule"
VALUE = "vestibule-domain="
MOST_LETTERS_A_DAY = 20
TAKEN_OVER = N_("Another organization had proven it, whose record is not published any more.")
HANDED_OVER = N_("Its record is not published any more, and another organization has proven it.")


@dataclass(frozen=True)
class Record:
    """A domain that an organization lists, and the TXT record that proves it."""

    domain: str
    name: str
    value: str
    proven_at: datetime | None

    @classmethod
    def of(cls, row: SsoDomain) -> Self:
        """Return that of a row."""
        return cls(row.domain, f"{LABEL}.{row.domain}", VALUE + row.token, row.proven_at)

    def is_among(self, texts: Sequence[str]) -> bool:
        """Tell whether it is one of the texts that are published under its name."""
        return self.value in (text.strip() for text in texts)


def records_of(organization: Organization) -> list[Record]:
    """Return the domains that an organization lists, in their order."""
    return [Record.of(row) for row in db.session.scalars(_listed(organization).order_by(SsoDomain.domain))]


def record_of(organization: Organization, domain: str) -> Record:
    """Return a domain that an organization lists.

    Raises:
        NotFound: it does not.
    """
    return Record.of(_row(organization, domain))


def proven_by(domain: str) -> Sequence[int]:
    """Return the ids of the organizations that have proven a domain: one at most."""
    return db.session.scalars(_proven(domain).with_only_columns(SsoDomain.organization_id)).all()


def prove(
    actor: Actor,
    organization: Organization,
    provider: IdentityProvider,
    domain: str,
    texts: Sequence[str] | None,
    held: Collection[int] = (),
) -> None:
    """Note that a domain is the organization's, as what was found under the name of its record says.

    Where another organization has proven it, and its record is not among what is published now, the domain is handed
    over, and its owners are told. The caller holds the locks of both, taken in ascending id.

    Args:
        actor: who wants it.
        organization: whose domain it is to be.
        provider: the connection in use.
        domain: in its canonical form.
        texts: what is published there; None where nobody said.
        held: the ids of other organizations whose locks the caller holds.

    Raises:
        NotFound, Forbidden, SignInAgain: the actor may not, or the domain is not listed.
        ConnectionChanged: the connection is not in use any more.
        RecordUnknown, RecordMissing, RecordDiffers: it is not proven by what was found.
        DomainProvenElsewhere: by another organization it is, and that one's record stands, or its lock is not held.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    require_fresh(actor)
    connections.require_in_use(organization, provider)
    row = _row(organization, domain)
    if row.proven_at is not None:
        return
    _require_published(Record.of(row), texts)
    was_handed_over = _take_over(domain, texts or (), held)
    row.proven_at = clock.now()
    db.session.flush()  # two organizations at once: the database lets one of them
    target, after = connections.target_of(provider), {"domain": domain}
    after |= {"reason": TAKEN_OVER} if was_handed_over else {}
    audit.record(actor, Event.SSO_DOMAIN_PROVEN, target, organization=organization, after=after)


def lose(organization: Organization, row: SsoDomain, what: str, why: str) -> None:
    """Let a domain be proven no more, and tell the owners; the caller holds the organization's lock.

    Args:
        organization: whose it was.
        row: the domain.
        what: became of it, in the words of the letter: "lost" or "handed_over".
        why: a sentence that can be translated.
    """
    row.proven_at = None
    db.session.flush()
    target, after = Target("domain", row.id, row.domain), {"domain": row.domain, "reason": why}
    audit.record(Actor.system(), Event.SSO_DOMAIN_LOST, target, organization=organization, after=after)
    tell_owners(organization, row, what)


def tell_owners(organization: Organization, row: SsoDomain, what: str) -> None:
    """Tell owners what became of a domain, at most 20 times a day."""
    if not attempts.count([Limit(f"sso:domain-letters:{organization.id}", MOST_LETTERS_A_DAY, DAY)]):
        letters.tell_owners(organization, "sso_domain", domain=row.domain, what=what)


def _take_over(domain: str, texts: Sequence[str], held: Collection[int]) -> bool:
    """Take a domain from whoever had proven it; return whether anybody had.

    Raises:
        DomainProvenElsewhere: their record is published, too, or they have proven it just now.
    """
    row = db.session.scalar(_proven(domain))
    if row is None:
        return False
    if row.organization_id not in held or Record.of(row).is_among(texts):
        raise DomainProvenElsewhere
    lose(db.session.get_one(Organization, row.organization_id), row, "handed_over", HANDED_OVER)
    return True


def _proven(domain: str) -> Select[SsoDomain]:
    return select(SsoDomain).where(SsoDomain.domain == domain, SsoDomain.proven_at.is_not(None))


def _require_published(record: Record, texts: Sequence[str] | None) -> None:
    if texts is None:
        raise RecordUnknown(domain=record.domain)
    if not texts:
        raise RecordMissing(name=record.name)
    if not record.is_among(texts):
        raise RecordDiffers(name=record.name)


def _row(organization: Organization, domain: str) -> SsoDomain:
    found = db.session.scalar(_listed(organization).where(SsoDomain.domain == domain))
    if found is None:
        raise NotFound
    return found


def _listed(organization: Organization) -> Select[SsoDomain]:
    return select(SsoDomain).where(SsoDomain.organization_id == organization.id)
