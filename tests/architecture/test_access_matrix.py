"""D01: who gets what at every address, compared with the committed table access_matrix.txt.

A new route fails here until the table has its row: UPDATE_ACCESS_MATRIX=1 writes the table anew, and the review of its
difference is the review of who may use the route.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support import asking
from tests.support.acme import Acme
from tests.support.dumps import Dump
from tests.support.routes import Route, Routes
from tests.support.tabs import Tab
from tests.support.unproven import unproven
from tests.support.worlds import Person, World
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import Organization, Role, User
from webapp.services import members, removals

TABLE = Path(__file__).with_name("access_matrix.txt")
ABOUT = """\
# Who gets what. Columns are kinds of people: nobody is signed in as nobody; an outsider belongs to no organization; a
# stranger owns another one; the invited person has an open invitation, and who is asking waits for an answer to theirs;
# suspended, removed and inactive people were owners; an administrator of the instance is no member; nobody has proven
# the address of the unproven member. "login" leads to the sign-in page; every other answer is its status.
# Written by UPDATE_ACCESS_MATRIX=1 make test ARGS=tests/architecture/test_access_matrix.py
"""

IS_WRITTEN_ANEW = os.environ.get("UPDATE_ACCESS_MATRIX") == "1"

# What these did well leads to the sign-in page.
DONE_AT_SIGN_IN = {"accounts.logout", "accounts.verify_email"}

People = dict[str, Person | None]


@pytest.fixture
def people(acme: Acme, routes: Routes, world: World) -> People:
    """One person of each kind."""
    return {
        "nobody": None,
        "outsider": world.person("Otto Outsider", "otto@example.org"),
        "stranger": acme.stranger,
        "administrator": administrator(world),
        "invited": routes.invited,
        "asking": asking_to_join(acme),
        "removed": removed_owner(acme),
        "suspended": acme.suspended,
        "inactive": inactive_owner(acme),
        "unproven": unproven_member(acme),
        "member": acme.member,
        "admin": acme.admin,
        "manager": acme.manager,
        "owner": acme.owner,
    }


def administrator(world: World) -> Person:
    person = world.person("Ines Instance", "ines@example.org")

    def appoint() -> None:
        db.session.get_one(User, person.user_id).is_instance_administrator = True

    world.write(appoint)
    return person


def asking_to_join(acme: Acme) -> Person:
    person = acme.world.person("Aki Asking", "aki@example.org")
    asking.ask(acme, person.email)
    return person


def owner_of(acme: Acme, name: str, email: str) -> Person:
    person = acme.world.person(name, email)
    acme.world.member(acme.slug, person, Role.OWNER)
    return person


def removed_owner(acme: Acme) -> Person:
    person = owner_of(acme, "Remy Removed", "remy@example.org")

    def remove(actor: Actor, organization: Organization) -> None:
        member = members.of_user(organization, person.user_id)
        assert member
        removals.remove(actor, organization, member)

    acme.act(acme.owner, remove)
    return person


def inactive_owner(acme: Acme) -> Person:
    person = owner_of(acme, "Ina Inactive", "ina@example.com")
    acme.deactivate(person)
    return person


def unproven_member(acme: Acme) -> Person:
    person, _token = unproven(acme.world, "ulla@example.org", "Ulla Unproven")
    acme.world.member(acme.slug, person, Role.MEMBER)
    return person


@pytest.fixture
def tabs(world: World, people: People) -> dict[str, Tab]:
    """Everybody's browser."""
    return {kind: Tab(world, who) for kind, who in people.items()}


