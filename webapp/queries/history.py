"""What happened to one member: their history, as the audit log knows it."""

from typing import Any

from sqlalchemy import Boolean, Row, bindparam, case, cast, null, select, union_all

from webapp.db import db
from webapp.models import AuditEntry, AuditMention, Member
from webapp.queries.page import Page, Statement

HISTORY_ENTRIES = 20


def history_of(member: Member) -> Page[Row[*tuple[Any, ...]]]:
    """Return the newest audit entries about a member, and those by which they came into something or left it.

    The latter have `is_in` and say nothing more: what they hold may be as long as a group is large.
    """
    parameters = {"organization_id": member.organization_id, "member_id": member.id}
    return Page(db.session.execute(HISTORY, parameters).all(), None, True)


def _history() -> Statement:
    """Select each kind of entries along its own index, cut before they are merged."""
    about = select(AuditEntry.sequence, cast(null(), Boolean).label("is_in")).where(
        AuditEntry.organization_id == bindparam("organization_id"),
        AuditEntry.target_kind == "member",
        AuditEntry.target_id == bindparam("member_id"),
    )
    mentioning = select(AuditMention.sequence, AuditMention.is_in).where(
        AuditMention.organization_id == bindparam("organization_id"), AuditMention.member_id == bindparam("member_id")
    )
    cut = (
        found.order_by(column.desc()).limit(HISTORY_ENTRIES).subquery()
        for found, column in ((about, AuditEntry.sequence), (mentioning, AuditMention.sequence))
    )
    merged = union_all(*(select(one) for one in cut)).subquery()
    page = select(merged).order_by(merged.c.sequence.desc()).limit(HISTORY_ENTRIES).subquery()
    values = (
        case((page.c.is_in.is_(None), column)).label(column.key) for column in (AuditEntry.before, AuditEntry.after)
    )
    others = [column for column in AuditEntry.__table__.c if column.key not in ("before", "after")]
    found = select(*others, *values, page.c.is_in).select_from(page)
    found = found.join(AuditEntry, AuditEntry.sequence == page.c.sequence)
    of_organization = AuditEntry.organization_id == bindparam("organization_id")
    return found.where(of_organization).order_by(page.c.sequence.desc())


HISTORY = _history()
