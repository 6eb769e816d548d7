"""Projects as people find them: the list, and the page that says who can open one, at which level and why."""

import pytest

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.teams import Office, make_group, make_project, project, team
from tests.support.worlds import post
from webapp.models import MemberStatus, Role
from webapp.services import projects


@pytest.fixture
def shared(office: Office) -> Office:
    """The office, where Payroll belongs to both teams, and Writers lets Mina and Otto change it."""
    acme, both = office.acme, [office.red, office.blue]
    acme.act(
        acme.owner,
        lambda actor, here: projects.set_teams(actor, here, project(office.payroll), [team(one) for one in both]),
    )
    make_group(acme, office.blue, "Writers", Role.ADMIN, ([office.payroll], [acme.member, office.otto]))
    return office


def rows(page: Page, kind: str) -> dict[int, str]:
    return {number: page.by_id(f"{kind}-{number}").text for number in page.rows(kind)}


def test_managers_see_every_project_and_others_what_they_can_open_and_why(shared: Office) -> None:
    acme = shared.acme
    for person in (acme.owner, acme.manager):
        page = Page(acme.browser(person).get(acme.address("projects")))
        assert page.rows("project") == [shared.ledger, shared.payroll, shared.rota]
        assert ("Every project of Acme." in page.text, "Team Red" in page.text) == (True, False)
    otto, mina = acme.world.browser(shared.otto), acme.browser(acme.member)
    page = Page(otto.get(acme.address("projects")))
    why = "Payroll Admin Access group Writers: Admin Access group Readers: Member"
    assert "What you can open, and why." in page.text
    assert rows(page, "project") == {shared.payroll: why}
    assert rows(Page(mina.get(acme.address("projects"))), "project") == {
        shared.payroll: "Payroll Admin Access group Writers: Admin Team Red: Member",
        shared.rota: "Rota Member Team Red: Member",
    }


def test_nothing_to_open_is_said(acme: Acme) -> None:
    assert "No projects yet" in Page(acme.browser(acme.owner).get(acme.address("projects"))).text
    page = Page(acme.browser(acme.member).get(acme.address("projects"), headers=PANEL))
    assert "As soon as a team or an access group gives you a project, it stands here." in page.text


def test_page_lists_everybody_who_can_open_it_once_with_a_line_for_each_grant(shared: Office) -> None:
    acme = shared.acme
    ids = {name: acme.member_id(getattr(acme, name)) for name in ("owner", "manager", "admin", "member")}
    otto = acme.member_id(shared.otto)
    page = Page(acme.world.browser(shared.otto).get(acme.address("projects/payroll")))
    assert rows(page, "member") == {
        ids["admin"]: "AA Adam Admin adam@example.com Admin Team Red: Admin",
        ids["member"]: "MM Mina Member mina@example.com Admin Access group Writers: Admin Team Red: Member",
        ids["manager"]: "MM Mona Manager mona@example.com Manager Global access: Manager",
        ids["owner"]: "OO Olive Owner olive@example.com Owner Global access: Owner Team Red: Owner Team Blue: Owner",
        otto: "OO Otto Outside You otto@example.com Admin Access group Writers: Admin Access group Readers: Member",
    }
    assert "Project of Blue , Red" in page.text
    assert "Settings" not in page.by_id("panel").text
    for person, may_change in ((acme.owner, True), (acme.admin, False)):
        shown = Page(acme.browser(person).get(acme.address("projects/payroll"))).by_id("panel").text
        assert ("Settings" in shown) == may_change, "whoever runs one of two teams decides nothing for the other"
    acme.change(acme.member, status=MemberStatus.SUSPENDED)
    assert ids["member"] not in Page(acme.browser(acme.owner).get(acme.address("projects/payroll"))).rows("member")


