"""Accounts whose address a provider names: their owners are told, and a provider that names many is told no more."""

from sqlalchemy import exists, select

from webapp import clock
from webapp.db import db
from webapp.models import Attempts, IdentityProvider, Organization, SsoDomain
from webapp.services import accounts, attempts
from webapp.services.addresses import Address
from webapp.services.attempts import DAY, Limit
from webapp.services.sso import connections
from webapp.services.sso.errors import NamedTooOften

MOST_NAMED_A_DAY = 20
LETTERS_OF_ALL_A_DAY = 10


def require_few(organization: Organization, address: Address) -> None:
    """Go on with somebody new only if not too many accounts of others were named today.

    Whoever has proven the domain of an address by its record may know who in it has an account.

    Raises:
        NamedTooOften: they were; whether there is an account with this address plays no part.
    """
    if not _is_proven(organization, address):
        of_today = exists().where(Attempts.bucket == _bucket(organization), Attempts.ends_at > clock.now())
        if db.session.scalar(select(of_today.where(Attempts.count >= MOST_NAMED_A_DAY))):
            raise NamedTooOften(organization=organization.name)


def tell(organization: Organization, provider: IdentityProvider, address: Address) -> None:
    """Count that an account's address was named, once a day for each organization, and tell its owner then.

    The account counts as one however often it is named, also where it is closed: the answer is the same. Nobody gets
    more than a few letters a day from all organizations.
    """
    if _is_proven(organization, address):
        return
    found = accounts.with_verified_address(address.canonical)
    if found is None or attempts.count([Limit(f"sso:named:{organization.id}:{found.user.id}", 1, DAY)]):
        return
    attempts.raise_counters({Limit(_bucket(organization), MOST_NAMED_A_DAY, DAY): 1})
    of_all = Limit(f"sso:named:user:{found.user.id}", LETTERS_OF_ALL_A_DAY, DAY)
    if found.user.is_active and attempts.count([of_all]) is None:
        said = {"organization": organization.name, "slug": organization.slug, "email": found.email.address}
        accounts.tell(found.user, "sso_named", provider=connections.host_of(provider), **said)


def _is_proven(organization: Organization, address: Address) -> bool:
    domain = address.canonical.rpartition("@")[2]
    proven = exists().where(
        SsoDomain.organization_id == organization.id, SsoDomain.domain == domain, SsoDomain.proven_at.is_not(None)
    )
    return bool(db.session.scalar(select(proven)))


def _bucket(organization: Organization) -> str:
    return f"sso:named:{organization.id}"
