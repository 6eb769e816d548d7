"""When connections and identities are asked about next, and when a provider last vouched for somebody unasked"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("identity_provider", sa.Column("next_probe_at", MOMENT, nullable=True))
    op.add_column("identity", sa.Column("refreshed_at", MOMENT, nullable=True))
    op.add_column("identity", sa.Column("next_refresh_at", MOMENT, nullable=True))
    op.execute("UPDATE identity SET next_refresh_at = last_verified_at WHERE refresh_token IS NOT NULL")
    op.create_index("ix_identity_provider_id_next_refresh_at", "identity", ["provider_id", "next_refresh_at"])


def downgrade() -> None:
    op.drop_index("ix_identity_provider_id_next_refresh_at", "identity")
    for column in ("next_refresh_at", "refreshed_at"):
        op.drop_column("identity", column)
    op.drop_column("identity_provider", "next_probe_at")
