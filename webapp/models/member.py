"""Members: users in an organization, with a role."""

from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    and_,
    or_,
    text,
    true,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from webapp import clock
from webapp.db import NOW, Id, Key, Model
from webapp.models.columns import name_column


class Role(IntEnum):
    """The one ladder of roles and levels; higher reaches more."""

    MEMBER = 10
    ADMIN = 20
    MANAGER = 30
    OWNER = 40

    @property
    def label(self) -> str:
        """The lower-case name used in forms and addresses."""
        return self.name.lower()


class RoleColumn(TypeDecorator[Role]):
    """Stores a role as the small integer that orders it."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: Role | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Role | None:
        return None if value is None else Role(value)


class MemberStatus(StrEnum):
    """Whether a member may use the membership."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


HAS_END = "expires_at IS NOT NULL"


def has_ended(expires_at: datetime | None) -> bool:
    """Tell whether a membership with this end is over."""
    return expires_at is not None and expires_at <= clock.now()


def last_day(expires_at: datetime) -> date:
    """Return the last day of a membership with this end, in UTC."""
    return (expires_at - timedelta(microseconds=1)).date()


class Member(Model):
    """A user in an organization. `sort_name` is the name as lists order it.

    With global access they reach every project, through no team. From `expires_at` on, the first moment after their
    last day, the membership gives nothing; an owner's has no end. `signed_in_at` is when the session began by which
    they came here last; `would_be_refused_at` is when they last came by one that the rehearsal of requiring single
    sign-on would have refused, as long as they have not come otherwise since.
    """

    __tablename__ = "member"
    __table_args__ = (
        UniqueConstraint("organization_id", "user_id"),
        UniqueConstraint("organization_id", "id"),
        Index("ix_member_sort", "organization_id", "sort_name", "id", unique=True),
        Index("ix_member_global", "organization_id", "has_global_access", "sort_name", "id"),
        Index("ix_member_role", "organization_id", "role", "sort_name", "id"),
        Index("ix_member_status", "organization_id", "status", "sort_name", "id"),
        Index("ix_member_status_role", "organization_id", "status", "role", "sort_name", "id"),
        Index(
            "ix_member_end",
            "organization_id",
            "sort_name",
            "id",
            "expires_at",
            sqlite_where=text(HAS_END),
            postgresql_where=text(HAS_END),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    role: Mapped[Role] = mapped_column(RoleColumn)
    has_global_access: Mapped[bool] = mapped_column(default=True, server_default=true())
    status: Mapped[MemberStatus] = mapped_column(name_column(MemberStatus, "status"), default=MemberStatus.ACTIVE)
    sort_name: Mapped[str] = mapped_column(Key)
    last_active_at: Mapped[datetime | None]
    signed_in_at: Mapped[datetime | None]
    would_be_refused_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime | None]

    @hybrid_property
    def has_ended(self) -> bool:
        """Whether its last day is over."""
        return has_ended(self.expires_at)

    @has_ended.inplace.expression
    @classmethod
    def _has_ended(cls) -> ColumnElement[bool]:
        return and_(cls.expires_at.is_not(None), cls.expires_at <= NOW)

    @hybrid_property
    def is_active(self) -> bool:
        """Whether the membership gives anything at all, now."""
        return self.status is MemberStatus.ACTIVE and not self.has_ended

    @is_active.inplace.expression
    @classmethod
    def _is_active(cls) -> ColumnElement[bool]:
        return and_(cls.status == MemberStatus.ACTIVE, or_(cls.expires_at.is_(None), cls.expires_at > NOW))


class MemberWord(Model):
    """A word of a member's name or address, by whose start the member is found."""

    __tablename__ = "member_word"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "member_id"], ["member.organization_id", "member.id"], ondelete="CASCADE"
        ),
        Index("ix_member_word_member", "member_id", "organization_id", "word"),
    )

    organization_id: Mapped[int] = mapped_column(Id, primary_key=True)
    word: Mapped[str] = mapped_column(Key, primary_key=True)
    member_id: Mapped[int] = mapped_column(Id, primary_key=True)


class RemovedMember(Model):
    """A membership that was taken away, kept as it was for the days in which it can be put back.

    One that ends on a day is kept longer, for that day; see `kept_ends`.

    `member_id` is the id it had and gets again; `id` orders removals. The ids of teams and groups are no foreign keys:
    what is gone by the time it is put back is left out. `managed_group_ids` are those that a source filled.
    """

    __tablename__ = "removed_member"
    __table_args__ = (
        UniqueConstraint("organization_id", "member_id"),
        Index("ix_removed_member_organization", "organization_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    member_id: Mapped[int] = mapped_column(Id)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    role: Mapped[Role] = mapped_column(RoleColumn)
    has_global_access: Mapped[bool] = mapped_column(default=True, server_default=true())
    team_ids: Mapped[list[int] | None] = mapped_column(JSON)
    group_ids: Mapped[list[int] | None] = mapped_column(JSON)
    managed_group_ids: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    status: Mapped[MemberStatus] = mapped_column(name_column(MemberStatus, "status"))
    last_active_at: Mapped[datetime | None]
    signed_in_at: Mapped[datetime | None]
    joined_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    removed_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    removed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"), index=True)

    @property
    def has_left(self) -> bool:
        """Whether they gave the membership up themselves."""
        return self.removed_by_id == self.user_id


class FormerAddress(Model):
    """That somebody with an address was a member once: kept when nobody can put the membership back any more.

    They come in by an invitation, and not as somebody new by whatever the policy lets in.
    """

    __tablename__ = "former_address"

    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True)
    address_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
