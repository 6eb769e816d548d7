"""What is owed to many people after a change of single sign-on, rules that end, and access groups by name"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sso_errand",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("provider_id", ID, nullable=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("after", ID, nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_sso_errand_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "provider_id"],
            ["identity_provider.organization_id", "identity_provider.id"],
            name=op.f("fk_sso_errand_organization_id_provider_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_errand")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sso_errand_provider", "sso_errand", ["provider_id"])
    op.create_index("ix_sso_errand_organization_id", "sso_errand", ["organization_id"])
    op.create_index("ix_sso_errand_not_before", "sso_errand", ["not_before"])
    op.add_column("sso_mapping", sa.Column("is_ending", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_access_group_name", "access_group", ["organization_id", "name_key"])


def downgrade() -> None:
    _refuse_while_errands_wait()
    op.drop_index("ix_access_group_name", "access_group")
    # A rule that is ending is listed as one in force: its people are in the group yet, and leave by its removal only.
    op.drop_column("sso_mapping", "is_ending")
    op.drop_table("sso_errand")


def _refuse_while_errands_wait() -> None:
    """Drop nothing that somebody is owed: a letter with their way in, the end of a session, a group to leave."""
    waiting = op.get_bind().scalar(sa.text("SELECT count(*) FROM sso_errand"))
    if waiting:
        raise RuntimeError(
            f"{waiting} rows of the table sso_errand say what changes of single sign-on still owe to people, and the"
            " version before does not know how to do it. Nothing was changed: let the worker run until they are gone."
        )
