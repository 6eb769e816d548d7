"""The audit log of an organization."""

from sqlalchemy import select

from webapp.db import db
from webapp.models import AuditEntry, Organization
from webapp.queries.page import PAGE_ROWS, Page, decode, encode


def entries_of(organization: Organization, *, after: str) -> Page[AuditEntry]:
    """Return a page of entries, the newest first."""
    statement = select(AuditEntry).where(AuditEntry.organization_id == organization.id)
    if after:
        statement = statement.where(AuditEntry.sequence < decode(after, [AuditEntry.sequence])[0])
    rows = db.session.scalars(statement.order_by(AuditEntry.sequence.desc()).limit(PAGE_ROWS + 1)).all()
    cursor = encode([rows[PAGE_ROWS - 1].sequence]) if len(rows) > PAGE_ROWS else None
    return Page(rows[:PAGE_ROWS], cursor, not after)
