"""Find whom an address is of, proven or not, however many people there are"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_email_address_canonical", "email_address", ["canonical"])


def downgrade() -> None:
    op.drop_index("ix_email_address_canonical", "email_address")
