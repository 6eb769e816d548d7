"""Memberships that end on a day

The way back forgets ends that lie ahead: those memberships have none then. Who is to go on a day is to be noted before,
and removed by hand. Those that are over stay closed: they are suspended.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
TABLES = ("member", "removed_member")
HAS_END = sa.text("expires_at IS NOT NULL")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("expires_at", MOMENT, nullable=True))
    op.create_index(
        "ix_member_end",
        "member",
        ["organization_id", "sort_name", "id", "expires_at"],
        sqlite_where=HAS_END,
        postgresql_where=HAS_END,
    )


def downgrade() -> None:
    _suspend_whose_membership_has_ended()
    op.drop_index("ix_member_end", "member")
    for table in TABLES:
        op.drop_column(table, "expires_at")


def _suspend_whose_membership_has_ended() -> None:
    """Let nobody in again because their end is forgotten."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    now = datetime.now(UTC)
    for name in TABLES:
        table = sa.table(name, sa.column("status", sa.String()), sa.column("expires_at", MOMENT))
        ended = table.c.expires_at <= (now.replace(tzinfo=None) if is_sqlite else now)
        op.execute(table.update().where(ended).values(status="suspended"))
