"""Which entries of the audit log put a member into a team or an access group, or took them out"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ROWS_A_STEP = 1_000
EVENTS = (
    "team.member_added",
    "team.member_removed",
    "team.removed",
    "group.created",
    "group.changed",
    "group.removed",
)
ENTRY = sa.table(
    "audit_entry",
    sa.column("id", ID),
    sa.column("organization_id", ID),
    sa.column("sequence", ID),
    sa.column("event", sa.String()),
    sa.column("before", sa.JSON()),
    sa.column("after", sa.JSON()),
)


def upgrade() -> None:
    mention = op.create_table(
        "audit_mention",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("sequence", ID, nullable=False),
        sa.Column("is_in", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_audit_mention_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "member_id", "sequence", name=op.f("pk_audit_mention")),
    )
    _fill(mention)


def downgrade() -> None:
    op.drop_table("audit_mention")


def _fill(mention: sa.Table) -> None:
    """Read what the entries that are there say of members."""
    connection, last = op.get_bind(), 0
    found = sa.select(ENTRY).where(ENTRY.c.event.in_(EVENTS), ENTRY.c.organization_id.is_not(None))
    found = found.order_by(ENTRY.c.id).limit(ROWS_A_STEP)
    while entries := connection.execute(found.where(ENTRY.c.id > last)).all():
        if rows := [row for entry in entries for row in _mentions(entry)]:
            connection.execute(sa.insert(mention), rows)
        last = entries[-1].id


def _mentions(entry: Any) -> Iterator[dict[str, Any]]:
    before, after = _members(entry.before), _members(entry.after)
    of_entry = {"organization_id": entry.organization_id, "sequence": entry.sequence}
    for members, is_in in ((after - before, True), (before - after, False)):
        for member in sorted(members):
            yield {**of_entry, "member_id": member, "is_in": is_in}


def _members(said: dict[str, Any] | None) -> set[int]:
    values = said or {}
    return {values["member_id"]} if "member_id" in values else set(values.get("members", ()))
