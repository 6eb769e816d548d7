"""Teams: named sets of members that own projects."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp import clock
from webapp.db import Id, Key, Model


class Team(Model):
    """A named set of members that owns projects. `sort_name` is the name as lists order it."""

    __tablename__ = "team"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "slug"),
        Index("ix_team_sort", "organization_id", "sort_name", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    slug: Mapped[str] = mapped_column(Key)
    sort_name: Mapped[str] = mapped_column(Key)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class FormerTeamSlug(Model):
    """A slug a team had before: it leads to the present one, and no other team of the organization gets it."""

    __tablename__ = "former_team_slug"
    __table_args__ = (
        ForeignKeyConstraint(["organization_id", "team_id"], ["team.organization_id", "team.id"], ondelete="CASCADE"),
        Index("ix_former_team_slug_team", "team_id"),
    )

    organization_id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(Key, primary_key=True)
    team_id: Mapped[int] = mapped_column(Id)


class TeamMember(Model):
    """A member in a team. `sort_name` is the member's, kept in step by the database, so that an index orders a team."""

    __tablename__ = "team_member"
    __table_args__ = (
        ForeignKeyConstraint(["organization_id", "team_id"], ["team.organization_id", "team.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["organization_id", "sort_name", "member_id"],
            ["member.organization_id", "member.sort_name", "member.id"],
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        Index("ix_team_member_sort", "team_id", "sort_name", "member_id"),
        Index("ix_team_member_member", "member_id", "team_id"),
    )

    team_id: Mapped[int] = mapped_column(Id, primary_key=True)
    member_id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(Id)
    sort_name: Mapped[str] = mapped_column(Key)
