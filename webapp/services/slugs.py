"""Slugs: the names of organizations in addresses, in ASCII only, so that no two look alike."""

import re
import secrets
import unicodedata
from collections.abc import Callable

from sqlalchemy import bindparam, delete, exists, or_, select

from webapp.db import db
from webapp.errors import InvalidSlug, SlugTaken
from webapp.models import FormerSlug, Member, MemberStatus, Organization

MAX_CHARACTERS = 60
RESERVED = frozenset({"new", "add", "all", "none", "settings", "members", "teams", "projects", "sso", "audit"})
SUFFIX_BYTES = 3
SLUG = re.compile("[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_PRESENT = (
    select(Organization.slug)
    .join(FormerSlug, FormerSlug.organization_id == Organization.id)
    .join(Member, Member.organization_id == Organization.id)
    .where(
        FormerSlug.slug == bindparam("former"),
        Member.user_id == bindparam("user_id"),
        Member.status == MemberStatus.ACTIVE,
    )
)


def free_slug(name: str) -> str:
    """Return an unused slug made from `name`, or a made-up one where it has no Latin letters or digits."""
    return made_unique(name, lambda slug: _is_free(slug, None))


def made_unique(name: str, is_free: Callable[[str], bool]) -> str:
    """Return a slug made from `name`, with a made-up end where it is not free as it is."""
    slug = slugify(name)
    while not is_free(slug):
        suffix = f"-{secrets.token_hex(SUFFIX_BYTES)}"
        slug = slugify(name)[: MAX_CHARACTERS - len(suffix)].strip("-") + suffix
    return slug


def slugify(name: str) -> str:
    """Return lower-case ASCII words of `name` joined by hyphens, at most 60 characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))[:MAX_CHARACTERS].strip("-")
    return slug or f"org-{secrets.token_hex(SUFFIX_BYTES)}"


def require_free(slug: str, organization: Organization) -> None:
    """Go on only if an organization may have this slug; one it had before it may have again.

    Raises:
        InvalidSlug: it has other characters than it may, or too many.
        SlugTaken: it is reserved, or leads to another organization.
    """
    if len(slug) > MAX_CHARACTERS or not SLUG.fullmatch(slug):
        raise InvalidSlug(most=MAX_CHARACTERS)
    if not _is_free(slug, organization.id):
        raise SlugTaken


def _is_free(slug: str, organization_id: int | None) -> bool:
    """Ask for present and former slugs in one statement: a slug on its way from one to the other is never missed."""
    present = exists().where(Organization.slug == slug, Organization.id.is_distinct_from(organization_id))
    former = exists().where(FormerSlug.slug == slug, FormerSlug.organization_id.is_distinct_from(organization_id))
    return slug not in RESERVED and not db.session.scalar(select(or_(present, former)))


def move(organization: Organization, slug: str) -> None:
    """Give an organization another slug; the one it had leads to it from now on."""
    db.session.execute(delete(FormerSlug).where(FormerSlug.slug == slug))
    db.session.add(FormerSlug(slug=organization.slug, organization_id=organization.id))
    organization.slug = slug
    db.session.flush()


def present_slug(former: str, user_id: int | None) -> str | None:
    """Return the slug that took the place of a former one, for active members only."""
    return db.session.scalar(_PRESENT, {"former": former, "user_id": user_id})