@pytest.mark.parametrize("database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)], indirect=True)
def test_D01_everybody_gets_what_the_table_says(tabs: dict[str, Tab], routes: Routes, dump: Callable[[], Dump]) -> None:
    found = table(tabs, routes, dump)
    if IS_WRITTEN_ANEW:
        TABLE.write_text(found)
    assert found == TABLE.read_text()


@pytest.mark.skipif(IS_WRITTEN_ANEW, reason="the table is written anew")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_D01_half_of_everybody_gets_what_the_table_says_at_each_address(
    tabs: dict[str, Tab], routes: Routes, dump: Callable[[], Dump]
) -> None:
    """Each half in turn: what was seen whole on one database is the same on the other."""
    known = answers_in(TABLE.read_text())
    for route, half in zip(routes, cycle((0, 1, 1, 0)), strict=False):
        kinds = list(tabs)[half::2]
        found = dict(zip(kinds, answers_for([tabs[kind] for kind in kinds], routes, route, dump), strict=True))
        assert found == {kind: known[str(route)][kind] for kind in kinds}, route


def answers_in(table: str) -> dict[str, dict[str, str]]:
    """Return what a table says: by route, and by the kind of person."""
    heading, *lines = (line for line in table.splitlines() if not line.startswith("#"))
    start, columns = heading.index("nobody"), heading.split()
    return {line[:start].rstrip(): dict(zip(columns, line[start:].split(), strict=True)) for line in lines}


def table(tabs: dict[str, Tab], routes: Routes, dump: Callable[[], Dump]) -> str:
    """Ask for every address as everybody, and return the answers."""
    rows = [["", *tabs], *([str(route), *answers_for(tabs.values(), routes, route, dump)] for route in routes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return ABOUT + "\n".join(lines) + "\n"


def answers_for(tabs: Iterable[Tab], routes: Routes, route: Route, dump: Callable[[], Dump]) -> Iterator[str]:
    """Send one request as everybody; whoever is refused must have changed nothing and caused no letter.

    What was refused is sent again by the next person: only what came through needs new things to be about.
    """
    request = None
    for tab in tabs:
        request = request or routes.request(route)
        form = tab.form(request.form) if route.method == "POST" else {}
        before = dump()
        answer = described(tab.browser.open(request.path, method=route.method, data=form, buffered=True))
        if answer.startswith("4") or (answer == "login" and route.endpoint not in DONE_AT_SIGN_IN):
            assert dump() == before, f"{route}: refused, and changed something"
        elif route.method == "POST":
            request = None
            tab.after(route)
        yield answer


def described(answer: TestResponse) -> str:
    """Return what the table says of an answer."""
    if answer.status_code == 303 and urlsplit(answer.headers["Location"]).path == "/login":
        return "login"
    return str(answer.status_code)


OUTSIDERS = ("stranger", "administrator", "invited", "asking", "removed", "suspended")


def test_D06_who_is_no_active_member_gets_in_an_organization_what_an_outsider_gets() -> None:
    """A role counts for nothing in any other state, nor does administering the instance."""
    rows = [row for route, row in answers_in(TABLE.read_text()).items() if "/orgs/<org>/" in route]
    assert len(rows) > 20
    assert {row[kind] for row in rows for kind in ("outsider", *OUTSIDERS)} == {"404"}
    assert {row[kind] for row in rows for kind in ("nobody", "inactive")} == {"login"}


def test_D12_head_and_options_tell_no_more_than_get_does(
    world: World, routes: Routes, people: People, dump: Callable[[], Dump]
) -> None:
    browsers = [world.browser(who) for who in (None, people["stranger"], people["owner"])]
    for route in routes:
        request, before = routes.request(route), dump()
        for browser in browsers:
            options = browser.options(request.path)
            assert (options.status_code, options.data) == (200, b""), route
            if route.method == "GET":
                head, get = (browser.open(request.path, method=method, buffered=True) for method in ("HEAD", "GET"))
                assert (head.status_code, head.data) == (get.status_code, b""), route
        assert dump() == before, route


def test_D12_other_methods_are_refused(world: World, routes: Routes, people: People, dump: Callable[[], Dump]) -> None:
    tab = Tab(world, people["owner"])
    for route in routes:
        request = routes.request(route)
        before = dump()
        for method in ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
            answer = tab.browser.open(request.path, method=method, data=tab.form(request.form))
            assert answer.status_code == 405, f"{method} {request.path}"
        assert dump() == before


def spellings(path: str) -> list[str]:
    """Return other spellings of a path, by which a check on its text might be passed."""
    parts = path.strip("/").split("/")
    last = parts[-1]
    changed_last = [f"{last}/", f"{last}//", f"{last};x", f"{last}.json", f"%2e/{last}", f"{last}%00", f"{last}%20"]
    changed_last += [f"./{last}", f"x/../{last}", f"{last}?_method=POST", f"{last}%2f", last.upper()]
    return [f"/{'/'.join([*parts[:-1], text])}" for text in changed_last] + [f"/{path}", f"/.{path}", f"/%2e{path}"]


FORGED = [
    {"X-Original-URL": "{}"},
    {"X-Rewrite-URL": "{}"},
    {"X-Forwarded-Prefix": "{}"},
    {"X-HTTP-Method-Override": "POST"},
    {"X-Forwarded-User": "olive@example.com", "Authorization": "Basic b2xpdmU6eA=="},
    {"HX-Request": "true", "HX-Target": "panel"},
    {"HX-Request": "true", "HX-Target": "results", "HX-History-Restore-Request": "true"},
]


def test_D12_no_spelling_and_no_header_opens_an_address_of_an_organization(
    world: World, routes: Routes, people: People, dump: Callable[[], Dump]
) -> None:
    # Each address and header is asked for by one of them, and by the others at the addresses of other routes.
    tabs = cycle([Tab(world, people[kind]) for kind in ("nobody", "stranger", "removed")])
    for route in (route for route in routes if "org" in route.rule.arguments):
        request = routes.request(route)
        path = request.path
        asked: list[tuple[str, dict[str, str]]] = [(spelling, {}) for spelling in spellings(path)]
        asked += [(start, {k: v.format(path) for k, v in h.items()}) for h in FORGED for start in (path, "/healthz")]
        before = dump()
        for (address, headers), tab in zip(asked, tabs, strict=False):
            form = tab.form({"confirm": "1", **request.form}) if route.method == "POST" else {}
            assert_closed(tab.browser, route.method, address, headers, form)
        assert dump() == before, route


def assert_closed(
    browser: FlaskClient, method: str, address: str, headers: dict[str, str], form: dict[str, str]
) -> None:
    where = as_the_server_reads(address)
    answer = browser.open("/", method=method, data=form, headers=headers, environ_overrides=where)
    shown = answer.get_data(as_text=True)
    is_health = address == "/healthz" and answer.status_code in (200, 405)
    assert is_health or answer.status_code in (303, 308, 401, 404, 405), f"{address} {headers}"
    assert "@example.com" not in shown


def as_the_server_reads(address: str) -> dict[str, str]:
    """Return what a WSGI server makes of an address, without the test client's own tidying."""
    path, _, query = address.partition("?")
    return {"PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "QUERY_STRING": query}
