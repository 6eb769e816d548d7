"""Since when a subject that was somebody's is free for whoever it really belongs to

What people had unlinked themselves before stays theirs. On the way down this is forgotten, and those subjects are once
more of whoever they were taken from: nobody else can link them until an owner takes them away again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("former_identity", sa.Column("released_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("former_identity", "released_at")
