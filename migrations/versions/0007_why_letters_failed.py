"""Why a letter could not leave, in a form that can be told in any language"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox_message", sa.Column("last_faults", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("outbox_message", "last_faults")
