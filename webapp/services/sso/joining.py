"""Coming in through a provider: as somebody known, by an invitation, or because the organization lets people join."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, not_, select, true, union_all

from webapp.access.actor import Actor
from webapp.access.facts import IS_ACTIVE
from webapp.db import db
from webapp.models import (
    EmailAddress,
    Identity,
    IdentityProvider,
    Joining,
    Member,
    Organization,
    RemovedMember,
    SsoDomain,
    User,
)
from webapp.services import accounts, addresses, former_addresses, invitation_rows, managed, members
from webapp.services.accounts import NewAccount
from webapp.services.addresses import Address
from webapp.services.invitation_links import Link
from webapp.services.memberships import Terms
from webapp.services.sso import identities, letters, mappings, named
from webapp.services.sso.errors import KnownBefore, LinkFirst, NotInvited, SignOnRefused
from webapp.services.sso.identities import Said
from webapp.services.sso.invited import offer_for
from webapp.services.words import single_line


@dataclass(frozen=True)
class Arrival:
    """Who came in, as whom the provider knows them, and whether they have just become a member."""

    user: User
    identity: Identity
    has_joined: bool


def come_in(
    actor: Actor,
    organization: Organization,
    provider: IdentityProvider,
    said: Said,
    *,
    link: Link | None = None,
    early: managed.Answer | None = None,
) -> Arrival:
    """Return the user whom a provider vouches for, who is an active member now; the caller holds the lock.

    Args:
        actor: whoever came, as a visitor.
        organization: where, and the only place where the provider's word counts.
        provider: who vouches, in use.
        said: what it says.
        link: the invitation they came by, if any; no other one lets them in then.
        early: what plug-ins said before of whom it knows by the subject.

    Raises:
        SignOnRefused: the account is closed, or the membership suspended or over.
        NotInvited: neither an invitation nor the policy lets them in.
        KnownBefore: the policy would, but the identity, or the address, was somebody's here before.
        LinkFirst: nobody is known by the identity, and the claimed address is an account's, or a member's, already; see
            `tell_named`.
        NamedTooOften: too many addresses of such accounts were named today.
        InvitationNotOpen: whoever sent the invitation may no longer offer it, or the one they came by is closed.
        InvitedIsAnother: the one they came by is for another address.
    """
    found = identities.known(provider, said.subject)
    if found is None:
        user, member = _admit(actor, organization, provider, said, link)
        identity = identities.add(provider, user.id, said)
    else:
        user, identity = found.user, found.identity
        if not user.is_active:
            raise SignOnRefused
        member = found.member or _readmit(actor, organization, user, said, link)
        identities.verify(identity, said)
    if not member.is_active:
        raise SignOnRefused
    db.session.flush()
    managed.sync_member(organization, member, early)
    mappings.sync(organization, provider, member, said.texts)
    return Arrival(user, identity, has_joined=found is None or found.member is None)


def _admit(
    actor: Actor, organization: Organization, provider: IdentityProvider, said: Said, link: Link | None
) -> tuple[User, Member]:
    """Make a user, who is a member by an invitation or by the policy. No account that exists is given to anybody.

    Their address is one that the provider has named, so nobody has proven it, also where a mailed link led here:
    whoever runs the provider can be anybody there, and would come by that account into other organizations.
    """
    address = addresses.parse_claimed(said.email, is_verified=said.email_verified)
    offer = offer_for(organization, address, link)
    if address is None:
        raise NotInvited(organization=organization.name)
    if _is_of_organization(organization, address):
        raise LinkFirst(organization=organization.name)
    if offer is None:
        _require_may_join(organization, provider, address, said)
    named.require_few(organization, address)
    if accounts.with_verified_address(address.canonical):
        raise LinkFirst(organization=organization.name)
    name = single_line(said.name) or address.typed.partition("@")[0]
    user = accounts.create(actor, NewAccount(name, address, None), is_proven=False)
    theirs = Actor.of(user, ip=actor.ip)
    if offer is not None:
        return user, offer.accept(theirs, organization, user)
    letters.tell_of_arrival(organization, user, address)
    return user, members.add(theirs, organization, user, address.typed, Terms(provider.default_role))


def tell_named(organization: Organization, provider: IdentityProvider, said: Said) -> None:
    """Tell whoever has an account with the claimed address that it was named, where nobody there knows them."""
    address = addresses.parse_claimed(said.email, is_verified=said.email_verified)
    if address is not None and not _is_of_organization(organization, address):
        named.tell(organization, provider, address)


def _readmit(actor: Actor, organization: Organization, user: User, said: Said, link: Link | None) -> Member:
    """Make somebody a member again who was one: by an invitation only, whatever the policy."""
    offer = offer_for(organization, addresses.parse_claimed(said.email, is_verified=said.email_verified), link)
    if offer is None:
        raise NotInvited(organization=organization.name)
    return offer.accept(Actor.of(user, ip=actor.ip), organization, user)


def _is_of_organization(organization: Organization, address: Address) -> bool:
    """Tell whether an address is a member's, also one's who was removed, because it is proven or they are linked.

    One that somebody has only typed is nobody's yet: it keeps out of no invitation, and out of nothing while they are a
    member. See `_is_of_somebody_gone`.
    """
    is_theirs = invitation_rows.is_theirs(organization)
    return _is_of_some(organization, address, members=is_theirs, removed=is_theirs)


def _is_of_somebody_gone(organization: Organization, address: Address) -> bool:
    """Tell whether somebody who is suspended, or was removed, has an address, proven or not."""
    return _is_of_some(organization, address, members=not_(and_(*IS_ACTIVE)), removed=true())


def _is_of_some(
    organization: Organization, address: Address, *, members: ColumnElement[bool], removed: ColumnElement[bool]
) -> bool:
    """Tell whether an address is of one of the members, or of the removed, whom a condition chooses of each."""
    rows = [
        select(model.user_id)
        .join(User, User.id == model.user_id)
        .join(EmailAddress, EmailAddress.user_id == model.user_id)
        .where(model.organization_id == organization.id, EmailAddress.canonical == address.canonical, chosen)
        for model, chosen in ((Member, members), (RemovedMember, removed))
    ]
    return db.session.execute(union_all(*rows).limit(1)).first() is not None


def _require_may_join(organization: Organization, provider: IdentityProvider, address: Address, said: Said) -> None:
    """Go on only if the policy lets somebody join, who never was anybody here."""
    if not _may_join(organization, provider, address):
        raise NotInvited(organization=organization.name)
    if (
        _is_of_somebody_gone(organization, address)
        or former_addresses.was_here(organization, address)
        or identities.was_known(provider, said.subject)
        or identities.was_named(organization, address.canonical)
    ):
        raise KnownBefore(organization=organization.name)


def _may_join(organization: Organization, provider: IdentityProvider, address: Address) -> bool:
    """Tell whether the policy lets people join, and the organization lists the address's domain, letter by letter."""
    if provider.joining is not Joining.ALLOWED:
        return False
    listed = select(SsoDomain.id).where(
        SsoDomain.organization_id == organization.id, SsoDomain.domain == address.canonical.rpartition("@")[2]
    )
    return db.session.scalar(listed) is not None
