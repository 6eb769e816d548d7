"""Words of rows that go

The words of a member or an invitation are found by both columns of their foreign key: SQLite walked all words of the
organization for each row that was deleted.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_member_word_member", "member_word", "member_id"),
    ("ix_invitation_word_invitation", "invitation_word", "invitation_id"),
)


def upgrade() -> None:
    for name, table, owner in INDEXES:
        op.drop_index(name, table)
        op.create_index(name, table, [owner, "organization_id", "word"])


def downgrade() -> None:
    for name, table, owner in INDEXES:
        op.drop_index(name, table)
        op.create_index(name, table, [owner, "word"])
