"""Which access groups of a membership that was taken away a source had given

Of those taken away before, the groups that a source fills at present.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

REMOVED = sa.table(
    "removed_member",
    sa.column("id", sa.BigInteger()),
    sa.column("group_ids", sa.JSON()),
    sa.column("managed_group_ids", sa.JSON()),
)
GROUP = sa.table("access_group", sa.column("id", sa.BigInteger()), sa.column("source", sa.String()))


def upgrade() -> None:
    op.add_column("removed_member", sa.Column("managed_group_ids", sa.JSON(), nullable=True))
    connection = op.get_bind()
    managed = set(connection.scalars(sa.select(GROUP.c.id).where(GROUP.c.source.is_not(None))))
    for row in connection.execute(sa.select(REMOVED.c.id, REMOVED.c.group_ids)).all():
        if given := [number for number in row.group_ids or () if number in managed]:
            connection.execute(REMOVED.update().where(REMOVED.c.id == row.id).values(managed_group_ids=given))


def downgrade() -> None:
    op.drop_column("removed_member", "managed_group_ids")
