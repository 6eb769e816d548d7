"""What the pages of single sign-on cost: few statements, as many for ten people as for a thousand."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.sso import Desk
from tests.support.statements import queries
from webapp import clock
from webapp.db import db
from webapp.models import Enforcement, Identity, Member

# The most statements of each page: who is signed in and where takes two of them, or none where nobody is.
PAGES = {
    "orgs/acme/sso": 9,
    "orgs/acme/sso/mappings": 6,
    "orgs/acme/sso/unlinked": 6,
    "orgs/acme/sso/unlinked?q=person": 6,
    "orgs/acme/sso/outside": 6,
    "orgs/acme/sso/rehearsal": 9,
    "orgs/acme/sso/enforce": 12,
    "orgs/acme/sso/disable": 6,
    "orgs/acme/sso/secret": 4,
    "orgs/acme/sso/login": 3,
    "login/sso": 2,
}


@pytest.fixture
def rehearsed(acme: Acme, desk: Desk) -> Desk:
    """The connection, of which Acme rehearses that it is required, with two domains that it lists."""
    desk.know(acme.owner)
    desk.prove_domain("example.org")
    desk.prove_domain("example.net")
    now = clock.now()
    days = {"rehearsed_since": now - timedelta(days=2), "required_from": now + timedelta(days=9)}
    desk.set(enforcement=Enforcement.REQUIRED, **days)
    return desk


def grow(acme: Acme, desk: Desk, first: int, last: int) -> None:
    """Let people join who have come since the rehearsal began, and of whom every third is linked."""
    members = crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(first, last)])

    def link() -> None:
        db.session.execute(update(Member).where(Member.id.in_(members)).values(last_active_at=clock.now()))
        users = db.session.scalars(select(Member.user_id).where(Member.id.in_(members[::3])))
        of = {"organization_id": acme.organization().id, "provider_id": desk.provider_id, "claims": {}}
        db.session.execute(insert(Identity), [{**of, "user_id": one, "subject": f"u-{one}-{first}"} for one in users])

    acme.world.write(link)


def test_pages_take_few_statements_and_as_many_for_ten_people_as_for_a_thousand(
    app: Flask, acme: Acme, rehearsed: Desk
) -> None:
    browser = acme.browser(acme.owner)

    def asked() -> dict[str, list[str]]:
        found = {}
        for path in PAGES:
            with queries(app) as statements:
                assert browser.get(f"/{path}").status_code == 200, path
            found[path] = statements
        return found

    grow(acme, rehearsed, 0, 100)
    asked()
    few = {path: len(statements) for path, statements in asked().items()}
    grow(acme, rehearsed, 100, 1_000)
    many = {path: len(statements) for path, statements in asked().items()}
    assert many == few
    assert {path: number for path, number in many.items() if number > PAGES[path]} == {}
