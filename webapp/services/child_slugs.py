"""Slugs of teams and projects: unique in their organization, and never given to another once they were one's own."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, or_, select

from webapp.db import db
from webapp.models import FormerProjectSlug, FormerTeamSlug, Organization, Project, Team
from webapp.services.slugs import RESERVED, made_unique


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


def present_slug(kind: Kind, organization: Organization, former: str) -> str | None:
    """Return the slug that took the place of a former one."""
    found = select(kind.model.slug).join(kind.former, kind.id_of_former() == kind.model.id)
    of_organization = kind.former.organization_id == organization.id
    slug: str | None = db.session.scalar(found.where(of_organization, kind.former.slug == former))
    return slug


def find(kind: Kind, organization: Organization, slug: str) -> Any | None:
    """Return the team or project of an organization that a slug leads to, be it the present one or a former."""
    found = select(kind.model).where(kind.model.organization_id == organization.id)
    present = db.session.scalar(found.where(kind.model.slug == slug))
    return present or db.session.scalar(found.where(kind.model.slug == present_slug(kind, organization, slug)))


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
