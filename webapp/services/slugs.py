"""Slugs: the names of organizations, teams and projects in addresses, in ASCII only, so that no two look alike.

A team's or a project's is unique in its organization. What was a slug of one is never given to another: it leads to
the present one, and to nothing once that is gone.
"""

import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, insert, or_, select

from webapp.db import Id, db
from webapp.errors import InvalidSlug, SlugTaken
from webapp.models import (
    FormerProjectSlug,
    FormerSlug,
    FormerTeamSlug,
    Member,
    Organization,
    Project,
    RetiredSlug,
    Team,
)

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
        Member.is_active,
    )
)


@dataclass(frozen=True)
class Kind:
    """What has slugs, and the table of those it had before. A slug that is made up begins with `name`."""

    name: str
    model: Any
    former: Any
    former_id: str

    def id_of_former(self) -> ColumnElement[int]:
        """The column that says whose a former slug is."""
        column: ColumnElement[int] = getattr(self.former, self.former_id)
        return column


ORGANIZATION = Kind("org", Organization, FormerSlug, "organization_id")
TEAM = Kind("team", Team, FormerTeamSlug, "team_id")
PROJECT = Kind("project", Project, FormerProjectSlug, "project_id")


def free_slug(kind: Kind, name: str, organization: Organization | None = None, own_id: int | None = None) -> str:
    """Return a slug made from `name` that leads to nothing else, with a made-up end where it is not free as it is.

    Args:
        kind: of what.
        name: what is called so.
        organization: of which; nothing for one itself.
        own_id: what may have had the slug before, as it is renamed; nothing for something new.
    """
    slug = slugify(kind, name)
    while slug in RESERVED or _is_taken(kind, slug, _place(organization), own_id):
        suffix = f"-{secrets.token_hex(SUFFIX_BYTES)}"
        slug = slugify(kind, name)[: MAX_CHARACTERS - len(suffix)].strip("-") + suffix
    return slug


def slugify(kind: Kind, name: str) -> str:
    """Return lower-case ASCII words of `name` joined by hyphens, at most 60 characters; made-up ones if it has none."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))[:MAX_CHARACTERS].strip("-")
    return slug or f"{kind.name}-{secrets.token_hex(SUFFIX_BYTES)}"


def require_free(slug: str, organization: Organization) -> None:
    """Go on only if an organization may have this slug; one it had before it may have again.

    Raises:
        InvalidSlug: it has other characters than it may, or too many.
        SlugTaken: it is reserved, or leads to another organization.
    """
    if len(slug) > MAX_CHARACTERS or not SLUG.fullmatch(slug):
        raise InvalidSlug(most=MAX_CHARACTERS)
    if slug in RESERVED or _is_taken(ORGANIZATION, slug, {}, organization.id):
        raise SlugTaken


def move(kind: Kind, row: Any, slug: str) -> None:
    """Give something another slug; the one it had leads to it from now on."""
    if row.slug == slug:
        return
    place = _place_of(row)
    db.session.execute(delete(kind.former).filter_by(**place, slug=slug))
    db.session.add(kind.former(**place, **{"slug": row.slug, kind.former_id: row.id}))
    row.slug = slug
    db.session.flush()


def retire(kind: Kind, row: Any) -> None:
    """Keep all slugs of a team or a project, which is about to be removed, from being given to another."""
    former = db.session.scalars(select(kind.former.slug).where(kind.id_of_former() == row.id))
    rows = [{**_place_of(row), "kind": kind.name, "slug": slug} for slug in (row.slug, *former)]
    db.session.execute(insert(RetiredSlug), rows)


def find(kind: Kind, organization: Organization, slug: str) -> Any:
    """Return the team or the project that has a slug or had it before, or nothing."""
    rows = (db.session.scalar(found, asked_for(organization, slug)) for found in finding(kind, slug))
    return next((row for row in rows if row is not None), None)


def asked_for(organization: Organization, slug: str) -> dict[str, object]:
    """Return the parameters of what `finding` returns."""
    return {"organization_id": organization.id, "slug": slug}


def finding(kind: Kind, slug: str) -> Sequence[Select[Any]]:
    """Return what selects the team or the project with a slug, and then the one that had it before: built once."""
    return _finding(kind) if SLUG.fullmatch(slug) else ()


@cache
def _finding(kind: Kind) -> Sequence[Select[Any]]:
    model, former = kind.model, kind.former
    organization_id: Any = bindparam("organization_id", type_=Id)
    slug: Any = bindparam("slug")
    before = select(kind.id_of_former()).where(former.organization_id == organization_id, former.slug == slug)
    return (
        select(model).where(model.organization_id == organization_id, model.slug == slug),
        select(model).where(model.id == before.scalar_subquery()),
    )


def present_slug(former: str, user_id: int | None) -> str | None:
    """Return the slug that took the place of a former one of an organization, for active members only."""
    return db.session.scalar(_PRESENT, {"former": former, "user_id": user_id})


def _is_taken(kind: Kind, slug: str, place: dict[str, int], own_id: int | None) -> bool:
    """Ask for all slugs in one statement: one on its way from present to former is never missed."""
    model, former = kind.model, kind.former
    whose = (
        select(model.id).filter_by(**place, slug=slug).where(model.id.is_distinct_from(own_id)),
        select(former.slug).filter_by(**place, slug=slug).where(kind.id_of_former().is_distinct_from(own_id)),
        select(RetiredSlug.slug).filter_by(**place, kind=kind.name, slug=slug),
    )
    return bool(db.session.scalar(select(or_(*(found.exists() for found in whose)))))


def _place(organization: Organization | None) -> dict[str, int]:
    """Return within what a slug is unique."""
    return {} if organization is None else {"organization_id": organization.id}


def _place_of(row: Any) -> dict[str, int]:
    return {} if isinstance(row, Organization) else {"organization_id": row.organization_id}
