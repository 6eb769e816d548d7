"""Claims that fill access groups, and why a draft could not be proven"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("identity_provider", sa.Column("problem_said", sa.String(2000), nullable=True))
    _make_mappings()
    _make_mapping_members()


def downgrade() -> None:
    op.drop_table("sso_mapping_member")
    op.drop_table("sso_mapping")
    # Nothing fills them any more.
    op.execute("UPDATE access_group SET source = NULL WHERE source = 'sso'")
    op.drop_column("identity_provider", "problem_said")


def _exact(characters: int) -> sa.String:
    return sa.String(characters).with_variant(sa.String(characters, collation="C"), "postgresql")


def _of(table: str, other: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", column],
        [f"{other}.organization_id", f"{other}.id"],
        name=op.f(f"fk_{table}_organization_id_{column}"),
        ondelete="CASCADE",
    )


def _make_mappings() -> None:
    op.create_table(
        "sso_mapping",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("group_id", ID, nullable=False),
        sa.Column("claim", _exact(100), nullable=False),
        sa.Column("value", _exact(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        _of("sso_mapping", "access_group", "group_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_mapping")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_sso_mapping_organization_id_id")),
        sa.UniqueConstraint("group_id", "claim", "value", name=op.f("uq_sso_mapping_group_id_claim_value")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sso_mapping_organization", "sso_mapping", ["organization_id", "claim", "value"])


def _make_mapping_members() -> None:
    op.create_table(
        "sso_mapping_member",
        sa.Column("mapping_id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        _of("sso_mapping_member", "sso_mapping", "mapping_id"),
        _of("sso_mapping_member", "member", "member_id"),
        sa.PrimaryKeyConstraint("mapping_id", "member_id", name=op.f("pk_sso_mapping_member")),
    )
    op.create_index("ix_sso_mapping_member_member", "sso_mapping_member", ["member_id"])
