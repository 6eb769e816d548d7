"""Organizations: the tenants."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, false, true
from sqlalchemy.orm import Mapped, mapped_column

from webapp import clock
from webapp.db import Id, Key, Model


class Organization(Model):
    """A tenant and its policies. Everything except users belongs to exactly one."""

    __tablename__ = "organization"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    slug: Mapped[str] = mapped_column(Key, unique=True)
    members_may_invite: Mapped[bool] = mapped_column(default=False)
    invitation_lifetime_days: Mapped[int] = mapped_column(default=7)
    address_match_required: Mapped[bool] = mapped_column(default=True)
    join_requests_allowed: Mapped[bool] = mapped_column(default=False, server_default=false())
    invitation_reminders: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class FormerSlug(Model):
    """A slug an organization had before: it leads to the present one, and no other organization gets it."""

    __tablename__ = "former_slug"

    slug: Mapped[str] = mapped_column(Key, primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), index=True)


class RetiredSlug(Model):
    """A slug of a team or a project that is gone, by its `kind`: it leads to nothing, and no other one gets it."""

    __tablename__ = "retired_slug"

    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    slug: Mapped[str] = mapped_column(Key, primary_key=True)
