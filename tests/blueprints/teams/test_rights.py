"""Who runs which team: admins those they belong to, members none; and who sees which projects of a team."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.plugins import Keeper, installed
from tests.support.teams import Office, give, make_group, make_project, make_team
from tests.support.worlds import post
from webapp.access.roles import Scope
from webapp.db import db
from webapp.models import Project, Role

ATTIC = {"name": "Attic", "slug": "attic", "sort_name": "attic"}
REFUSAL = "Your role does not allow this. Nothing was changed."


@dataclass(frozen=True)
class Twin:
    """A team with all that its changes are about."""

    slug: str
    number: int
    project: int
    group: int
    member: int

    def changes(self) -> dict[str, dict[str, Any]]:
        """Every change of the team: path to form, the removal last."""
        contents = {"level": "member", "projects": self.project, "members": self.member, "confirm": "1"}
        return {
            "projects/new": {"name": "Another"},
            "members/add": {"members": self.member},
            f"members/{self.member}/remove": {"confirm": "1"},
            "groups/new": {**contents, "name": "Writers"},
            f"groups/{self.group}": {**contents, "name": "Readers again"},
            f"groups/{self.group}/remove": {"confirm": "1"},
            "settings": {"name": self.slug.title()},
            "remove": {"name": self.slug.title(), "confirm": "1"},
        }


@pytest.fixture
def twins(office: Office) -> tuple[Twin, Twin]:
    """Red, to which the admin belongs, and Blue, to which they do not: alike in everything else."""
    acme = office.acme
    group = make_group(acme, office.blue, "Readers", Role.MEMBER, ([office.ledger], [acme.admin]))
    mina = acme.member_id(acme.member)
    return (
        Twin("red", office.red, office.payroll, office.readers, mina),
        Twin("blue", office.blue, office.ledger, group, mina),
    )


def send(acme: Acme, browser: FlaskClient, twin: Twin) -> dict[str, int]:
    """Make every change of a team; return what each was answered with."""
    return {
        path: post(browser, acme.address(f"teams/{twin.slug}/{path}"), **form).status_code
        for path, form in twin.changes().items()
    }


def test_D09_admin_runs_the_teams_they_belong_to_and_no_others(acme: Acme, twins: tuple[Twin, Twin]) -> None:
    browser, (red, blue) = acme.browser(acme.admin), twins
    with acme.unchanged():
        assert set(send(acme, browser, blue).values()) == {403}
        for path, form in blue.changes().items():
            address = acme.address(f"teams/blue/{path}")
            assert REFUSAL in Page(post(browser, address, **form)).text
            assert browser.get(address).status_code == (200 if path == f"groups/{blue.group}" else 403)
    answers = send(acme, browser, red)
    assert answers.pop("remove") == 409, "it owns projects alone"
    assert set(answers.values()) == {303}
    for project in ("payroll", "rota", "another"):
        assert post(browser, acme.address(f"projects/{project}/remove"), confirm="1").status_code == 303
    assert post(browser, acme.address("teams/red/remove"), **red.changes()["remove"]).status_code == 303
    assert browser.get(acme.address("teams/red/projects")).status_code == 404


def test_D09_group_of_another_team_is_not_found_in_ones_own(acme: Acme, twins: tuple[Twin, Twin]) -> None:
    red, blue = twins
    form = red.changes()["groups/new"]
    for person in (acme.admin, acme.owner):
        browser = acme.browser(person)
        with acme.unchanged():
            for path in (f"groups/{blue.group}", f"groups/{blue.group}/remove"):
                address = acme.address(f"teams/red/{path}")
                assert browser.get(address).status_code == 404
                assert post(browser, address, **form).status_code == 404


def test_D09_admin_takes_no_project_of_a_team_of_others_and_gives_them_none(
    office: Office, twins: tuple[Twin, Twin]
) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    with acme.unchanged():
        assert "Nothing to add" in Page(browser.get(office.address("projects/add"))).text
        assert post(browser, office.address("projects/add"), project=office.ledger).status_code == 422
        given: dict[str, Any] = {"name": "Payroll", "teams": [office.red, office.blue], "confirm": "1"}
        answers = [
            post(browser, acme.address("projects/payroll/settings"), **given),
            browser.get(acme.address("projects/ledger/settings")),
            *(post(browser, acme.address(f"projects/ledger/{path}"), confirm="1") for path in ("archive", "remove")),
        ]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert all(REFUSAL in Page(answer).text for answer in answers)


def test_project_is_made_in_a_team_and_added_to_another_by_whoever_may(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    with acme.unchanged():
        for name, sentence in {"": "Enter a name.", "x" * 201: "A name has at most 200 characters."}.items():
            page = Page(answer := post(browser, office.address("projects/new"), name=name))
            assert (answer.status_code, page.by_id("name-error").text) == (422, sentence)
            assert page.by_id("name").attributes["value"] == name
        for project in ("", "x", office.payroll, 999_999):
            answer = post(browser, office.address("projects/add"), project=project)
            assert (answer.status_code, bool(Page(answer).by_id("project-error").text)) == (422, True)
    answer = post(browser, office.address("projects/new"), name="rota")
    assert (answer.status_code, Page(answer).by_id("name-error").text) == (
        422,
        "rota exists already. Choose another name.",
    )
    answer = post(browser, office.address("projects/new"), name="Roster")
    assert (answer.status_code, answer.location) == (303, office.address("projects"))
    page = Page(browser.get(answer.location))
    assert (len(page.rows("project")), page.by_id("notices").text) == (3, "The project Roster is ready.")
    answer = post(browser, office.address("projects/add"), project=office.ledger)
    page = Page(browser.get(answer.location))
    assert page.by_id("notices").text == "Ledger belongs to Red too."
    assert office.ledger in page.rows("project")
    assert [entry.event for entry in acme.entries()[-2:]] == ["project.created", "project.changed"]


def test_D09_only_projects_whose_teams_one_runs_all_can_be_added_to_another(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    make_team(acme, "Green", acme.admin)
    address = acme.address("teams/green/projects/add")

    def offered() -> list[str]:
        page = Page(browser.get(address)).by_id("panel").text
        return [name for name in ("Payroll", "Rota", "Ledger", "Attic") if name in page]

    assert offered() == ["Payroll", "Rota"]
    give(acme, office.rota, office.red, office.blue)
    assert offered() == ["Payroll"], "others run Blue"
    with acme.unchanged():
        assert post(browser, address, project=office.rota).status_code == 422
    with installed(keeper=Keeper(Scope.PROJECT_CREATE, "red")):
        assert offered() == []
    acme.act(acme.owner, lambda _actor, here: db.session.add(Project(organization_id=here.id, **ATTIC)))
    assert offered() == ["Payroll"], "managers decide about a project that has no team"
    browser = acme.browser(acme.manager)
    assert offered() == ["Payroll", "Rota", "Ledger", "Attic"]


def test_plain_member_sees_a_team_and_is_offered_and_allowed_no_change(acme: Acme, twins: tuple[Twin, Twin]) -> None:
    browser, (red, _blue) = acme.browser(acme.member), twins
    for path in ("projects", "members", "groups", f"groups/{red.group}"):
        panel = Page(browser.get(acme.address(f"teams/red/{path}"))).by_id("panel")
        assert not [word for word in ("New", "Add", "Take out", "Settings", "Save", "Remove") if word in panel.text]
    with acme.unchanged():
        assert set(send(acme, browser, red).values()) == {403}
        assert REFUSAL in Page(browser.get(acme.address("teams/red/settings"))).text
    assert acme.events()[-1] == "access.refused"


def test_D14_restricted_outsider_sees_of_a_team_only_the_projects_they_can_open(office: Office) -> None:
    acme = office.acme
    make_group(acme, office.red, "Planners", Role.ADMIN, ([office.rota], [acme.member]))
    both, address = [office.payroll, office.rota], office.address("projects")
    for person in (acme.member, acme.admin, acme.owner):
        page = Page(acme.browser(person).get(address))
        assert (page.rows("project"), page.by_id("tab-projects").text) == (both, "Projects 2")
    otto, mina = acme.world.browser(office.otto), acme.browser(acme.member)
    page = Page(otto.get(address))
    assert (page.rows("project"), page.by_id("tab-projects").text) == ([office.payroll], "Projects")
    assert Page(otto.get(acme.address("teams/blue/projects"))).rows("project") == []
    teams = [Page(browser.get(acme.address("teams"))).by_id(f"team-{office.red}").text for browser in (mina, otto)]
    assert teams == ["Red Yours 3 2 2", "Red 3 – 2"]


def test_D14_restricted_outsider_reads_of_a_group_only_the_projects_they_can_open(office: Office) -> None:
    acme = office.acme
    planners = make_group(acme, office.red, "Planners", Role.ADMIN, ([office.payroll, office.rota], [acme.member]))
    otto, mina = acme.world.browser(office.otto), acme.browser(acme.member)
    for browser, shown, number in ((mina, "Payroll, Rota", "2"), (otto, "Payroll", "–")):
        page = Page(browser.get(office.address(f"groups/{planners}")))
        assert f"Projects {shown} Members Mina Member" in page.by_id("panel").text
        row = Page(browser.get(office.address("groups"))).by_id(f"group-{planners}")
        assert row.text == f"Planners Admin 1 {number}"


def test_D14_members_with_global_access_see_every_project_of_every_team(office: Office) -> None:
    acme = office.acme
    make_project(acme, "Archive of 2019", office.blue)
    acme.change(office.otto, has_global_access=True)
    page = Page(acme.world.browser(office.otto).get(acme.address("teams/blue/projects")))
    assert (len(page.rows("project")), page.by_id("tab-projects").text) == (2, "Projects 2")
