"""What the addresses of people hash to who were removed too long ago to be put back

Of whoever had been forgotten before nothing is known.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "former_address",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_former_address_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "address_hash", name=op.f("pk_former_address")),
    )


def downgrade() -> None:
    op.drop_table("former_address")
