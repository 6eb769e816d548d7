"""Projects: things members open."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp import clock
from webapp.db import Id, Key, Model


class Project(Model):
    """A thing members open: an app, a repository, a dashboard. An archived one can only be read."""

    __tablename__ = "project"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "slug"),
        Index("ix_project_sort", "organization_id", "sort_name", "id", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    slug: Mapped[str] = mapped_column(Key)
    sort_name: Mapped[str] = mapped_column(Key)
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def is_archived(self) -> bool:
        """Whether the project can only be read."""
        return self.archived_at is not None


class FormerProjectSlug(Model):
    """A slug a project had before: it leads to the present one, and no other project of the organization gets it."""

    __tablename__ = "former_project_slug"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "project_id"], ["project.organization_id", "project.id"], ondelete="CASCADE"
        ),
        Index("ix_former_project_slug_project", "project_id"),
    )

    organization_id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(Key, primary_key=True)
    project_id: Mapped[int] = mapped_column(Id)


class TeamProject(Model):
    """A project of a team; it may have several. `sort_name` is the project's, kept in step by the database."""

    __tablename__ = "team_project"
    __table_args__ = (
        ForeignKeyConstraint(["organization_id", "team_id"], ["team.organization_id", "team.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["organization_id", "sort_name", "project_id"],
            ["project.organization_id", "project.sort_name", "project.id"],
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        Index("ix_team_project_sort", "team_id", "sort_name", "project_id"),
        Index("ix_team_project_project", "project_id", "team_id"),
    )

    team_id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(Id)
    sort_name: Mapped[str] = mapped_column(Key)
