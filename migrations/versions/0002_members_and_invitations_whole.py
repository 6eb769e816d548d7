"""Removed members, requests, copied links, former slugs, languages, known networks; an audit log that only grows"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.String(320).with_variant(sa.String(320, collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)
REQUESTED = sa.text("status = 'requested'")
NEW_INDEXES = {
    "ix_member_status": ("member", ["organization_id", "status", "sort_name", "id"]),
    "ix_member_status_role": ("member", ["organization_id", "status", "role", "sort_name", "id"]),
    "ix_audit_entry_actor": ("audit_entry", ["organization_id", "actor_user_id", "sequence"]),
    "ix_audit_entry_event": ("audit_entry", ["organization_id", "event", "sequence"]),
    "ix_audit_entry_target": ("audit_entry", ["organization_id", "target_kind", "target_id", "sequence"]),
    "ix_audit_entry_time": ("audit_entry", ["organization_id", "created_at"]),
    "ix_invitation_expires_at": ("invitation", ["expires_at"]),
}


def upgrade() -> None:
    _make_tables()
    op.add_column(
        "organization", sa.Column("join_requests_allowed", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "organization", sa.Column("invitation_reminders", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column("invitation", sa.Column("reminded_at", MOMENT, nullable=True))
    op.add_column("invitation_token", sa.Column("copied_by_id", ID, nullable=True))
    op.add_column("outbox_message", sa.Column("language", sa.String(length=10), nullable=True))
    op.add_column("user", sa.Column("language", sa.String(length=10), nullable=True))
    for name, (table, columns) in NEW_INDEXES.items():
        op.create_index(name, table, columns)
    op.create_index(
        "ix_invitation_requested",
        "invitation",
        ["organization_id", "id"],
        sqlite_where=REQUESTED,
        postgresql_where=REQUESTED,
    )
    op.drop_index("ix_member_role", "member")
    op.create_index("ix_member_role", "member", ["organization_id", "role", "sort_name", "id"])
    _refuse_changes_of_the_audit_log()


def downgrade() -> None:
    _allow_changes_of_the_audit_log()
    op.drop_index("ix_member_role", "member")
    op.create_index("ix_member_role", "member", ["organization_id", "role"])
    op.drop_index("ix_invitation_requested", "invitation")
    for name, (table, _columns) in NEW_INDEXES.items():
        op.drop_index(name, table)
    op.drop_column("user", "language")
    op.drop_column("outbox_message", "language")
    # Without the column a copied link would be taken for a mailed one, which proves the address.
    op.execute("DELETE FROM invitation_token WHERE copied_by_id IS NOT NULL")
    op.drop_column("invitation_token", "copied_by_id")
    op.drop_column("invitation", "reminded_at")
    op.drop_column("organization", "invitation_reminders")
    op.drop_column("organization", "join_requests_allowed")
    for table in ("known_network", "address_token", "removed_member", "former_slug"):
        op.drop_table(table)


def _make_tables() -> None:
    op.create_table(
        "former_slug",
        sa.Column("slug", KEY, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_former_slug_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_former_slug")),
    )
    op.create_index("ix_former_slug_organization_id", "former_slug", ["organization_id"])

    op.create_table(
        "removed_member",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("role", sa.SmallInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("active", "suspended", name="status", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("last_active_at", MOMENT, nullable=True),
        sa.Column("joined_at", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT, nullable=False),
        sa.Column("removed_by_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_removed_member_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_removed_member_user_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["removed_by_id"], ["user.id"], name=op.f("fk_removed_member_removed_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removed_member")),
        sa.UniqueConstraint("organization_id", "member_id", name=op.f("uq_removed_member_organization_id_member_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_removed_member_organization", "removed_member", ["organization_id", "id"])
    op.create_index("ix_removed_member_user_id", "removed_member", ["user_id"])
    op.create_index("ix_removed_member_removed_at", "removed_member", ["removed_at"])
    op.create_index("ix_removed_member_removed_by_id", "removed_member", ["removed_by_id"])

    op.create_table(
        "address_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("email_address_id", ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["email_address_id"],
            ["email_address.id"],
            name=op.f("fk_address_token_email_address_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_address_token_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_address_token_email_address_id", "address_token", ["email_address_id"])
    op.create_index("ix_address_token_expires_at", "address_token", ["expires_at"])

    op.create_table(
        "known_network",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("network", KEY, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_known_network_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "network", name=op.f("pk_known_network")),
    )
    op.create_index("ix_known_network_last_used_at", "known_network", ["last_used_at"])


def _refuse_changes_of_the_audit_log() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER audit_entry_no_{change} BEFORE {change.upper()} ON audit_entry "
                "BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_entry_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log only grows'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_entry_only_grows BEFORE UPDATE OR DELETE ON audit_entry "
        "FOR EACH ROW EXECUTE FUNCTION audit_entry_only_grows()"
    )


def _allow_changes_of_the_audit_log() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("update", "delete"):
            op.execute(f"DROP TRIGGER audit_entry_no_{change}")
        return
    op.execute("DROP TRIGGER audit_entry_only_grows ON audit_entry")
    op.execute("DROP FUNCTION audit_entry_only_grows()")
