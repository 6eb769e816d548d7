"""What the pages of single sign-on cost: few statements, as many for ten people as for a thousand."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL
from tests.support.sso import Desk
from tests.support.statements import queries
from tests.support.taking_away import owner_of, page_of, wrongly_linked
from tests.support.worlds import post
from webapp import clock
from webapp.db import db
from webapp.models import Enforcement, Identity, Member

MOST = 6
MOST_OF_A_QUESTION = 39  # it makes the change, sees what that does, and takes it back
# The first leads on to one of these pages; the other makes a change to see what it does, and takes it back.
NO_PAGES = {"sso.callback", "sso.remove_mapping"}
PAGES = {
    "sso.show": ["orgs/acme/sso"],
    "sso.setup": ["orgs/acme/sso/setup"],
    "sso.kind": ["orgs/acme/sso/setup/kind"],
    "sso.secret": ["orgs/acme/sso/secret"],
    "sso.mappings": ["orgs/acme/sso/mappings"],
    "sso.unlinked": ["orgs/acme/sso/unlinked", "orgs/acme/sso/unlinked?q=person"],
    "sso.outside": ["orgs/acme/sso/outside"],
    "sso.rehearsal": ["orgs/acme/sso/rehearsal"],
    "sso.enforcing": ["orgs/acme/sso/enforce"],
    "sso.disable": ["orgs/acme/sso/disable"],
    "sso.recovery_codes": ["orgs/acme/sso/recovery-codes"],
    "sso.link": ["orgs/acme/sso/link"],
    "sso.unlink": ["orgs/acme/sso/unlink"],
    "sso.login": ["orgs/acme/sso/login"],
    "sso.find_entrance": ["login/sso"],
}
# What they show has to be made first.
MADE = {"sso.leave", "sso.recover", "sso.take_away"}
PATHS = [path for paths in PAGES.values() for path in paths]


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


def cost(app: Flask, browser: FlaskClient, path: str, headers: Mapping[str, str]) -> int:
    """Return how many statements a page takes, at its second request."""
    browser.get(f"/{path}", headers=dict(headers))
    with queries(app) as statements:
        assert browser.get(f"/{path}", headers=dict(headers)).status_code == 200, path
    return len(statements)


def test_every_page_is_looked_at(app: Flask) -> None:
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert {page for page in pages if page.startswith("sso.")} == {*PAGES, *MADE, *NO_PAGES}


@pytest.mark.parametrize("headers", [{}, PANEL], ids=["page", "panel"])
def test_pages_take_at_most_six_statements_and_as_many_for_ten_people_as_for_a_thousand(
    app: Flask, acme: Acme, rehearsed: Desk, headers: dict[str, str]
) -> None:
    browser = acme.browser(acme.owner)
    none = {path: cost(app, browser, path, headers) for path in PATHS}
    grow(acme, rehearsed, 0, 100)
    few = {path: cost(app, browser, path, headers) for path in PATHS}
    grow(acme, rehearsed, 100, 1_000)
    many = {path: cost(app, browser, path, headers) for path in PATHS}
    assert many == few
    for costs in (none, many):
        assert {path: number for path, number in costs.items() if number > MOST} == {}


@pytest.mark.parametrize("headers", [{}, PANEL], ids=["page", "panel"])
def test_pages_where_nothing_is_set_up_take_at_most_six_statements(
    app: Flask, acme: Acme, headers: dict[str, str]
) -> None:
    browser = acme.browser(acme.owner)
    paths = ["orgs/acme/sso", "orgs/acme/sso/setup", "orgs/acme/sso/setup/kind", "orgs/acme/sso/mappings"]
    costs = {path: cost(app, browser, path, headers) for path in paths}
    assert {path: number for path, number in costs.items() if number > MOST} == {}


@pytest.mark.parametrize("headers", [{}, PANEL], ids=["page", "panel"])
def test_pages_on_the_way_to_the_provider_and_of_recovery_take_at_most_six_statements(
    app: Flask, acme: Acme, rehearsed: Desk, headers: dict[str, str]
) -> None:
    browser = acme.browser(acme.owner)
    leaving = post(browser, rehearsed.address("login")).location
    assert cost(app, browser, leaving.lstrip("/"), headers) <= MOST
    rehearsed.set(rehearsed_since=None, required_from=None)
    assert cost(app, browser, "orgs/acme/sso/recover", headers) <= MOST


@pytest.mark.parametrize("headers", [{}, PANEL], ids=["page", "panel"])
def test_question_about_a_link_takes_at_most_39_statements_and_as_many_for_ten_people_as_for_a_thousand(
    app: Flask, acme: Acme, desk: Desk, headers: dict[str, str]
) -> None:
    browser = owner_of(wrongly_linked(desk))
    path = f"{page_of(acme, acme.member)}/unlink".lstrip("/")
    none = cost(app, browser, path, headers)
    grow(acme, desk, 0, 100)
    few = cost(app, browser, path, headers)
    grow(acme, desk, 100, 1_000)
    assert cost(app, browser, path, headers) == few == none
    assert few <= MOST_OF_A_QUESTION
