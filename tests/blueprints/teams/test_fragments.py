"""Pages of teams, projects and access groups answer HTMX with the very panel that the whole page holds."""

from tests.support.pages import PANEL, Page
from tests.support.teams import Office

# By address: the tab that is marked, if the page has tabs.
PAGES = {
    "teams": "",
    "teams/new": "",
    "teams/red/projects": "tab-projects",
    "teams/red/projects/new": "tab-projects",
    "teams/red/projects/add": "tab-projects",
    "teams/red/members": "tab-members",
    "teams/red/members/add?q=o": "tab-members",
    "teams/red/members/{member}/remove": "",
    "teams/red/groups": "tab-groups",
    "teams/red/groups/new": "tab-groups",
    "teams/red/groups/{group}": "tab-groups",
    "teams/red/groups/{group}/remove": "",
    "teams/red/settings": "tab-settings",
    "teams/red/remove": "",
    "projects": "",
    "projects/payroll": "",
    "projects/payroll?level=admin": "",
    "projects/payroll/settings": "",
    "projects/payroll/remove": "",
}


def test_panel_is_one_element_and_the_very_one_of_the_page(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.owner)
    for path, tab in PAGES.items():
        address = acme.address(path.format(member=acme.member_id(acme.member), group=office.readers))
        answers = [browser.get(address, headers=headers) for headers in ({}, PANEL)]
        whole, part = map(Page, answers)
        assert [answer.status_code for answer in answers] == [200, 200], path
        assert all({"HX-Request", "HX-Target"} <= set(a.headers["Vary"].split(", ")) for a in answers), path
        assert ([root.tag for root in whole.roots], [root.id for root in part.roots]) == (
            ["html"],
            ["panel", "notices"],
        )
        assert part.by_id("panel").text == whole.by_id("panel").text, path
        assert part.by_id("panel").attributes["data-title"].endswith(" · Acme"), path
        assert sorted(whole.ids) == sorted(set(whole.ids)), path
        marked = {e.id: e.attributes["aria-current"] for e in part.elements if "aria-current" in e.attributes}
        is_tab = path in ("teams/red/projects", "teams/red/members", "teams/red/groups", "teams/red/settings")
        assert marked == ({tab: "page" if is_tab else "true"} if tab else {}), path


def test_every_link_and_form_for_htmx_works_without_it(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.owner)
    for path in PAGES:
        address = acme.address(path.format(member=acme.member_id(acme.member), group=office.readers))
        for element in Page(browser.get(address)).elements:
            own = element.attributes
            assert own.get("hx-get") in (None, own.get("href"), own.get("action")), path
            assert own.get("hx-post") in (None, own.get("formaction", own.get("action"))), path
            assert "hx-post" not in own or "formaction" in own or own["method"] == "post", path
