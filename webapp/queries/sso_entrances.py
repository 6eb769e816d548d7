"""Whose provider somebody who is not signed in is offered: by a proven domain, or by where they want to go.

No account is looked at, so what is offered says nothing of who has one.
"""

import re

from sqlalchemy import bindparam, exists, select

from webapp.access.single_sign_on import is_in_use
from webapp.db import db
from webapp.models import IdentityProvider, Organization, SsoDomain
from webapp.queries.sso import Entrance, entrance_of

_OF_ORGANIZATION = re.compile(r"/orgs/([a-z0-9-]+)(?:[/?#]|$)")
_IS_PROVEN = SsoDomain.proven_at.is_not(None)
_IN_USE = is_in_use(IdentityProvider)
_BY_DOMAIN = (
    select(Organization.id, Organization.name, Organization.slug, IdentityProvider)
    .join(IdentityProvider, IdentityProvider.organization_id == Organization.id)
    .join(SsoDomain, SsoDomain.organization_id == Organization.id)
    .where(SsoDomain.domain == bindparam("domain"), _IS_PROVEN, _IN_USE)
)
_ANY_DOMAIN = select(exists().where(_IS_PROVEN, IdentityProvider.organization_id == SsoDomain.organization_id, _IN_USE))


def entrance_by_domain(domain: str) -> Entrance | None:
    """Return where people of a domain sign in: an organization that has proven it, and whose connection is in use.

    Args:
        domain: in its canonical form; domains above and below it are others.
    """
    row = db.session.execute(_BY_DOMAIN, {"domain": domain}).one_or_none()
    return Entrance(*row) if row else None


def entrance_towards(path: str) -> Entrance | None:
    """Return where people sign in to the organization that a path of ours leads to, if it lets them."""
    found = _OF_ORGANIZATION.match(path)
    return entrance_of(found[1]) if found else None


def leads_anywhere() -> bool:
    """Tell whether any domain leads to a provider."""
    return bool(db.session.scalar(_ANY_DOMAIN))
