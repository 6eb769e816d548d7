"""Changes of the audit log as whoever owns the database can make them, past the triggers that refuse them."""

from collections.abc import Callable

from tests.support.acme import Acme
from tests.support.ledger import drop_audit_triggers
from webapp.db import db
from webapp.models import AuditEntry
from webapp.services.audit import hash_of


def tamper(acme: Acme, change: Callable[[], object]) -> None:
    """Change entries in a transaction."""

    def step() -> None:
        drop_audit_triggers(db.session.connection())
        change()
        db.session.flush()

    acme.world.write(step)


def entry(acme: Acme, sequence: int) -> AuditEntry:
    """Return an entry of Acme, within a transaction."""
    organization = acme.organization().id
    return db.session.query(AuditEntry).filter_by(organization_id=organization, sequence=sequence).one()


def write_anew(acme: Acme) -> None:
    """Change an entry and repair every hash after it."""
    entry(acme, 2).actor_name = "Somebody Else"
    last = db.session.query(AuditEntry).filter_by(organization_id=acme.organization().id).count()
    for sequence in range(2, last + 1):
        one = entry(acme, sequence)
        one.previous_hash = entry(acme, sequence - 1).hash
        one.hash = hash_of(one)
