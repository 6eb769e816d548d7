"""Addresses of people whose membership was taken away too long ago to be put back; only what they hash to is kept."""

from collections.abc import Sequence

from sqlalchemy import delete, exists, select
from sqlalchemy.dialects import postgresql, sqlite

from webapp.db import db
from webapp.models import EmailAddress, FormerAddress, Organization, RemovedMember
from webapp.services.addresses import Address
from webapp.services.tokens import digest


def was_here(organization: Organization, address: Address) -> bool:
    """Tell whether somebody with an address, proven or not, was removed from an organization, however long ago."""
    kept = (FormerAddress.organization_id == organization.id, FormerAddress.address_hash == digest(address.canonical))
    return bool(db.session.scalar(select(exists().where(*kept))))


def keep_instead_of(removed_ids: Sequence[int]) -> None:
    """Forget memberships that were taken away, but for the addresses of these people."""
    found = (
        select(RemovedMember.organization_id, EmailAddress.canonical)
        .join(EmailAddress, EmailAddress.user_id == RemovedMember.user_id)
        .where(RemovedMember.id.in_(removed_ids))
    )
    kept = {(number, digest(canonical)) for number, canonical in db.session.execute(found)}
    if kept:
        insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        rows = [{"organization_id": number, "address_hash": hashed} for number, hashed in sorted(kept)]
        db.session.execute(insert(FormerAddress).values(rows).on_conflict_do_nothing())
    db.session.execute(
        delete(RemovedMember).where(RemovedMember.id.in_(removed_ids)),
        execution_options={"synchronize_session": False},
    )
