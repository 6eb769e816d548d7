"""Slugs of teams and projects that are gone, so that no other ones get them"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.String(320).with_variant(sa.String(320, collation="C"), "postgresql")
KINDS = ("team", "project")


def upgrade() -> None:
    op.create_table(
        "retired_slug",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("slug", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_retired_slug_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "kind", "slug", name=op.f("pk_retired_slug")),
    )
    for kind in KINDS:
        _keep_slugs_of_the_past(kind)


def downgrade() -> None:
    op.drop_table("retired_slug")


def _keep_slugs_of_the_past(kind: str) -> None:
    """Find in the audit log what was a slug before and is none now; what was given to another since is left to it."""
    entry = sa.table("audit_entry", sa.column("organization_id"), sa.column("event"), sa.column("before", sa.JSON()))
    said = sa.select(entry.c.organization_id, entry.c.before).where(
        entry.c.event.in_((f"{kind}.changed", f"{kind}.removed"))
    )
    connection = op.get_bind()
    past = {(number, before["slug"]) for number, before in connection.execute(said) if "slug" in (before or {})}
    for table in (kind, f"former_{kind}_slug"):
        known = sa.table(table, sa.column("organization_id"), sa.column("slug"))
        past -= {tuple(row) for row in connection.execute(sa.select(known.c.organization_id, known.c.slug))}
    rows = [{"organization_id": number, "kind": kind, "slug": slug} for number, slug in sorted(past)]
    op.bulk_insert(sa.table("retired_slug", *(sa.column(name) for name in ("organization_id", "kind", "slug"))), rows)
