"""What an organization lets single sign-on do: who joins by it, as what, and how often each is verified."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from webapp.access.actor import Actor
from webapp.access.decide import require, require_fresh, require_role_within
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import InvalidAddress
from webapp.models import IdentityProvider, Joining, Organization, Role, SsoDomain
from webapp.services import addresses, audit
from webapp.services.audit import Event
from webapp.services.sso import connections
from webapp.services.sso.errors import DomainNeeded, InvalidDomain, OwnersAreMade, TooManyDomains
from webapp.services.tokens import new_token

MOST_DOMAINS = 50
MIN_VERIFICATION_DAYS = 1
MAX_VERIFICATION_DAYS = 90
OF_CONNECTION = ("default_role", "joining", "verification_days")


@dataclass(frozen=True)
class Policy:
    """The rules of a connection; `domains` are those of the organization, in their canonical form and order."""

    default_role: Role
    joining: Joining
    verification_days: int
    domains: Sequence[str]

    def described(self) -> dict[str, Any]:
        """Return what the audit log keeps of it."""
        return {
            "default_role": self.default_role.label,
            "joining": self.joining.value,
            "verification_days": self.verification_days,
            "domains": list(self.domains),
        }


def policy_of(provider: IdentityProvider, domains: Collection[str] | None = None) -> Policy:
    """Return the rules in force.

    Args:
        provider: the connection in use.
        domains: those that its organization lists, where they have been read already.
    """
    listed = _domains(provider) if domains is None else domains
    return Policy(provider.default_role, provider.joining, provider.verification_days, sorted(listed))


def domains_in(text: str) -> list[str]:
    """Return the domains in a text, each once, in the canonical form by which addresses are compared.

    Raises:
        InvalidDomain: one of them is none.
        TooManyDomains: they are more than 50.
    """
    found = sorted({_canonical(word) for word in text.replace(",", " ").replace(";", " ").split()})
    if len(found) > MOST_DOMAINS:
        raise TooManyDomains(most=MOST_DOMAINS)
    return found


def edit(actor: Actor, organization: Organization, provider: IdentityProvider, wanted: Policy) -> bool:
    """Change the rules; return whether any is another now. The caller holds the organization's lock.

    Raises:
        NotFound, Forbidden, RoleTooHigh: the actor may not.
        SignInAgain: they have not just signed in.
        ConnectionChanged: the connection is not in use any more.
        OwnersAreMade: everybody who joins would be an owner.
        DomainNeeded: people may join, but of no domain.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    require_fresh(actor)
    require_role_within(actor, wanted.default_role)
    connections.require_in_use(organization, provider)
    if wanted.default_role is Role.OWNER:
        raise OwnersAreMade
    if wanted.joining is Joining.ALLOWED and not wanted.domains:
        raise DomainNeeded
    before = policy_of(provider).described()
    after = {name: value for name, value in wanted.described().items() if value != before[name]}
    if not after:
        return False
    for name in OF_CONNECTION:
        setattr(provider, name, getattr(wanted, name))
    _list(organization, before["domains"], wanted.domains)
    before = {name: before[name] for name in after}
    target = connections.target_of(provider)
    audit.record(actor, Event.SSO_EDITED, target, organization=organization, before=before, after=after)
    return True


def _domains(provider: IdentityProvider) -> Sequence[str]:
    of_organization = select(SsoDomain.domain).where(SsoDomain.organization_id == provider.organization_id)
    return db.session.scalars(of_organization).all()


def _list(organization: Organization, present: Collection[str], wanted: Collection[str]) -> None:
    """Let just these domains be listed; those that stay keep what was proven of them."""
    gone = delete(SsoDomain).where(SsoDomain.organization_id == organization.id)
    db.session.execute(gone.where(SsoDomain.domain.in_({*present} - {*wanted})))
    new = sorted({*wanted} - {*present})
    db.session.add_all(SsoDomain(organization_id=organization.id, domain=name, token=new_token()) for name in new)
    db.session.flush()


def _canonical(word: str) -> str:
    name = word.removeprefix("@")
    if "@" in name or "." not in name:
        raise InvalidDomain(domain=word)
    try:
        return addresses.parse(f"postmaster@{name}").canonical.rpartition("@")[2]
    except InvalidAddress as error:
        raise InvalidDomain(domain=word) from error
