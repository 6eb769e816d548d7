"""The installation itself: one row, made with the schema."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.db import Model


class Instance(Model):
    """The one row whose `set_up_at` makes the set-up link work once, and whose lock orders the instance's audit."""

    __tablename__ = "instance"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    set_up_at: Mapped[datetime | None]
