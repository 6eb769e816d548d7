"""Rehearsals of requiring single sign-on, and codes that let owners in without it"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
COLUMNS: dict[str, sa.types.TypeEngine] = {
    "rehearsed_since": MOMENT,
    "reminded_days": sa.Integer(),
    "kept_optional_at": MOMENT,
}


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("identity_provider", sa.Column(name, kind, nullable=True))
    # A moment ahead is the end of a bypass as well: which of the two it is, the audit log knows.
    op.execute(
        "UPDATE identity_provider SET rehearsed_since = CURRENT_TIMESTAMP"
        " WHERE enforcement = 'required' AND required_from > CURRENT_TIMESTAMP"
        " AND coalesce((SELECT event FROM audit_entry"
        " WHERE audit_entry.organization_id = identity_provider.organization_id"
        " AND event IN ('sso.enforced', 'sso.bypassed') ORDER BY sequence DESC LIMIT 1), '') <> 'sso.bypassed'"
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        _of("recovery_code", "organization"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("organization_id", "code_hash", name=op.f("uq_recovery_code_organization_id_code_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "session_recovery",
        sa.Column("session_id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        _of("session_recovery", "session"),
        _of("session_recovery", "user"),
        _of("session_recovery", "organization"),
        sa.PrimaryKeyConstraint("session_id", "organization_id", name=op.f("pk_session_recovery")),
    )
    for column in ("organization_id", "user_id"):
        op.create_index(f"ix_session_recovery_{column}", "session_recovery", [column])


def downgrade() -> None:
    op.drop_table("session_recovery")
    op.drop_table("recovery_code")
    # Without the column it would be required at once, though nobody has looked for an owner who can come in.
    op.execute(
        "UPDATE identity_provider SET enforcement = 'optional', required_from = NULL"
        " WHERE rehearsed_since IS NOT NULL AND required_from <= CURRENT_TIMESTAMP"
    )
    for name in reversed(COLUMNS):
        op.drop_column("identity_provider", name)


def _of(table: str, other: str) -> sa.ForeignKeyConstraint:
    column = f"{other}_id"
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")
