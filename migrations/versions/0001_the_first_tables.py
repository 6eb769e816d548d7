"""The first tables"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.String(320).with_variant(sa.String(320, collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("bucket", KEY, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_attempts")),
    )
    op.create_index("ix_attempts_ends_at", "attempts", ["ends_at"], unique=False)

    op.create_table(
        "instance",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("set_up_at", MOMENT, nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_instance_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
    )
    op.create_table(
        "organization",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("slug", KEY, nullable=False),
        sa.Column("members_may_invite", sa.Boolean(), nullable=False),
        sa.Column("invitation_lifetime_days", sa.Integer(), nullable=False),
        sa.Column("address_match_required", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
        sa.UniqueConstraint("slug", name=op.f("uq_organization_slug")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "user",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_instance_administrator", sa.Boolean(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("person", "bot", name="kind", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "account_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column(
            "purpose",
            sa.Enum("reset", name="purpose", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_account_token_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_account_token_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_account_token_expires_at", "account_token", ["expires_at"], unique=False)
    op.create_index("ix_account_token_user_id", "account_token", ["user_id"], unique=False)

    op.create_table(
        "audit_entry",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=True),
        sa.Column("sequence", ID, nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_user_id", ID, nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column("target_kind", sa.String(length=40), nullable=False),
        sa.Column("target_id", ID, nullable=True),
        sa.Column("target_name", sa.String(length=320), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_audit_entry_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("organization_id", "sequence", name=op.f("uq_audit_entry_organization_id_sequence")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_audit_entry_instance_sequence",
        "audit_entry",
        ["sequence"],
        unique=True,
        sqlite_where=sa.text("organization_id IS NULL"),
        postgresql_where=sa.text("organization_id IS NULL"),
    )

    op.create_table(
        "email_address",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("canonical", KEY, nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("verified_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_email_address_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_address")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_email_address_user_id", "email_address", ["user_id"], unique=False)
    op.create_index(
        "uq_email_address_primary",
        "email_address",
        ["user_id"],
        unique=True,
        sqlite_where=sa.text("is_primary"),
        postgresql_where=sa.text("is_primary"),
    )
    op.create_index(
        "uq_email_address_verified",
        "email_address",
        ["canonical"],
        unique=True,
        sqlite_where=sa.text("verified_at IS NOT NULL"),
        postgresql_where=sa.text("verified_at IS NOT NULL"),
    )

    op.create_table(
        "invitation_batch",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("outcomes", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_invitation_batch_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_invitation_batch_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation_batch")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_invitation_batch_created_at", "invitation_batch", ["created_at"], unique=False)
    op.create_index("ix_invitation_batch_organization_id", "invitation_batch", ["organization_id"], unique=False)
    op.create_index("ix_invitation_batch_user_id", "invitation_batch", ["user_id"], unique=False)

    op.create_table(
        "member",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("role", sa.SmallInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("active", "suspended", name="status", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("sort_name", KEY, nullable=False),
        sa.Column("last_active_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_member_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_member_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_member_organization_id_id")),
        sa.UniqueConstraint("organization_id", "user_id", name=op.f("uq_member_organization_id_user_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_member_role", "member", ["organization_id", "role"], unique=False)
    op.create_index("ix_member_sort", "member", ["organization_id", "sort_name", "id"], unique=False)
    op.create_index("ix_member_user_id", "member", ["user_id"], unique=False)

    op.create_table(
        "outbox_message",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("to_address", sa.String(length=320), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "sending",
                "sent",
                "failed",
                "dropped",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("lease", sa.String(length=64), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_outbox_message_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint("message_id", name=op.f("uq_outbox_message_message_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_message_due", "outbox_message", ["state", "not_before"], unique=False)
    op.create_index("ix_outbox_message_finished_at", "outbox_message", ["finished_at"], unique=False)
    op.create_index(
        "ix_outbox_message_leftover",
        "outbox_message",
        ["id"],
        unique=False,
        sqlite_where=sa.text("secret IS NOT NULL AND state IN ('sent', 'failed', 'dropped')"),
        postgresql_where=sa.text("secret IS NOT NULL AND state IN ('sent', 'failed', 'dropped')"),
    )
    op.create_index("ix_outbox_message_organization_id", "outbox_message", ["organization_id"], unique=False)

    op.create_table(
        "session",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("user_agent", sa.String(length=200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_session_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_session_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_session_expires_at", "session", ["expires_at"], unique=False)
    op.create_index("ix_session_last_seen_at", "session", ["last_seen_at"], unique=False)
    op.create_index("ix_session_user_id", "session", ["user_id"], unique=False)

    op.create_table(
        "invitation",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("canonical", KEY, nullable=False),
        sa.Column("role", sa.SmallInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "pending",
                "accepted",
                "declined",
                "revoked",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("invited_by_id", ID, nullable=True),
        sa.Column("letter_id", ID, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["invited_by_id"], ["user.id"], name=op.f("fk_invitation_invited_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["letter_id"], ["outbox_message.id"], name=op.f("fk_invitation_letter_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_invitation_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_invitation_organization_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_invitation_invited_by_id", "invitation", ["invited_by_id"], unique=False)
    op.create_index("ix_invitation_letter_id", "invitation", ["letter_id"], unique=False)
    op.create_index(
        "ix_invitation_listed",
        "invitation",
        ["organization_id", "id"],
        unique=False,
        sqlite_where=sa.text("status IN ('pending', 'declined')"),
        postgresql_where=sa.text("status IN ('pending', 'declined')"),
    )
    op.create_index("ix_invitation_status", "invitation", ["organization_id", "status", "id"], unique=False)
    op.create_index(
        "uq_invitation_open",
        "invitation",
        ["organization_id", "canonical"],
        unique=True,
        sqlite_where=sa.text("status IN ('requested', 'pending')"),
        postgresql_where=sa.text("status IN ('requested', 'pending')"),
    )

    op.create_table(
        "member_word",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("word", KEY, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "member_id"],
            ["member.organization_id", "member.id"],
            name=op.f("fk_member_word_organization_id_member_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "word", "member_id", name=op.f("pk_member_word")),
    )
    op.create_index("ix_member_word_member", "member_word", ["member_id", "word"], unique=False)

    op.create_table(
        "invitation_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("invitation_id", ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "invitation_id"],
            ["invitation.organization_id", "invitation.id"],
            name=op.f("fk_invitation_token_organization_id_invitation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_invitation_token_invitation", "invitation_token", ["organization_id", "invitation_id"], unique=False
    )

    op.create_table(
        "invitation_word",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("word", KEY, nullable=False),
        sa.Column("invitation_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "invitation_id"],
            ["invitation.organization_id", "invitation.id"],
            name=op.f("fk_invitation_word_organization_id_invitation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "word", "invitation_id", name=op.f("pk_invitation_word")),
    )
    op.create_index("ix_invitation_word_invitation", "invitation_word", ["invitation_id", "word"], unique=False)

    op.execute("INSERT INTO instance (id) VALUES (1)")


def downgrade() -> None:
    op.drop_index("ix_invitation_word_invitation", table_name="invitation_word")

    op.drop_table("invitation_word")
    op.drop_index("ix_invitation_token_invitation", table_name="invitation_token")

    op.drop_table("invitation_token")
    op.drop_index("ix_member_word_member", table_name="member_word")

    op.drop_table("member_word")
    op.drop_index(
        "uq_invitation_open",
        table_name="invitation",
        sqlite_where=sa.text("status IN ('requested', 'pending')"),
        postgresql_where=sa.text("status IN ('requested', 'pending')"),
    )
    op.drop_index("ix_invitation_status", table_name="invitation")
    op.drop_index(
        "ix_invitation_listed",
        table_name="invitation",
        sqlite_where=sa.text("status IN ('pending', 'declined')"),
        postgresql_where=sa.text("status IN ('pending', 'declined')"),
    )
    op.drop_index("ix_invitation_letter_id", table_name="invitation")
    op.drop_index("ix_invitation_invited_by_id", table_name="invitation")

    op.drop_table("invitation")
    op.drop_index("ix_session_user_id", table_name="session")
    op.drop_index("ix_session_last_seen_at", table_name="session")
    op.drop_index("ix_session_expires_at", table_name="session")

    op.drop_table("session")
    op.drop_index("ix_outbox_message_organization_id", table_name="outbox_message")
    op.drop_index(
        "ix_outbox_message_leftover",
        table_name="outbox_message",
        sqlite_where=sa.text("secret IS NOT NULL AND state IN ('sent', 'failed', 'dropped')"),
        postgresql_where=sa.text("secret IS NOT NULL AND state IN ('sent', 'failed', 'dropped')"),
    )
    op.drop_index("ix_outbox_message_finished_at", table_name="outbox_message")
    op.drop_index("ix_outbox_message_due", table_name="outbox_message")

    op.drop_table("outbox_message")
    op.drop_index("ix_member_user_id", table_name="member")
    op.drop_index("ix_member_sort", table_name="member")
    op.drop_index("ix_member_role", table_name="member")

    op.drop_table("member")
    op.drop_index("ix_invitation_batch_user_id", table_name="invitation_batch")
    op.drop_index("ix_invitation_batch_organization_id", table_name="invitation_batch")
    op.drop_index("ix_invitation_batch_created_at", table_name="invitation_batch")

    op.drop_table("invitation_batch")
    op.drop_index(
        "uq_email_address_verified",
        table_name="email_address",
        sqlite_where=sa.text("verified_at IS NOT NULL"),
        postgresql_where=sa.text("verified_at IS NOT NULL"),
    )
    op.drop_index(
        "uq_email_address_primary",
        table_name="email_address",
        sqlite_where=sa.text("is_primary"),
        postgresql_where=sa.text("is_primary"),
    )
    op.drop_index("ix_email_address_user_id", table_name="email_address")

    op.drop_table("email_address")
    op.drop_index(
        "uq_audit_entry_instance_sequence",
        table_name="audit_entry",
        sqlite_where=sa.text("organization_id IS NULL"),
        postgresql_where=sa.text("organization_id IS NULL"),
    )

    op.drop_table("audit_entry")
    op.drop_index("ix_account_token_user_id", table_name="account_token")
    op.drop_index("ix_account_token_expires_at", table_name="account_token")

    op.drop_table("account_token")
    op.drop_table("user")
    op.drop_table("organization")
    op.drop_table("instance")
    op.drop_index("ix_attempts_ends_at", table_name="attempts")

    op.drop_table("attempts")
