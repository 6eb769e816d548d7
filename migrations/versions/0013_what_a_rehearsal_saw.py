"""What a rehearsal saw of each member, when they signed in last, and new recovery codes on the way to their page"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
COLUMNS = (("member", "signed_in_at"), ("member", "would_be_refused_at"), ("removed_member", "signed_in_at"))


def upgrade() -> None:
    for table, name in COLUMNS:
        op.add_column(table, sa.Column(name, MOMENT, nullable=True))
    op.execute(
        "UPDATE member SET signed_in_at = (SELECT max(session.created_at) FROM session"
        " WHERE session.user_id = member.user_id AND session.created_at <= member.last_active_at"
        " AND NOT session.is_confined)"
    )
    op.create_table(
        "shown_codes",
        sa.Column("organization_id", ID, autoincrement=False, nullable=False),
        sa.Column("session_id", ID, nullable=False),
        sa.Column("codes", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        _of("session"),
        _of("organization"),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_shown_codes")),
    )
    for column in ("session_id", "expires_at"):
        op.create_index(f"ix_shown_codes_{column}", "shown_codes", [column])


def downgrade() -> None:
    op.drop_table("shown_codes")
    for table, name in reversed(COLUMNS):
        op.drop_column(table, name)


def _of(other: str) -> sa.ForeignKeyConstraint:
    column = f"{other}_id"
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_shown_codes_{column}"), ondelete="CASCADE")
