"""Lists of teams, projects and people are cut into pages of 50, and cost the same at any length."""

from flask import Flask
from flask.testing import FlaskClient

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.statements import queries
from tests.support.teams import Office, fill, make_group, make_project, make_projects, make_team, make_teams
from webapp.models import Role

NAMES = ["Zoë", "adam", "Adam", "Ångström", "王", "Eve", "eve", "Straße"]
MANY = [f"{NAMES[n % 8]} {n % 5}" for n in range(60)]
# Of a list; and of a page of one member or one access group, which holds several.
MOST_STATEMENTS, MOST_STATEMENTS_OF_ONE = 6, 11


def lists(office: Office) -> dict[str, str]:
    """Every list of the office by its address, and what its rows are."""
    return {
        "teams": "team",
        "teams/red/projects": "project",
        "teams/red/members": "member",
        "projects": "project",
        "projects/payroll": "member",
        f"members/{office.acme.member_id(office.acme.member)}": "project",
    }


def crowd(office: Office) -> None:
    """Let there be 60 more of everything."""
    acme = office.acme
    people = crowds.join(acme, [(name, f"p{n}@mass.example.net") for n, name in enumerate(MANY)])
    make_teams(acme, MANY)
    fill(acme, office.red, people)
    numbers = make_projects(acme, office.red, MANY)
    make_group(acme, office.red, "Everything", Role.ADMIN, (numbers, [office.otto, acme.member]))


def pages(acme: Acme, browser: FlaskClient, path: str, kind: str, **headers: str) -> list[list[int]]:
    """Follow a list from its first page to its last."""
    found, address = [], acme.address(path)
    while address:
        page = Page(browser.get(address, headers=headers))
        found.append(page.rows(kind))
        assert (page.link("page-first") is None) is (len(found) == 1)
        address = page.link("page-next") or ""
    return found


def test_everything_is_on_exactly_one_page_and_the_pages_under_htmx_are_the_same(office: Office) -> None:
    acme = office.acme
    before = {path: len(pages(acme, acme.browser(acme.owner), path, kind)[0]) for path, kind in lists(office).items()}
    crowd(office)
    for path, kind in lists(office).items():
        for person in (acme.owner, acme.member):
            browser = acme.browser(person)
            found = pages(acme, browser, path, kind)
            rows = [number for page in found for number in page]
            assert [len(page) for page in found] == [50, len(rows) - 50], path
            assert len(set(rows)) == len(rows) >= 62, path
            assert person is acme.member or len(rows) == 60 + before[path], path
            assert pages(acme, browser, path, kind, **PANEL) == found, path


def test_rows_that_come_and_go_between_pages_move_no_others(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.owner)
    crowd(office)
    narrow = {path: kind for path, kind in lists(office).items() if not path.startswith("members")}
    first = {path: Page(browser.get(acme.address(path))) for path in narrow}
    make_project(acme, "Aaa", office.red)
    make_team(acme, "Aaa")
    fill(acme, office.red, crowds.join(acme, [("Aaa", "aaa@example.net")]))
    second = {path: Page(browser.get(page.link("page-next") or "")) for path, page in first.items()}
    for path, kind in narrow.items():
        assert not set(first[path].rows(kind)) & set(second[path].rows(kind)), path


def test_cursor_that_is_none_of_ours_is_not_found(office: Office) -> None:
    browser = office.acme.browser(office.acme.owner)
    for path in lists(office):
        name = "projects_after" if path.startswith("members") else "after"
        for text in ("x", "W10", "e30", "W" * 4000):
            answer = browser.get(office.acme.address(path), query_string={name: text})
            assert (answer.status_code, "Go back to the first page." in Page(answer).text) == (404, True), path


def number_of_statements(app: Flask, browser: FlaskClient, address: str) -> int:
    with queries(app) as found:
        assert browser.get(address, headers=PANEL).status_code == 200
    return len(found)


def test_list_takes_as_many_statements_when_it_is_long_as_when_it_is_short(app: Flask, office: Office) -> None:
    acme = office.acme
    group = f"teams/red/groups/{office.readers}"
    addresses = [*map(acme.address, lists(office)), *map(acme.address, ("teams/red/groups", group))]
    browsers = [acme.browser(acme.owner), acme.browser(acme.member), acme.world.browser(office.otto)]
    acme.wake()

    def counted() -> list[tuple[str, int]]:
        return [
            (address, number_of_statements(app, one, address))
            for one in browsers
            for address in addresses
            if one is not browsers[2] or "members/" not in address
        ]

    few = counted()
    crowd(office)
    assert counted() == few
    for address, number in few:
        assert number <= (MOST_STATEMENTS_OF_ONE if address.rpartition("/")[2].isdecimal() else MOST_STATEMENTS), (
            address
        )
