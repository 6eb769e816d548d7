"""The audit log: one entry for one change, in its transaction, chained by hashes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Update, delete, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.support.ledger import drop_audit_triggers
from tests.support.worlds import Invited, Person, World
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import InvitationNotOpen
from webapp.models import AuditEntry, Invitation, Organization, User
from webapp.services import accounts, audit, invitations, members, organizations
from webapp.services.audit import FIRST_HASH, Event, Target, hash_of


@dataclass(frozen=True)
class Hall:
    """An organization with its owner and somebody invited."""

    slug: str
    owner: Person
    invited: Invited


@pytest.fixture
def hall(world: World) -> Hall:
    """Harbour Works, where Ada has invited Mia."""
    ada = world.person("Ada Example", "ada@example.org")
    slug = world.organization("Harbour Works", ada)
    return Hall(slug, ada, world.invite(slug, ada, "mia@example.org"))


def entries(world: World, slug: str | None) -> list[AuditEntry]:
    """Return a chain, oldest first; the instance's without a slug."""
    wanted = select(Organization.id).where(Organization.slug == slug).scalar_subquery() if slug else None
    statement = select(AuditEntry).where(AuditEntry.organization_id == wanted).order_by(AuditEntry.sequence)
    return list(world.read(lambda: db.session.scalars(statement).all()))


def revoke(hall: Hall) -> None:
    organization = db.session.scalars(select(Organization).where(Organization.slug == hall.slug)).one()
    user = db.session.get_one(User, hall.owner.user_id)
    actor = Actor.of(user, ip="192.0.2.7", member=members.of_user(organization, user.id))
    invitations.revoke(actor, organization, db.session.get_one(Invitation, hall.invited.id))


def test_change_writes_one_entry_with_before_and_after(world: World, hall: Hall) -> None:
    already = len(entries(world, hall.slug))
    world.write(revoke, hall)
    [entry] = entries(world, hall.slug)[already:]
    assert (entry.event, entry.actor_kind, entry.actor_user_id) == ("invitation.revoked", "user", hall.owner.user_id)
    assert (entry.actor_name, entry.ip) == ("Ada Example", "192.0.2.7")
    assert (entry.target_kind, entry.target_id, entry.target_name) == (
        "invitation",
        hall.invited.id,
        "mia@example.org",
    )
    assert (entry.before, entry.after) == ({"status": "pending"}, {"status": "revoked"})


def test_U01_rolled_back_change_leaves_no_entry(world: World, hall: Hall) -> None:
    before = [entry.hash for entry in entries(world, hall.slug)]

    def revoke_and_fail() -> None:
        revoke(hall)
        raise LookupError

    with pytest.raises(LookupError):
        world.write(revoke_and_fail)
    assert [entry.hash for entry in entries(world, hall.slug)] == before
    assert world.status_of(hall.invited) == "pending"


def test_U01_refused_change_leaves_no_entry(world: World, hall: Hall) -> None:
    world.write(revoke, hall)
    before = [entry.hash for entry in entries(world, hall.slug)]
    with pytest.raises(InvitationNotOpen):
        world.write(revoke, hall)
    assert [entry.hash for entry in entries(world, hall.slug)] == before


def test_chain_cannot_fork(world: World, hall: Hall) -> None:
    for slug in (hall.slug, None):
        first = entries(world, slug)[0]
        columns = {column.key: getattr(first, column.key) for column in AuditEntry.__table__.columns}
        with pytest.raises(IntegrityError):
            world.write(lambda row: db.session.execute(insert(AuditEntry).values(row)), columns | {"id": 999})


@pytest.mark.parametrize("chain_of", [lambda hall: hall.slug, lambda hall: None], ids=["organization", "instance"])
def test_chain_is_numbered_and_each_entry_holds_the_hash_before(
    world: World, hall: Hall, chain_of: Callable[[Hall], str | None]
) -> None:
    world.write(revoke, hall)
    world.person("Bo Example", "bo@example.org")
    chain = entries(world, chain_of(hall))
    assert [entry.sequence for entry in chain] == list(range(1, len(chain) + 1))
    assert len(chain) > 1
    assert [entry.previous_hash for entry in chain] == [FIRST_HASH, *(entry.hash for entry in chain[:-1])]
    assert [hash_of(entry) for entry in chain] == [entry.hash for entry in chain]


def tamper(change: Update) -> None:
    """Change entries past the triggers that refuse it."""
    drop_audit_triggers(db.session.connection())
    db.session.execute(change)


SAID = sorted({column.key for column in AuditEntry.__table__.columns} - {"id", "organization_id", "hash"})


@pytest.mark.parametrize("column", SAID)
def test_U02_altered_entry_no_longer_has_its_hash(world: World, hall: Hall, column: str) -> None:
    values: dict[str, Any] = {"sequence": 99, "actor_user_id": 99, "target_id": 99, "before": {}, "after": {}}
    first = entries(world, hall.slug)[0]
    value = first.created_at.replace(year=2001) if column == "created_at" else values.get(column, "192.0.2.99")
    change = update(AuditEntry).where(AuditEntry.id == first.id).values({column: value})
    world.write(tamper, change)
    altered = next(entry for entry in entries(world, hall.slug) if entry.id == first.id)
    assert hash_of(altered) != altered.hash


def test_U02_database_refuses_to_change_or_delete_entries(world: World, hall: Hall) -> None:
    before = [entry.hash for entry in entries(world, hall.slug)]
    for statement in (update(AuditEntry).values(event="member.left"), delete(AuditEntry)):
        with pytest.raises(DBAPIError, match="the audit log only grows"):
            world.write(db.session.execute, statement)
    assert [entry.hash for entry in entries(world, hall.slug)] == before


def test_organizations_and_the_instance_have_chains_of_their_own(world: World, hall: Hall) -> None:
    before = [entry.hash for entry in entries(world, hall.slug)]
    world.organization("Hill School", world.person("Bo Example", "bo@example.org"))
    assert [entry.hash for entry in entries(world, hall.slug)] == before
    assert {entry.event for entry in entries(world, None)} == {"account.created"}


def test_U05_log_keeps_the_names_of_what_is_gone(world: World, hall: Hall) -> None:
    world.write(lambda: db.session.delete(db.session.get_one(Invitation, hall.invited.id)))
    assert entries(world, hall.slug)[-1].target_name == "mia@example.org"


def test_R24_entries_at_once_make_one_chain(world: World, hall: Hall) -> None:
    def record_one(number: int) -> None:
        def step() -> None:
            organization_id = db.session.scalars(select(Organization.id)).one()
            organization = organizations.lock(organization_id)
            page = Target("page", None, str(number))
            audit.record(Actor.system(), Event.ACCESS_REFUSED, page, organization=organization)
            accounts.refuse_sign_in(Actor.visitor(None), "nobody@example.org")

        world.write(step)

    already = len(entries(world, hall.slug)), len(entries(world, None))
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(record_one, range(24)))
    for slug, length in zip((hall.slug, None), already, strict=True):
        chain = entries(world, slug)
        assert [entry.sequence for entry in chain] == list(range(1, length + 25))
        assert [entry.previous_hash for entry in chain] == [FIRST_HASH, *(entry.hash for entry in chain[:-1])]
