"""Access groups: inside one team, some members, one level, some of the team's projects."""

from datetime import datetime
from typing import Final

from sqlalchemy import ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp import clock
from webapp.db import Id, Key, Model
from webapp.models.member import Role, RoleColumn

SINGLE_SIGN_ON: Final = "sso"
"""The source of groups that are filled by what an identity provider says."""


class AccessGroup(Model):
    """A named set of members, one access level, some of the team's projects.

    `source` names what fills a managed group; people only read it. `name_key` is the name without case and accents.
    """

    __tablename__ = "access_group"
    __table_args__ = (
        ForeignKeyConstraint(["organization_id", "team_id"], ["team.organization_id", "team.id"], ondelete="CASCADE"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("team_id", "id"),
        UniqueConstraint("team_id", "name_key"),
        Index("ix_access_group_organization", "organization_id", "team_id"),
        Index("ix_access_group_name", "organization_id", "name_key"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(Id)
    team_id: Mapped[int] = mapped_column(Id)
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(Key)
    level: Mapped[Role] = mapped_column(RoleColumn)
    source: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def is_managed(self) -> bool:
        """Whether a source fills the group, so that people only read it."""
        return self.source is not None


class GroupMember(Model):
    """A member in an access group. `sort_name` is the member's, kept in step by the database."""

    __tablename__ = "group_member"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "group_id"], ["access_group.organization_id", "access_group.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["organization_id", "sort_name", "member_id"],
            ["member.organization_id", "member.sort_name", "member.id"],
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        Index("ix_group_member_sort", "group_id", "sort_name", "member_id"),
        Index("ix_group_member_member", "member_id", "group_id"),
    )

    group_id: Mapped[int] = mapped_column(Id, primary_key=True)
    member_id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(Id)
    sort_name: Mapped[str] = mapped_column(Key)


class GroupProject(Model):
    """A project of an access group: one that its team owns, for as long as it does."""

    __tablename__ = "group_project"
    __table_args__ = (
        ForeignKeyConstraint(["team_id", "group_id"], ["access_group.team_id", "access_group.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["team_id", "project_id"], ["team_project.team_id", "team_project.project_id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["organization_id", "sort_name", "project_id"],
            ["project.organization_id", "project.sort_name", "project.id"],
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        Index("ix_group_project_sort", "group_id", "sort_name", "project_id"),
        Index("ix_group_project_project", "project_id", "group_id"),
        Index("ix_group_project_team", "team_id", "project_id"),
    )

    group_id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(Id)
    team_id: Mapped[int] = mapped_column(Id)
    sort_name: Mapped[str] = mapped_column(Key)
