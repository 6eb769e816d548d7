"""Whose addresses are is found by the addresses, however many members an organization has."""

from sqlalchemy import text

from tests.support.worlds import World
from webapp.db import db
from webapp.models import Organization
from webapp.services import seed
from webapp.services.invitation_rows import those_of_members
from webapp.services.seed import Seeded

MEMBERS = 1_000


def seeded() -> Seeded:
    """Make an organization that no database would rather read through, and let the database know how large it is."""
    made = seed.begin("Hill School")
    seed.add_members(made, range(MEMBERS))
    db.session.flush()
    db.session.execute(text("analyze"))
    return made


def plan_of(made: Seeded) -> str:
    """Return how the database looks for the members with an address."""
    wanted = those_of_members(db.session.get_one(Organization, made.organization_id), [made.owner_email])
    compiled = str(wanted.compile(db.engine, compile_kwargs={"literal_binds": True}))
    explain = "explain query plan" if db.engine.dialect.name == "sqlite" else "explain"
    return "\n".join(str(row[-1]) for row in db.session.execute(text(f"{explain} {compiled}")))


def test_members_with_an_address_are_found_along_its_index(world: World) -> None:
    plan = world.read(plan_of, world.write(seeded))
    assert "ix_email_address_canonical" in plan, plan
    for table in ("email_address", "member"):
        assert f"Seq Scan on {table}" not in plan, plan
        assert f"SCAN {table}" not in plan, plan
