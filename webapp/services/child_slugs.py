"""Slugs of teams and projects: unique in their organization, and never given to another once they were one's own."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, or_, select

from webapp.db import db
from webapp.models import FormerProjectSlug, FormerTeamSlug, Organization, Project, Team
from webapp.services.slugs import RESERVED, SLUG, made_unique


@dataclass(frozen=True)
class Kind:
    """What has slugs of its own in an organization, and the table of those it had before."""

    model: Any
    former: Any
    former_id: str

    def id_of_former(self) -> ColumnElement[int]:
        """The column that says whose a former slug is."""
        column: ColumnElement[int] = getattr(self.former, self.former_id)
        return column


TEAM = Kind(Team, FormerTeamSlug, "team_id")
PROJECT = Kind(Project, FormerProjectSlug, "project_id")


def free_slug(kind: Kind, organization: Organization, name: str, own_id: int | None = None) -> str:
    """Return a slug made from `name` that leads to nothing else in the organization.

    Args:
        kind: of a team, or of a project.
        organization: whose.
        name: what is called so.
        own_id: what may have had the slug before, as it is renamed; nothing for something new.
    """
    return made_unique(name, lambda slug: slug not in RESERVED and not _is_taken(kind, organization, slug, own_id))


def move(kind: Kind, row: Any, slug: str) -> None:
    """Give something another slug; the one it had leads to it from now on."""
    if row.slug == slug:
        return
    of_organization = kind.former.organization_id == row.organization_id
    db.session.execute(delete(kind.former).where(of_organization, kind.former.slug == slug))
    former = {"organization_id": row.organization_id, "slug": row.slug, kind.former_id: row.id}
    db.session.add(kind.former(**former))
    row.slug = slug
    db.session.flush()


def find(kind: Kind, organization: Organization, slug: str) -> Any:
    """Return what has a slug or had it before, or nothing."""
    if not SLUG.fullmatch(slug):
        return None
    model, former = kind.model, kind.former
    of_organization = model.organization_id == organization.id
    found = db.session.scalar(select(model).where(of_organization, model.slug == slug))
    if found is not None:
        return found
    before = select(model).join(former, kind.id_of_former() == model.id)
    return db.session.scalar(before.where(of_organization, former.slug == slug))


def _is_taken(kind: Kind, organization: Organization, slug: str, own_id: int | None) -> bool:
    """Ask for present and former slugs in one statement: a slug on its way from one to the other is never missed."""
    model, former = kind.model, kind.former
    present = exists().where(
        model.organization_id == organization.id, model.slug == slug, model.id.is_distinct_from(own_id)
    )
    before = exists().where(
        former.organization_id == organization.id, former.slug == slug, kind.id_of_former().is_distinct_from(own_id)
    )
    return bool(db.session.scalar(select(or_(present, before))))
