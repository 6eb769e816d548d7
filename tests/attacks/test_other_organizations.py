"""D02, D03: nothing of another organization is reached by its number or its name, wherever a request carries them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest

from tests.support.acme import Acme, organization_of
from tests.support.dumps import Dump
from tests.support.routes import Route, Routes
from tests.support.tabs import Tab
from tests.support.worlds import Person, World, rows_in
from webapp.db import db
from webapp.models import Role

# Variable parts of addresses that are no number of a row: names and secrets. The number of a connection says nothing
# without the secret of a flow to it, which is of one organization; see tests/blueprints/sso.
NO_NUMBERS = {"org", "slug", "token", "key", "filename", "state", "provider"}


def with_numbers(routes: Routes) -> Iterator[tuple[Route, set[str]]]:
    """Yield the routes whose addresses hold the number of a row, with the names of those parts."""
    for route in routes:
        if numbers := route.rule.arguments - NO_NUMBERS:
            yield route, numbers


@pytest.fixture
def foreign(acme: Acme) -> Routes:
    """All routes, about things in the organization of strangers."""
    return Routes(replace(acme, slug=acme.other_slug, owner=acme.stranger, manager=acme.stranger))


@pytest.fixture
def owner_of_both(acme: Acme) -> Person:
    """Somebody who owns both organizations: only where a thing belongs can stand in their way."""
    acme.world.member(acme.other_slug, acme.manager, Role.OWNER)
    acme.change(acme.manager, role=Role.OWNER)
    return acme.manager


def test_routes_with_numbers_are_known(foreign: Routes) -> None:
    """A new kind of number shows up here, and in the tests below."""
    found = {name for _, numbers in with_numbers(foreign) for name in numbers}
    assert found == {"group", "invitation", "mapping", "member", "project", "removed", "session_id", "team"}


def ask(tab: Tab, route: Route, path: str, form: dict[str, str]) -> int:
    """Ask for an address, and say yes where there is a question; return the status."""
    data = tab.form({"confirm": "1", **form}) if route.method == "POST" else {}
    return tab.browser.open(path, method=route.method, data=data).status_code


def test_D02_number_of_a_row_elsewhere_is_not_found_at_any_address(
    world: World, acme: Acme, foreign: Routes, owner_of_both: Person, dump: Callable[[], Dump]
) -> None:
    """The same numbers are found where they belong."""
    tabs, stranger = [Tab(world, person) for person in (acme.owner, owner_of_both)], Tab(world, acme.stranger)
    for route, _ in with_numbers(foreign):
        request = foreign.request(route)
        path = request.path.replace(f"/orgs/{acme.other_slug}/", f"/orgs/{acme.slug}/")
        before = dump()
        assert [ask(tab, route, path, request.form) for tab in tabs] == [404, 404], route
        assert dump() == before, route
        assert ask(stranger, route, request.path, request.form) in (200, 303), route
        stranger.after(route)


def rows_of(world: World, slug: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of one organization, its audit log included."""

    def read() -> dict[str, list[tuple[Any, ...]]]:
        organization = organization_of(slug).id
        tables = [table for table in db.metadata.sorted_tables if "organization_id" in table.c]
        wanted = dict.fromkeys(tables, f'"organization_id" = {organization}')
        return rows_in({**wanted, db.metadata.tables["organization"]: f'"id" = {organization}'})

    found: dict[str, list[tuple[Any, ...]]] = world.read(read)
    return found


@pytest.fixture
def elsewhere(acme: Acme) -> dict[str, str]:
    """The names by which a request could speak of the other organization and of things in it."""
    invited = acme.world.invite(acme.other_slug, acme.stranger, "wanted@example.org")
    member = replace(acme, slug=acme.other_slug).member_id(acme.stranger)
    number = acme.world.read(lambda: organization_of(acme.other_slug).id)
    return {
        **dict.fromkeys(("org", "organization", "organization_slug", "tenant"), acme.other_slug),
        **dict.fromkeys(("organization_id", "org_id", "tenant_id"), str(number)),
        **dict.fromkeys(("member", "member_id", "removed", "id", "ids"), str(member)),
        **dict.fromkeys(("invitation", "invitation_id"), str(invited.id)),
        "user_id": str(acme.stranger.user_id),
        "token": invited.token,
    }


CARRIERS = {"form", "query", "headers"}


def carried(carriers: set[str], form: dict[str, str], elsewhere: dict[str, str], page: str) -> dict[str, Any]:
    """Return the arguments of a POST that names the other organization in some of its parts."""
    named = {f"X-{name.replace('_', '-')}": value for name, value in elsewhere.items()}
    return {
        "data": {**elsewhere, **form} if "form" in carriers else form,
        "query_string": elsewhere if "query" in carriers else {},
        "headers": {**named, "HX-Current-URL": page, "Referer": page} if "headers" in carriers else {},
    }


@pytest.mark.parametrize(
    "carriers",
    [CARRIERS, *(pytest.param({one}, marks=pytest.mark.soak) for one in sorted(CARRIERS))],
    ids=["everywhere", *sorted(CARRIERS)],
)
def test_D03_change_is_about_the_organization_of_the_address_alone(
    world: World, acme: Acme, routes: Routes, owner_of_both: Person, elsewhere: dict[str, str], carriers: set[str]
) -> None:
    """All parts at once say the same: whichever had a say would lead elsewhere. Every other form comes of HTMX."""
    page = f"http://localhost/orgs/{acme.other_slug}/members"
    tab, asked = Tab(world, owner_of_both), cycle(({"HX-Request": "true"}, {}))
    for route in routes:
        if route.method == "POST" and "org" in route.rule.arguments:
            request = routes.request(route)
            before = rows_of(world, acme.other_slug)
            arguments = carried(carriers, tab.form(request.form), elsewhere, page)
            arguments["headers"].update(next(asked))
            answer = tab.browser.post(request.path, **arguments)
            assert answer.status_code < 500, route
            assert "/login" not in answer.headers.get("Location", ""), f"{route}: signed out"
            assert rows_of(world, acme.other_slug) == before, route
            tab.after(route)


def test_D03_page_shows_the_organization_of_the_address_alone(
    world: World, acme: Acme, routes: Routes, owner_of_both: Person, elsewhere: dict[str, str]
) -> None:
    """Filters and cursors with numbers of the other organization find nothing of it."""
    asked = {**elsewhere, "actor": elsewhere["user_id"], "target": f"member:{elsewhere['member']}"}
    browser = world.browser(owner_of_both)
    for route in routes:
        if route.method == "GET" and "org" in route.rule.arguments:
            answer = browser.get(routes.request(route).path, query_string=asked)
            assert answer.status_code in (200, 303), route
            assert "wanted@example.org" not in answer.text, route
            assert acme.stranger.name not in answer.text, route
