"""What pages read of single sign-on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, select

from webapp.db import db
from webapp.models import Identity, IdentityProvider, Member, MemberStatus, Organization, ProviderStatus


@dataclass(frozen=True)
class Entrance:
    """An organization whose people can sign in through its provider."""

    organization_id: int
    name: str
    slug: str
    provider: IdentityProvider


@dataclass(frozen=True)
class OwnLink:
    """A provider that somebody is linked to, or could be."""

    organization: str
    slug: str
    provider: IdentityProvider
    linked_at: datetime | None
    last_verified_at: datetime | None


_ENTRANCE = (
    select(Organization.id, Organization.name, Organization.slug, IdentityProvider)
    .join(IdentityProvider, IdentityProvider.organization_id == Organization.id)
    .where(Organization.slug == bindparam("slug"), IdentityProvider.status == ProviderStatus.ACTIVE)
)
_OWN_LINKS = (
    select(Organization.name, Organization.slug, IdentityProvider, Identity.created_at, Identity.last_verified_at)
    .join(Member, Member.organization_id == Organization.id)
    .join(IdentityProvider, IdentityProvider.organization_id == Organization.id)
    .outerjoin(Identity, and_(Identity.provider_id == IdentityProvider.id, Identity.user_id == Member.user_id))
    .where(
        Member.user_id == bindparam("user_id"),
        Member.status == MemberStatus.ACTIVE,
        IdentityProvider.status == ProviderStatus.ACTIVE,
    )
    .order_by(Organization.name, Organization.id)
)


def entrance_of(slug: str) -> Entrance | None:
    """Return where people of an organization sign in, if its single sign-on is in use."""
    row = db.session.execute(_ENTRANCE, {"slug": slug}).one_or_none()
    return Entrance(*row) if row else None


def own_links_of(user_id: int) -> list[OwnLink]:
    """Return the providers of the organizations somebody belongs to, and since when they are linked to each."""
    rows = db.session.execute(_OWN_LINKS, {"user_id": user_id}).all()
    return [OwnLink(*row) for row in rows]
