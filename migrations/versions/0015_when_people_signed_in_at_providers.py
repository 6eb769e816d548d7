"""When people signed in at their provider, beside when they came back from there

Of those who came before nothing is known: they come through it once more before they require it of others.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("session_identity", sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("session_identity", "authenticated_at")
