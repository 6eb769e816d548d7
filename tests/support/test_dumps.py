"""What dumps of the world see; tests of refusals rely on it."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, insert, text, update

from tests.support.acme import Acme
from tests.support.dumps import Dump
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import FormerSlug, Session, User
from webapp.services import audit
from webapp.services.audit import Event, Target

CHANGES = {
    "insert": lambda: db.session.execute(insert(FormerSlug).values(slug="old", organization_id=1)),
    "update": lambda: db.session.execute(update(User).values(name="Somebody")),
    "delete": lambda: db.session.execute(delete(Session)),
    "text": lambda: db.session.execute(text("update organization set name = 'Other'")),
    "indirect": lambda: db.session.execute(text("with a as (select 1) update organization set name = 'Other'")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_dump_tells_of_every_kind_of_change(acme: Acme, dump: Callable[[], Dump], change: Callable[[], object]) -> None:
    before = dump()
    acme.world.write(change)
    assert dump() != before
    assert dump() == acme.world.dump()


def test_dump_is_kept_while_only_the_audit_log_grows(acme: Acme, dump: Callable[[], Dump]) -> None:
    before, noted = dump(), len(acme.entries())
    signed_out = Target("user", None, "Somebody")
    acme.world.write(
        lambda: audit.record(Actor.system(), Event.SIGNED_OUT, signed_out, organization=acme.organization())
    )
    acme.browser().get("/login")
    assert len(acme.entries()) == noted + 1
    assert dump() is before
