"""Subjects that were somebody's at a connection, and are not any more"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "former_identity",
        sa.Column("provider_id", ID, nullable=False),
        sa.Column("subject", sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql"), nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("unlinked_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "provider_id"],
            ["identity_provider.organization_id", "identity_provider.id"],
            name=op.f("fk_former_identity_organization_id_provider_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_former_identity_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("provider_id", "subject", "user_id", name=op.f("pk_former_identity")),
    )
    op.create_index(op.f("ix_former_identity_user_id"), "former_identity", ["user_id"])


def downgrade() -> None:
    op.drop_table("former_identity")
