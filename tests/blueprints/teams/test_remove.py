"""Removing a team: what is lost is said first, its name is typed, its groups go, its projects and its people stay."""

from typing import Any

import pytest
from sqlalchemy import delete, insert

from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.teams import Office, give, make_project, make_team
from tests.support.worlds import post
from webapp.access.actor import Actor
from webapp.access.impact import MOST_PAIRS
from webapp.db import db
from webapp.models import Organization, Project, TeamMember, TeamProject

# By the name of each: what they reach in Red before it is removed.
LOST = [
    "Adam Admin Payroll Admin",
    "Adam Admin Rota Admin",
    "Mina Member Payroll Member",
    "Otto Outside Payroll Member",
]


@pytest.fixture
def office(office: Office) -> Office:
    """The office, in which Blue owns the projects of Red too."""
    for number in (office.payroll, office.rota):
        give(office.acme, number, office.red, office.blue)
    return office


def remove(acme: Acme, address: str, **fields: Any) -> tuple[int, Page]:
    answer = post(acme.browser(acme.admin), address, **fields)
    return answer.status_code, Page(answer)


def test_removing_says_who_loses_what_and_wants_the_name_exactly(office: Office) -> None:
    acme, address = office.acme, office.address("remove")
    sentence = "Enter the name of the team exactly: Red"
    with acme.unchanged():
        asked = Page(acme.browser(acme.admin).get(address))
        for name, headers in (("", {}), ("red", PANEL), ("Red.", {})):
            status, page = remove(acme, address, **{**asked.answer(), "name": name}, headers=headers)
            assert (status, page.by_id("name-error").text) == (422, sentence)
            assert page.by_id("name").attributes["value"] == name
        status, unconfirmed = remove(acme, address, name="Red")
    assert (status, "Confirm that this shall happen." in unconfirmed.text) == (422, True)
    for page in (asked, unconfirmed):
        assert page.by_id("page-title").text == "Remove the team Red?"
        assert "3 people reach less than before." in page.text
        assert all(f"{line} No access" in page.text for line in LOST)
        assert "Its access groups are removed with it." in page.text


def test_nobody_loses_anything_by_a_team_without_people_however_many_projects_it_has(acme: Acme) -> None:
    empty, other = make_team(acme, "Empty"), make_team(acme, "Other")

    def fill(_actor: Actor, here: Organization) -> None:
        db.session.execute(delete(TeamMember).where(TeamMember.team_id == empty))
        names = [f"p{number}" for number in range(MOST_PAIRS + 1)]
        rows = [{"organization_id": here.id, "name": one, "slug": one, "sort_name": one} for one in names]
        made = db.session.execute(insert(Project).returning(Project.id, Project.sort_name), rows).all()
        db.session.execute(
            insert(TeamProject),
            [
                {"organization_id": here.id, "team_id": number, "project_id": project, "sort_name": name}
                for number in (empty, other)
                for project, name in made
            ],
        )

    acme.act(acme.owner, fill)
    text = Page(acme.browser(acme.owner).get(acme.address("teams/empty/remove"))).text
    assert "Nobody gains or loses access to a project." in text
    assert "This concerns" not in text


def test_removed_team_takes_its_groups_along_and_leaves_projects_and_people(office: Office) -> None:
    acme, address = office.acme, office.address("remove")
    browser, before = acme.browser(acme.admin), acme.world.dump()
    asked = Page(browser.get(address))
    answer = post(browser, address, **{**asked.answer(), "name": " Red "})
    assert (answer.status_code, answer.location) == (303, acme.address("teams"))
    shown = Page(browser.get(answer.location))
    assert (shown.by_id("notices").text, shown.rows("team")) == ("The team Red was removed.", [office.blue])
    after = acme.world.dump()
    assert {name for name in before if after[name] != before[name]} == {
        "team",
        "team_member",
        "team_project",
        "access_group",
        "group_member",
        "group_project",
        "retired_slug",
    }
    group, gone = acme.entries()[-2:]
    assert [group.event, gone.event] == ["group.removed", "team.removed"]
    assert set((gone.before or {})["projects"]) == {office.payroll, office.rota}
    impact = (gone.after or {})["impact"]
    assert impact["people"] == 3
    assert [acme.member_id(office.otto), office.payroll, "member", None] in impact["shifts"]
    for path in ("projects", "members", "groups", "settings", "remove", f"groups/{office.readers}"):
        assert browser.get(office.address(path)).status_code == 404
    everything = Page(acme.browser(acme.manager).get(acme.address("projects")))
    assert everything.rows("project") == [office.ledger, office.payroll, office.rota]


def test_answer_to_an_older_state_removes_nothing_and_keeps_the_typed_name(office: Office) -> None:
    acme, address = office.acme, office.address("remove")
    earlier = {**Page(acme.browser(acme.admin).get(address)).answer(), "name": "Red"}
    give(acme, make_project(acme, "Archive of 2019", office.red), office.red, office.blue)
    with acme.unchanged():
        status, page = remove(acme, address, **earlier)
    assert (status, "Something changed in the meantime, so nothing was done." in page.text) == (409, True)
    assert "Mina Member Archive of 2019 Member No access" in page.text
    assert page.answer()["name"] == ["Red"]
    assert post(acme.browser(acme.admin), address, **page.answer()).status_code == 303


def test_team_that_owns_projects_alone_says_which_before_anybody_types_anything(office: Office) -> None:
    acme, address = office.acme, office.address("remove")
    earlier = {**Page(acme.browser(acme.admin).get(address)).answer(), "name": "Red"}
    give(acme, office.payroll, office.red)
    for headers in ({}, PANEL):
        page = Page(acme.browser(acme.admin).get(address, headers=headers))
        assert page.by_id("page-title").text == "The team Red cannot be removed yet"
        assert "This project belongs to it alone. Give it to another team, or remove it, first. Payroll" in page.text
        assert page.link(f"project-{office.payroll}") == acme.address("projects/payroll/settings")
        assert page.named("name") == []
    with acme.unchanged():
        status, page = remove(acme, address, **earlier)
    assert (status, "This team cannot be removed yet" in page.text) == (409, True)
    assert "No other team owns Payroll. Nothing was changed." in page.text
    for number in range(10):
        make_project(acme, f"Part {number}", office.red)
    page = Page(acme.browser(acme.admin).get(address))
    assert "These projects belong to it alone." in page.text
    assert "Part 9 and others" in page.text