def test_list_is_narrowed_by_level_and_by_reason(shared: Office) -> None:
    acme, browser = shared.acme, shared.acme.browser(shared.acme.owner)
    every = {name: acme.member_id(getattr(acme, name)) for name in ("owner", "manager", "admin", "member")}
    every["otto"] = acme.member_id(shared.otto)
    for query, found in {
        "": set(every),
        "level=&kind=": set(every),
        "level=member": set(every),
        "level=manager": {"owner", "manager"},
        "level=admin&kind=group": {"member", "otto"},
        "level=admin&kind=team": {"owner", "admin"},
        "kind=team": {"owner", "admin", "member"},
        "kind=global": {"owner", "manager"},
        "level=manager&kind=group": set(),
    }.items():
        page = Page(browser.get(acme.address(f"projects/payroll?{query}"), headers=PANEL))
        assert set(page.rows("member")) == {every[name] for name in found}, query
        chosen = [e.attributes["value"] for e in page.elements if "selected" in e.attributes and e.attributes["value"]]
        asked = dict(part.split("=") for part in query.split("&") if part)
        assert chosen == [asked[name] for name in ("level", "kind") if asked.get(name)], query
    assert "Nobody opens this project in this way." in page.text
    assert "Any of these" not in page.text


def test_search_for_whoever_cannot_open_it_says_what_would_let_them(shared: Office) -> None:
    acme, browser = shared.acme, shared.acme.browser(shared.acme.owner)
    acme.change(acme.manager, has_global_access=False)
    found = Page(browser.get(acme.address("projects/payroll?q=mona"), headers=PANEL))
    assert found.rows("member") == []
    for way in (
        "Any of these lets an active member open it: being in a team that owns the project: Blue, Red",
        "being in an access group that holds the project global access",
    ):
        assert way in found.text
    acme.change(acme.manager, has_global_access=True)
    found = Page(browser.get(acme.address("projects/payroll?q=mona"), headers=PANEL))
    assert (len(found.rows("member")), "Any of these" in found.text) == (1, False)


def test_level_reason_or_cursor_there_is_not_is_not_found(office: Office) -> None:
    browser = office.acme.browser(office.acme.owner)
    queries = [
        "level=root",
        "level=Admin",
        "level=20",
        "kind=x",
        "kind=Team",
        "kind=team,group",
        "after=x",
        "level=%00",
    ]
    for query in queries:
        answer = browser.get(office.acme.address(f"projects/payroll?{query}"))
        assert answer.status_code == 404, query
    assert "There is no such list of people. Go back to all of them." in Page(answer).text


def test_D14_project_one_may_not_open_is_not_there_neither_by_its_old_address(office: Office) -> None:
    acme, otto = office.acme, office.acme.world.browser(office.otto)
    owner = acme.browser(acme.owner)
    post(owner, acme.address("projects/ledger/settings"), name="Books", teams=office.blue)
    nothing = otto.get(acme.address("projects/nothing"))
    before = acme.events()
    with acme.unchanged():
        for slug in ("rota", "ledger", "books"):
            for path in ("", "?level=member", "/settings", "/remove"):
                answer = otto.get(acme.address(f"projects/{slug}{path}"))
                assert (answer.status_code, Page(answer).text) == (404, Page(nothing).text), path
            for path in ("/settings", "/archive", "/unarchive", "/remove"):
                assert post(otto, acme.address(f"projects/{slug}{path}"), confirm="1").status_code == 404
        assert otto.get(acme.address("projects/payroll/settings")).status_code == 403
    assert acme.events() == before
    assert owner.get(acme.address("projects/ledger?kind=team")).location == acme.address("projects/books?kind=team")
    assert acme.browser(acme.stranger).get(acme.address("projects/books")).status_code == 404


def test_pages_of_people_keep_the_filters(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.owner)
    crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(60)])
    found, address = [], acme.address("projects/payroll?level=member&kind=global")
    while address:
        page = Page(browser.get(address))
        found.append(page.rows("member"))
        first, address = page.link("page-first"), page.link("page-next") or ""
        assert not address or "level=member&kind=global" in address
    assert first == acme.address("projects/payroll?level=member&kind=global")
    assert ([len(numbers) for numbers in found], len({n for numbers in found for n in numbers})) == ([50, 12], 62)


def test_E07_names_with_markup_are_text(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.owner)
    name = '"><img src=x onerror=alert(1)>'
    number = make_project(acme, name, office.red)
    slug = acme.world.read(lambda: project(number).slug)
    for path in ("", "/settings", "/remove"):
        page = Page(browser.get(acme.address(f"projects/{slug}{path}")))
        assert name in page.text
        assert not [element for element in page.elements if element.attributes.get("src") == "x"]
