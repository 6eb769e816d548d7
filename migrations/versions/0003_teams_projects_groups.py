"""Teams, projects, access groups; which members reach everything, and which only what their teams and groups do"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.String(320).with_variant(sa.String(320, collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)
MEMBER_ORDER = ["organization_id", "sort_name", "id"]
NEW_TABLES = (
    "team",
    "former_team_slug",
    "project",
    "former_project_slug",
    "team_member",
    "team_project",
    "access_group",
    "group_member",
    "group_project",
    "invitation_team",
    "invitation_group",
)


def upgrade() -> None:
    for table in ("member", "removed_member", "invitation"):
        op.add_column(table, sa.Column("has_global_access", sa.Boolean(), nullable=False, server_default=sa.true()))
    for table, column in (("removed_member", "team_ids"), ("removed_member", "group_ids"), ("invitation", "left_out")):
        op.add_column(table, sa.Column(column, sa.JSON(), nullable=True))
    op.drop_index("ix_member_sort", "member")
    op.create_index("ix_member_sort", "member", MEMBER_ORDER, unique=True)  # what rows of teams and groups refer to
    op.create_index("ix_member_global", "member", ["organization_id", "has_global_access", "sort_name", "id"])
    _make_teams()
    _make_projects()
    _make_memberships()
    _make_groups()
    _make_offers()


def downgrade() -> None:
    for table in reversed(NEW_TABLES):
        op.drop_table(table)
    op.drop_index("ix_member_global", "member")
    op.drop_index("ix_member_sort", "member")
    op.create_index("ix_member_sort", "member", MEMBER_ORDER)
    for table, column in (("removed_member", "team_ids"), ("removed_member", "group_ids"), ("invitation", "left_out")):
        op.drop_column(table, column)
    for table in ("member", "removed_member", "invitation"):
        op.drop_column(table, "has_global_access")


def _make_teams() -> None:
    op.create_table(
        "team",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("slug", KEY, nullable=False),
        sa.Column("sort_name", KEY, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_team_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_team_organization_id_id")),
        sa.UniqueConstraint("organization_id", "slug", name=op.f("uq_team_organization_id_slug")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_team_sort", "team", ["organization_id", "sort_name", "id"])

    op.create_table(
        "former_team_slug",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("slug", KEY, nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "team_id"],
            ["team.organization_id", "team.id"],
            name=op.f("fk_former_team_slug_organization_id_team_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "slug", name=op.f("pk_former_team_slug")),
    )
    op.create_index("ix_former_team_slug_team", "former_team_slug", ["team_id"])


def _make_projects() -> None:
    op.create_table(
        "project",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("slug", KEY, nullable=False),
        sa.Column("sort_name", KEY, nullable=False),
        sa.Column("archived_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_project_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_project_organization_id_id")),
        sa.UniqueConstraint("organization_id", "slug", name=op.f("uq_project_organization_id_slug")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_project_sort", "project", ["organization_id", "sort_name", "id"], unique=True)

    op.create_table(
        "former_project_slug",
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("slug", KEY, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "project_id"],
            ["project.organization_id", "project.id"],
            name=op.f("fk_former_project_slug_organization_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "slug", name=op.f("pk_former_project_slug")),
    )
    op.create_index("ix_former_project_slug_project", "former_project_slug", ["project_id"])


def _make_memberships() -> None:
    op.create_table(
        "team_member",
        sa.Column("team_id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("sort_name", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "sort_name", "member_id"],
            ["member.organization_id", "member.sort_name", "member.id"],
            name=op.f("fk_team_member_organization_id_sort_name_member_id"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "team_id"],
            ["team.organization_id", "team.id"],
            name=op.f("fk_team_member_organization_id_team_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("team_id", "member_id", name=op.f("pk_team_member")),
    )
    op.create_index("ix_team_member_member", "team_member", ["member_id", "team_id"])
    op.create_index("ix_team_member_sort", "team_member", ["team_id", "sort_name", "member_id"])

    op.create_table(
        "team_project",
        sa.Column("team_id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("sort_name", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "sort_name", "project_id"],
            ["project.organization_id", "project.sort_name", "project.id"],
            name=op.f("fk_team_project_organization_id_sort_name_project_id"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "team_id"],
            ["team.organization_id", "team.id"],
            name=op.f("fk_team_project_organization_id_team_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("team_id", "project_id", name=op.f("pk_team_project")),
    )
    op.create_index("ix_team_project_project", "team_project", ["project_id", "team_id"])
    op.create_index("ix_team_project_sort", "team_project", ["team_id", "sort_name", "project_id"])


def _make_groups() -> None:
    op.create_table(
        "access_group",
        sa.Column("id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("source", sa.String(100), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "team_id"],
            ["team.organization_id", "team.id"],
            name=op.f("fk_access_group_organization_id_team_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_group")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_access_group_organization_id_id")),
        sa.UniqueConstraint("team_id", "id", name=op.f("uq_access_group_team_id_id")),
        sa.UniqueConstraint("team_id", "name_key", name=op.f("uq_access_group_team_id_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_access_group_organization", "access_group", ["organization_id", "team_id"])

    op.create_table(
        "group_member",
        sa.Column("group_id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("sort_name", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "group_id"],
            ["access_group.organization_id", "access_group.id"],
            name=op.f("fk_group_member_organization_id_group_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "sort_name", "member_id"],
            ["member.organization_id", "member.sort_name", "member.id"],
            name=op.f("fk_group_member_organization_id_sort_name_member_id"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "member_id", name=op.f("pk_group_member")),
    )
    op.create_index("ix_group_member_member", "group_member", ["member_id", "group_id"])
    op.create_index("ix_group_member_sort", "group_member", ["group_id", "sort_name", "member_id"])

    op.create_table(
        "group_project",
        sa.Column("group_id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.Column("sort_name", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "sort_name", "project_id"],
            ["project.organization_id", "project.sort_name", "project.id"],
            name=op.f("fk_group_project_organization_id_sort_name_project_id"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["team_id", "group_id"],
            ["access_group.team_id", "access_group.id"],
            name=op.f("fk_group_project_team_id_group_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["team_id", "project_id"],
            ["team_project.team_id", "team_project.project_id"],
            name=op.f("fk_group_project_team_id_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "project_id", name=op.f("pk_group_project")),
    )
    op.create_index("ix_group_project_project", "group_project", ["project_id", "group_id"])
    op.create_index("ix_group_project_sort", "group_project", ["group_id", "sort_name", "project_id"])
    op.create_index("ix_group_project_team", "group_project", ["team_id", "project_id"])


def _make_offers() -> None:
    op.create_table(
        "invitation_team",
        sa.Column("invitation_id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "invitation_id"],
            ["invitation.organization_id", "invitation.id"],
            name=op.f("fk_invitation_team_organization_id_invitation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "team_id"],
            ["team.organization_id", "team.id"],
            name=op.f("fk_invitation_team_organization_id_team_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("invitation_id", "team_id", name=op.f("pk_invitation_team")),
    )
    op.create_index("ix_invitation_team_team", "invitation_team", ["team_id"])

    op.create_table(
        "invitation_group",
        sa.Column("invitation_id", ID, nullable=False),
        sa.Column("group_id", ID, nullable=False),
        sa.Column("organization_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "group_id"],
            ["access_group.organization_id", "access_group.id"],
            name=op.f("fk_invitation_group_organization_id_group_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invitation_id"],
            ["invitation.organization_id", "invitation.id"],
            name=op.f("fk_invitation_group_organization_id_invitation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("invitation_id", "group_id", name=op.f("pk_invitation_group")),
    )
    op.create_index("ix_invitation_group_group", "invitation_group", ["group_id"])
