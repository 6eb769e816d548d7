"""By which issuer a connection is known, where none was entered"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

OF_KIND = {
    "github": "https://github.com",
    "gitlab": "https://gitlab.com",
    "google": "https://accounts.google.com",
    "entra": "https://login.microsoftonline.com",
}
TABLE = sa.table(
    "identity_provider",
    *(sa.column(name) for name in ("id", "kind", "issuer", "known_issuer")),
    sa.column("options", sa.JSON()),
)


def upgrade() -> None:
    op.add_column("identity_provider", sa.Column("known_issuer", sa.String(2000), nullable=True))
    bind = op.get_bind()
    found = sa.select(TABLE.c.id, TABLE.c.kind, TABLE.c.issuer, TABLE.c.options)
    for row in bind.execute(found.where(TABLE.c.kind.in_(OF_KIND))).all():
        changed = sa.update(TABLE).where(TABLE.c.id == row.id)
        bind.execute(changed.values(known_issuer=_known_issuer(row.kind, row.issuer, row.options)))


def downgrade() -> None:
    op.drop_column("identity_provider", "known_issuer")


def _known_issuer(kind: str, entered: str, options: dict[str, str]) -> str | None:
    """Return it as the kinds have said it until now."""
    issuer = entered.rstrip("/") or OF_KIND[kind]
    if kind != "entra":
        return issuer
    tenant = options.get("tenant", "").strip().lower()
    return f"{issuer}/{tenant}/v2.0" if tenant else None
