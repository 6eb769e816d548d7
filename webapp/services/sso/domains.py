"""Proofs that domains belong to organizations: a text that whoever runs the domain publishes, and what it opens.

Whoever is listed for joining need not be proven (see `policy`); a proven domain leads from the sign-in page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import Select, select

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import require
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import DomainProvenElsewhere, NotFound
from webapp.models import IdentityProvider, Organization, ProviderStatus, SsoDomain
from webapp.services import audit
from webapp.services.audit import Event
from webapp.services.sso import connections
from webapp.services.sso.errors import ConnectionChanged, RecordDiffers, RecordMissing, RecordUnknown

LABEL = "_vestibule"
VALUE = "vestibule-domain="


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


def records_of(organization: Organization) -> list[Record]:
    """Return the domains that an organization lists, in their order."""
    return [Record.of(row) for row in db.session.scalars(_listed(organization).order_by(SsoDomain.domain))]


def record_of(organization: Organization, domain: str) -> Record:
    """Return a domain that an organization lists.

    Raises:
        NotFound: it does not.
    """
    return Record.of(_row(organization, domain))


def prove(
    actor: Actor, organization: Organization, provider: IdentityProvider, domain: str, texts: Sequence[str] | None
) -> None:
    """Note that a domain is the organization's, as what was found under the name of its record says.

    Once proven it stays so, until the organization lists it no more. The caller holds the organization's lock.

    Args:
        actor: who wants it.
        organization: whose domain it is to be.
        provider: the connection in use.
        domain: in its canonical form.
        texts: what is published there; None where nobody said.

    Raises:
        NotFound, Forbidden: the actor may not, or the domain is not listed.
        ConnectionChanged: the connection is not in use any more.
        RecordUnknown, RecordMissing, RecordDiffers: it is not proven by what was found.
        DomainProvenElsewhere: by another organization it is.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    if provider.organization_id != organization.id or provider.status is not ProviderStatus.ACTIVE:
        raise ConnectionChanged
    row = _row(organization, domain)
    if row.proven_at is not None:
        return
    _require_published(Record.of(row), texts)
    if db.session.scalar(select(SsoDomain.id).where(SsoDomain.domain == domain, SsoDomain.proven_at.is_not(None))):
        raise DomainProvenElsewhere
    row.proven_at = clock.now()
    db.session.flush()  # two organizations at once: the database lets one of them
    target, after = connections.target_of(provider), {"domain": domain}
    audit.record(actor, Event.SSO_DOMAIN_PROVEN, target, organization=organization, after=after)


def _require_published(record: Record, texts: Sequence[str] | None) -> None:
    if texts is None:
        raise RecordUnknown(domain=record.domain)
    if not texts:
        raise RecordMissing(name=record.name)
    if record.value not in (text.strip() for text in texts):
        raise RecordDiffers(name=record.name)


def _row(organization: Organization, domain: str) -> SsoDomain:
    found = db.session.scalar(_listed(organization).where(SsoDomain.domain == domain))
    if found is None:
        raise NotFound
    return found


def _listed(organization: Organization) -> Select[SsoDomain]:
    return select(SsoDomain).where(SsoDomain.organization_id == organization.id)
