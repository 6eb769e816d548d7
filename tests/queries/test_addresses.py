"""Whose addresses are is found by the addresses, however many members an organization has."""

from sqlalchemy import text

from tests.support.acme import Acme, organization_of
from webapp.db import db
from webapp.services.invitation_rows import those_of_members


def plan_of(acme: Acme) -> str:
    """Return how the database looks for the members with an address."""

    def read() -> str:
        wanted = those_of_members(organization_of(acme.slug), [acme.member.email])
        compiled = str(wanted.compile(db.engine, compile_kwargs={"literal_binds": True}))
        if db.engine.dialect.name == "sqlite":
            return "\n".join(row[-1] for row in db.session.execute(text(f"explain query plan {compiled}")))
        db.session.execute(text("set local enable_seqscan = off"))
        return "\n".join(row[0] for row in db.session.execute(text(f"explain {compiled}")))

    return str(acme.world.read(read))


def test_members_with_an_address_are_found_along_its_index(acme: Acme) -> None:
    plan = plan_of(acme)
    assert "ix_email_address_canonical" in plan, plan
    assert "Seq Scan" not in plan
    assert "SCAN" not in plan
