"""Organizations: making them, and the lock that orders everything that changes one."""

import re
import secrets
import unicodedata

from sqlalchemy import ColumnElement, select

from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import NotFound
from webapp.models import Member, Organization, Role, User
from webapp.services import audit, members
from webapp.services.audit import Event, Target

MAX_SLUG_CHARACTERS = 60
RESERVED_SLUGS = frozenset({"new", "add", "all", "none", "settings", "members", "teams", "projects", "sso", "audit"})


def lock(organization_id: int) -> Organization:
    """Return an organization, holding its lock until the transaction ends; what was read before is stale.

    Raises:
        NotFound: there is none.
    """
    _hold(Organization.id == organization_id)
    organization = db.session.get(Organization, organization_id, populate_existing=True)
    if organization is None:
        raise NotFound
    return organization


def lock_by_slug(slug: str) -> None:
    """Hold the lock of the organization with this slug, if there is one, before anything of it is read."""
    _hold(Organization.slug == slug)


def _hold(which: ColumnElement[bool]) -> None:
    """On SQLite the writing transaction is the lock; on PostgreSQL the row, which others may still refer to."""
    db.session.execute(select(Organization.id).where(which).with_for_update(key_share=True))


def create(actor: Actor, name: str, owner: User, owner_email: str) -> tuple[Organization, Member]:
    """Make an organization with its first owner."""
    organization = Organization(name=name, slug=free_slug(name))
    db.session.add(organization)
    db.session.flush()
    after = {"name": organization.name, "slug": organization.slug}
    target = Target("organization", organization.id, organization.name)
    audit.record(actor, Event.ORGANIZATION_CREATED, target, organization=organization, after=after)
    return organization, members.add(actor, organization, owner, owner_email, Role.OWNER)


def free_slug(name: str) -> str:
    """Return an unused slug made from `name`, or a made-up one where it has no Latin letters or digits."""
    slug = slugify(name)
    while slug in RESERVED_SLUGS or db.session.scalar(select(Organization.id).where(Organization.slug == slug)):
        slug = f"{slugify(name)}-{secrets.token_hex(3)}"
    return slug


def slugify(name: str) -> str:
    """Return lower-case ASCII words of `name` joined by hyphens, at most 60 characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))[:MAX_SLUG_CHARACTERS].strip("-")
    return slug or f"org-{secrets.token_hex(3)}"
