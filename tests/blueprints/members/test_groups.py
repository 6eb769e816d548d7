"""The access groups on a member's page, and what its history says of teams and groups."""

from tests.support.pages import Page
from tests.support.teams import Office, group, make_group, memberships, remove_team, team
from tests.support.worlds import Person
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import AuditMention, Organization, Role
from webapp.queries.groups import MOST_GROUPS
from webapp.services import access_groups, teams
from webapp.services.access_groups import Contents


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


def history_of(office: Office, person: Person) -> list[str]:
    """Return what the page says happened to a member, the oldest first."""
    elements = page_of(office, office.acme.owner, person).elements
    return [element.text for element in reversed(elements) if element.attributes.get("class") == "sentence"]


def test_history_says_of_teams_and_groups_when_they_came_and_went(office: Office) -> None:
    acme, otto = office.acme, office.otto

    def change(level: Role, *people: Person) -> None:
        def fill(actor: Actor, here: Organization) -> None:
            members = frozenset(member.id for member in memberships(here, people))
            wanted = Contents("Readers", level, frozenset({office.payroll}), members)
            access_groups.change(actor, here, group(office.readers), wanted)

        acme.act(acme.owner, fill)

    change(Role.MEMBER, acme.member)
    change(Role.ADMIN, acme.member)
    change(Role.ADMIN, acme.member, otto)
    acme.act(acme.owner, lambda a, here: teams.add(a, here, team(office.blue), memberships(here, [otto])))
    acme.act(acme.owner, lambda a, here: teams.take_out(a, here, team(office.blue), memberships(here, [otto])))
    remove_team(acme, office.red)
    assert history_of(office, otto) == [
        "Otto Outside became a member with the role Member",
        "Olive Owner added Otto Outside to the access group Readers",
        "Olive Owner took Otto Outside out of the access group Readers",
        "Olive Owner added Otto Outside to the access group Readers",
        "Olive Owner added Otto Outside to the team Blue",
        "Olive Owner took Otto Outside out of the team Blue",
        "Olive Owner removed the access group Readers",
    ]
    assert history_of(office, acme.member)[-3:] == [
        "Olive Owner added Mina Member to the access group Readers",
        "Olive Owner removed the access group Readers",
        "Olive Owner removed the team Red",
    ]


def test_members_of_other_organizations_with_the_same_number_are_not_mixed_up(office: Office) -> None:
    acme = office.acme

    def mention(_actor: Actor, here: Organization) -> None:
        number = acme.member_id(office.otto)
        db.session.add(AuditMention(organization_id=here.id, member_id=number, sequence=1, is_in=True))

    before = history_of(office, office.otto)
    acme.act(acme.stranger, mention, acme.other_slug)
    assert history_of(office, office.otto) == before
