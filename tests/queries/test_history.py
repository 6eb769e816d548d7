"""A member's history is read along indexes, however long the audit log is."""

from sqlalchemy import text

from tests.support.acme import Acme
from webapp.db import db
from webapp.queries.history import HISTORY


def plan_of(acme: Acme) -> list[str]:
    """Return how the database reads a history, where no table is so small that it would rather read all of it."""

    def read() -> list[str]:
        compiled = str(
            HISTORY.params(organization_id=1, member_id=1).compile(db.engine, compile_kwargs={"literal_binds": True})
        )
        if db.engine.dialect.name == "sqlite":
            return [row[-1] for row in db.session.execute(text(f"explain query plan {compiled}"))]
        for way in ("enable_seqscan", "enable_bitmapscan"):
            db.session.execute(text(f"set local {way} = off"))
        return [row[0].strip(" ->") for row in db.session.execute(text(f"explain {compiled}"))]

    found: list[str] = acme.world.read(read)
    return found


def test_history_is_read_along_two_indexes(acme: Acme) -> None:
    plan = plan_of(acme)
    read = [step for step in plan if step.startswith(("SEARCH audit_", "SCAN audit_")) or " on audit_" in step]
    assert len(read) == 3, "both indexes, and the entries themselves"
    assert [step for step in read if "ndex" not in step.replace("INDEX", "Index")] == []
    assert any("ix_audit_entry_target" in step for step in read)
    assert any("audit_mention" in step for step in read)
