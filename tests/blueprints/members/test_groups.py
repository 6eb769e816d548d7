"""The access groups on a member's page, and what its history says of teams and groups."""

from tests.support.pages import Page
from tests.support.teams import Office, group, make_group
from tests.support.worlds import Person
from webapp.models import Role
from webapp.queries.groups import MOST_GROUPS


def page_of(office: Office, viewer: Person, person: Person) -> Page:
    acme = office.acme
    return Page(acme.world.browser(viewer).get(acme.address(f"members/{acme.member_id(person)}")))


def test_page_lists_the_groups_with_level_team_and_source(office: Office) -> None:
    acme = office.acme
    writers = make_group(acme, office.red, "Writers", Role.ADMIN, ([office.rota], [office.otto]))

    def fill() -> None:
        group(writers).source = "directory"

    acme.world.write(fill)
    for viewer in (acme.owner, acme.member, office.otto):
        page = page_of(office, viewer, office.otto)
        assert page.rows("group") == [office.readers, writers]
        assert page.by_id(f"group-{office.readers}").text == "Readers Member Red"
        assert page.by_id(f"group-{writers}").text == "Writers Filled by directory Admin Red"
        assert office.address(f"groups/{writers}") in [element.attributes.get("href") for element in page.elements]
    assert "In no access group." in page_of(office, acme.owner, acme.member).text


def test_list_of_groups_ends_and_says_so(office: Office) -> None:
    acme = office.acme
    for number in range(MOST_GROUPS):
        make_group(acme, office.red, f"Writers {number:02}", Role.ADMIN, ([office.rota], [office.otto]))
    page = page_of(office, acme.owner, office.otto)
    assert len(page.rows("group")) == MOST_GROUPS
    assert "And more. The page of each team lists its access groups." in page.text
