"""Connections to identity providers, who is known there, and the sign-ins under way"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.String(320).with_variant(sa.String(320, collation="C"), "postgresql")
SUBJECT = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)
TABLES = ("identity_provider", "sso_domain", "identity", "sso_flow", "session_identity")


def upgrade() -> None:
    op.add_column("session", sa.Column("is_confined", sa.Boolean(), nullable=False, server_default=sa.false()))
    _make_providers()
    _make_domains()
    _make_identities()
    _make_flows()
    _make_session_identities()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    # Without the column a provider's word would open every organization.
    op.execute("DELETE FROM session WHERE is_confined")
    op.drop_column("session", "is_confined")


def _names(constraint: str, *names: str) -> sa.Enum:
    return sa.Enum(*names, name=constraint, native_enum=False, create_constraint=True, length=20)


def _of_provider(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", "provider_id"],
        ["identity_provider.organization_id", "identity_provider.id"],
        name=op.f(f"fk_{table}_organization_id_provider_id"),
        ondelete="CASCADE",
    )


def _of(table: str, other: str) -> sa.ForeignKeyConstraint:
    column = f"{other}_id"
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")


def _make_providers() -> None:
    op.create_table(
        "identity_provider",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("issuer", sa.String(2000), nullable=False),
        sa.Column("client_id", sa.String(500), nullable=False),
        sa.Column("client_secret", sa.Text(), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", _names("status", "draft", "active", "disabled"), nullable=False),
        sa.Column("enforcement", _names("enforcement", "off", "optional", "required"), nullable=False),
        sa.Column("required_from", MOMENT, nullable=True),
        sa.Column("default_role", sa.SmallInteger(), nullable=False),
        sa.Column("joining", _names("joining", "invited", "allowed"), nullable=False),
        sa.Column("verification_days", sa.Integer(), nullable=False),
        sa.Column("last_sync_at", MOMENT, nullable=True),
        sa.Column("probed_at", MOMENT, nullable=True),
        sa.Column("probe_problem", sa.String(40), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        _of("identity_provider", "organization"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_provider")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_identity_provider_organization_id_id")),
        sqlite_autoincrement=True,
    )
    for status in ("draft", "active"):
        _make_partial_index(f"uq_identity_provider_{status}", "identity_provider", f"status = '{status}'")


def _make_partial_index(name: str, table: str, condition: str, column: str = "organization_id") -> None:
    where = sa.text(condition)
    op.create_index(name, table, [column], unique=True, sqlite_where=where, postgresql_where=where)


def _make_domains() -> None:
    op.create_table(
        "sso_domain",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("domain", KEY, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("proven_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        _of("sso_domain", "organization"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_domain")),
        sa.UniqueConstraint("organization_id", "domain", name=op.f("uq_sso_domain_organization_id_domain")),
        sqlite_autoincrement=True,
    )
    _make_partial_index("uq_sso_domain_proven", "sso_domain", "proven_at IS NOT NULL", "domain")


def _make_identities() -> None:
    op.create_table(
        "identity",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("provider_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("subject", SUBJECT, nullable=False),
        sa.Column("claims", sa.JSON(), nullable=False),
        sa.Column("refresh_token", sa.Text(), nullable=True),
        sa.Column("last_verified_at", MOMENT, nullable=False),
        sa.Column("invalid_since", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        _of_provider("identity"),
        _of("identity", "user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity")),
        sa.UniqueConstraint("provider_id", "subject", name=op.f("uq_identity_provider_id_subject")),
        sa.UniqueConstraint("provider_id", "user_id", name=op.f("uq_identity_provider_id_user_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_identity_user_id", "identity", ["user_id"])


def _make_flows() -> None:
    op.create_table(
        "sso_flow",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("provider_id", ID, nullable=False),
        sa.Column("provider_version", sa.Integer(), nullable=False),
        sa.Column("purpose", _names("purpose", "setup", "sign_in", "link"), nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("invitation_id", ID, nullable=True),
        sa.Column("browser", sa.String(64), nullable=False),
        sa.Column("state_hash", sa.String(64), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("next", sa.String(2000), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        _of_provider("sso_flow"),
        sa.ForeignKeyConstraint(
            ["organization_id", "invitation_id"],
            ["invitation.organization_id", "invitation.id"],
            name=op.f("fk_sso_flow_organization_id_invitation_id"),
            ondelete="CASCADE",
        ),
        _of("sso_flow", "user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_flow")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_sso_flow_state_hash")),
        sqlite_autoincrement=True,
    )
    for name, column in (("provider", "provider_id"), ("invitation", "invitation_id")):
        op.create_index(f"ix_sso_flow_{name}", "sso_flow", [column])
    for column in ("user_id", "expires_at"):
        op.create_index(f"ix_sso_flow_{column}", "sso_flow", [column])


def _make_session_identities() -> None:
    op.create_table(
        "session_identity",
        sa.Column("session_id", ID, nullable=False),
        sa.Column("identity_id", ID, nullable=False),
        sa.Column("verified_at", MOMENT, nullable=False),
        _of("session_identity", "session"),
        _of("session_identity", "identity"),
        sa.PrimaryKeyConstraint("session_id", "identity_id", name=op.f("pk_session_identity")),
    )
    op.create_index("ix_session_identity_identity_id", "session_identity", ["identity_id"])
