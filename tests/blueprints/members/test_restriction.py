"""What a member reaches, on their own page: global access or chosen teams, who may change it, and what they lose."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.plugins import Keeper, installed
from tests.support.teams import Office, make_project, make_team, make_teams, memberships, team
from tests.support.worlds import Person, post
from webapp.access.impact import EVERY_PROJECT
from webapp.access.roles import Scope
from webapp.db import db
from webapp.http.lists import MOST_NAMED
from webapp.models import MemberStatus, Role, TeamMember
from webapp.queries.choices import MOST_CHOICES
from webapp.services import restriction, teams

EVERYTHING, CHOSEN = "1", "0"


def address(acme: Acme, person: Person, path: str = "") -> str:
    return acme.address(f"members/{acme.member_id(person)}{path}")


def change(office: Office, browser: FlaskClient, **fields: Any) -> TestResponse:
    """Send the form of Mina's page, as a plain member in Red who opens what that gives, but for `fields`."""
    form = {"role": "member", "has_global_access": CHOSEN, "teams": [office.red], **fields}
    return post(browser, address(office.acme, office.acme.member), **form)


def reach(acme: Acme, person: Person) -> tuple[bool, set[int]]:
    def read(_actor: object, here: Any) -> tuple[bool, set[int]]:
        [member] = memberships(here, [person])
        found = restriction.reach_of(member)
        return found.has_global_access, set(found.teams)

    found: tuple[bool, set[int]] = acme.act(acme.owner, read)
    return found


def test_page_says_what_they_reach_and_the_form_holds_it(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    page = Page(browser.get(address(acme, acme.member)))
    assert (page.checked("has_global_access"), page.checked("teams")) == ([CHOSEN], [str(office.red)])
    assert [box.attributes["value"] for box in page.named("teams")] == [str(office.red), str(office.blue)], (
        "chosen first"
    )
    assert "Reaches What their teams and access groups give Teams Red" in page.text
    owner = Page(browser.get(address(acme, acme.owner)))
    assert "Reaches Global access Teams Blue , Red" in owner.text


def test_global_access_has_one_name_and_in_the_list_a_short_one(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.owner)
    assert change(office, browser, has_global_access=EVERYTHING).status_code == 303
    page = Page(browser.get(address(acme, acme.member)))
    assert "Reaches Global access" in page.text
    assert "Projects Global access They open every project, at the level of their role." in page.text
    assert "Every project" not in page.text
    row = browser.get(acme.address("members?q=mina")).text
    assert 'title="Global access">All teams<' in row
    [line] = browser.get(acme.address("members.csv?q=mina")).text.splitlines()[1:]
    assert ",global access,Red," in line
    assert "Global access" in Page(browser.get(acme.address("audit"))).text


def test_more_access_is_stored_at_once_and_audited(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    answer = change(office, browser, has_global_access=EVERYTHING, teams=[office.blue, office.red], headers=PANEL)
    assert (answer.status_code, answer.location) == (303, address(acme, acme.member))
    assert Page(browser.get(answer.location)).by_id("notices").text == "The membership of Mina Member is changed."
    assert reach(acme, acme.member) == (True, {office.blue, office.red})
    access, joined = acme.entries()[-2:]
    assert [access.event, joined.event] == ["member.access_changed", "team.member_added"]
    assert (access.before, (access.after or {})["has_global_access"]) == ({"has_global_access": False}, True)
    gained = [[acme.member_id(acme.member), number, None, "member"] for number in (EVERY_PROJECT, office.ledger)]
    assert (access.after or {})["impact"]["shifts"] == gained


def test_less_access_is_asked_for_first_and_stored_with_a_yes(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    acme.change(acme.member, has_global_access=True)
    for headers in ({}, PANEL):
        with acme.unchanged():
            answer = change(office, browser, role="admin", headers=headers)
        page = Page(answer)
        assert (answer.status_code, page.by_id("page-title").text) == (422, "Change the membership of Mina Member?")
        assert "1 person reaches less than before." in page.text
        assert "Role: Member until now, then Admin. They will open" in page.text
        assert "They will open only what these teams give: Red." in page.text
        assert "Mina Member Every other project, also those to come Member No access" in page.text
        assert "Mina Member Payroll Member Admin" in page.text
        assert "Confirm that this shall happen." not in page.text
    yes = page.answer()
    sent = {name: yes[name] for name in ("role", "has_global_access", "teams")}
    assert sent == {"role": ["admin"], "has_global_access": [CHOSEN], "teams": [str(office.red)]}
    before = len(acme.entries())
    answer = post(browser, address(acme, acme.member), **yes)
    assert (answer.status_code, reach(acme, acme.member)) == (303, (False, {office.red}))
    assert acme.world.roles(acme.slug)["Mina Member"] == "admin"
    assert acme.events()[before:] == ["member.role_changed", "member.access_changed"]
    role, access = ((entry.after or {}).get("impact") for entry in acme.entries()[before:])
    assert role is not None
    assert (role["people"], access) == (1, None), "the first entry speaks for both"


def test_question_says_nothing_of_access_groups_to_whoever_is_in_none(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    asked = Page(change(office, browser, teams=[])).text
    assert ("They will open nothing." in asked, "access groups give" in asked) == (True, False)
    acme.change(office.otto, has_global_access=True)
    form: dict[str, Any] = {"role": "member", "has_global_access": CHOSEN}
    asked = Page(post(browser, address(acme, office.otto), **form)).text
    assert ("They will open nothing." in asked, "only what their access groups give" in asked) == (False, True)
    asked = Page(post(browser, address(acme, office.otto), **form, teams=[office.red])).text
    assert "They will open what their access groups and these teams give: Red." in asked


def test_question_names_ten_teams_and_how_many_more_there_are(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    acme.change(acme.member, has_global_access=True)
    numbers = [make_team(acme, f"Team {number:02}", acme.member) for number in range(MOST_NAMED + 2)]
    named = ", ".join(f"Team {number:02}" for number in range(MOST_NAMED))
    assert f"these teams give: {named} and 2 more." in Page(change(office, browser, teams=numbers)).text
    asked = Page(change(office, browser, teams=numbers[:MOST_NAMED])).text
    assert f"these teams give: {named}." in asked


def test_answer_to_an_older_state_changes_nothing_and_says_what_happens_now(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    earlier = Page(change(office, browser, teams=[])).answer()
    questions = {path: Page(browser.get(address(acme, acme.member, path))).answer() for path in ("/suspend", "/remove")}
    make_project(acme, "Archive of 2019", office.red)
    before = acme.events()
    for path, yes in {"": earlier, **questions}.items():
        with acme.unchanged():
            answer = post(browser, address(acme, acme.member, path), **yes)
        page = Page(answer)
        assert answer.status_code == 409
        assert "Something changed in the meantime, so nothing was done." in page.text
        assert "Mina Member Archive of 2019 Member No access" in page.text
    assert acme.events() == before
    assert post(browser, address(acme, acme.member, "/remove"), **page.answer()).status_code == 303


@pytest.mark.parametrize("meanwhile", ["teams", "role"])
def test_form_opened_before_somebody_else_changed_it_is_kept_and_stores_nothing(office: Office, meanwhile: str) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    opened = shown(Page(browser.get(address(acme, acme.member))))
    if meanwhile == "teams":
        acme.act(acme.owner, lambda a, here: teams.add(a, here, team(office.blue), memberships(here, [acme.member])))
    else:
        acme.change(acme.member, role=Role.ADMIN)
    wanted: dict[str, Any] = {"role": "member", "has_global_access": CHOSEN, "teams": [office.red]}
    for headers in ({}, PANEL):
        with acme.unchanged():
            answer = post(browser, address(acme, acme.member), **wanted, shown=opened, headers=headers)
        page = Page(answer)
        assert (answer.status_code, answer.headers.get("HX-Retarget")) == (409, "#panel")
        assert "Somebody changed this after you had opened the form, so nothing was stored." in page.text
        assert (page.checked("teams"), page.checked("role")) == ([str(office.red)], ["member"])
    again = post(browser, address(acme, acme.member), **wanted, shown=shown(page), confirm="1")
    assert again.status_code == 303
    assert reach(acme, acme.member) == (False, {office.red})


def test_question_carries_what_the_form_was_shown(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    opened = shown(Page(browser.get(address(acme, acme.member))))
    asked = Page(change(office, browser, teams=[], shown=opened)).answer()
    acme.act(acme.owner, lambda a, here: teams.add(a, here, team(office.blue), memberships(here, [acme.member])))
    with acme.unchanged():
        answer = post(browser, address(acme, acme.member), **asked)
    assert (answer.status_code, Page(answer).by_id("page-title").text) == (409, "Mina Member")


def shown(page: Page) -> str:
    return page.named("shown")[0].attributes["value"]


def test_nothing_is_asked_where_nobody_loses_anything(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    acme.change(acme.member, has_global_access=True)
    assert change(office, browser, has_global_access=EVERYTHING, teams=[]).status_code == 303
    assert reach(acme, acme.member) == (True, set())
    with acme.unchanged():
        assert change(office, browser, has_global_access=EVERYTHING, teams=[]).status_code == 303


def test_question_says_whether_they_lose_every_project_or_every_other_one(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    acme.change(acme.member, has_global_access=True)
    lost = "Every other project, also those to come"
    for chosen in ([office.red], []):
        assert f"Mina Member {lost} Member No access" in Page(change(office, browser, teams=chosen)).text
    assert change(office, browser, has_global_access=EVERYTHING, teams=[]).status_code == 303
    lost = "Every project, also those to come"
    assert f"Mina Member {lost} Member No access" in Page(change(office, browser, teams=[])).text


def test_form_of_earlier_pages_changes_the_role_alone(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    for everything, was in ((False, {office.red}), (True, {office.red})):
        acme.change(acme.member, has_global_access=everything)
        for role, answered in (("admin", ""), ("member", "1")):
            answer = post(browser, address(acme, acme.member), role=role, confirm=answered)
            assert (answer.status_code, acme.world.roles(acme.slug)["Mina Member"]) == (303, role)
            assert reach(acme, acme.member) == (everything, was)


def test_choice_there_is_not_is_said_beside_its_field(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    foreign = acme.act(acme.stranger, lambda a, here: teams.create(a, here, "Green").id, acme.other_slug)
    gone = "A team you chose is not there any more. Choose again."
    before = acme.events()
    for fields, field, sentence in (
        ({"has_global_access": "2"}, "has_global_access", "Not a valid choice."),
        ({"teams": [office.red, foreign]}, "teams", gone),
        ({"teams": [office.red, 999_999]}, "teams", gone),
        ({"role": "owner"}, "role", "Not a valid choice."),
    ):
        with acme.unchanged():
            answer = change(office, browser, confirm="1", **fields)
        page = Page(answer)
        assert (answer.status_code, page.by_id(f"{field}-error").text) == (422, sentence)
        assert page.checked("teams") == [str(office.red)]
    assert acme.events() == before


@pytest.mark.parametrize(("kept", "chosen"), [("red", []), ("blue", ["red", "blue"]), ("red", ["blue"])])
def test_team_that_a_plug_in_keeps_from_the_manager_is_neither_joined_nor_left(
    office: Office, kept: str, chosen: list[str]
) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    numbers = [getattr(office, name) for name in chosen]
    with installed(keeper=Keeper(Scope.TEAM_WRITE, kept)):
        with acme.unchanged():
            answer = change(office, browser, role="admin", teams=numbers, confirm="1")
        page = Page(answer)
        assert answer.status_code == 422
        assert page.by_id("teams-error").text == f"You may not change who belongs to {kept.title()}."
        assert sorted(page.checked("teams")) == sorted(str(number) for number in numbers)
        assert change(office, browser, has_global_access=EVERYTHING).status_code == 303
    assert reach(acme, acme.member) == (True, {office.red})


def test_projects_are_listed_with_level_and_reasons(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    page = Page(browser.get(address(acme, office.otto)))
    rows = {number: page.by_id(f"project-{number}").text for number in page.rows("project")}
    assert rows == {office.payroll: "Payroll Member Access group Readers: Member"}
    acme.change(acme.member, has_global_access=True, status=MemberStatus.SUSPENDED)
    page = Page(browser.get(address(acme, acme.member)))
    assert page.rows("project") == [office.ledger, office.payroll, office.rota]
    assert "Nothing at present: the membership cannot be used." in page.text
    assert page.by_id(f"project-{office.rota}").text == "Rota Member Global access: Member Team Red: Member"
    acme.act(acme.owner, lambda a, here: teams.take_out(a, here, team(office.red), memberships(here, [acme.admin])))
    empty = Page(browser.get(address(acme, acme.admin))).text
    listed = "being in a team that owns it being in an access group that holds it global access"
    assert f"No project yet. Any of these lets a member open one: {listed}" in empty


def test_D14_projects_of_a_member_are_shown_to_them_and_to_managers_only(office: Office) -> None:
    acme = office.acme
    for viewer, may in ((acme.member, True), (acme.manager, True), (acme.owner, True), (acme.admin, False)):
        page = Page(acme.browser(viewer).get(address(acme, acme.member)))
        assert ("projects-title" in page.ids, "Payroll" in page.text) == (may, may)
    otto = Page(acme.world.browser(office.otto).get(address(acme, acme.member)))
    assert ("projects-title" in otto.ids, otto.named("has_global_access")) == (False, [])


def test_nobody_below_a_manager_changes_what_anybody_reaches(office: Office) -> None:
    acme = office.acme
    for person in (acme.member, acme.admin):
        with acme.unchanged():
            answer = change(office, acme.browser(person), has_global_access=EVERYTHING)
        assert (answer.status_code, "Your role does not allow this." in Page(answer).text) == (403, True)
    with acme.unchanged():
        own = post(acme.browser(acme.manager), address(acme, acme.manager), role="manager", has_global_access=CHOSEN)
    assert (own.status_code, "You cannot change your own membership." in Page(own).text) == (403, True)


def test_ids_on_the_page_are_unique(office: Office) -> None:
    browser = office.acme.browser(office.acme.owner)
    for person in (office.acme.member, office.acme.owner):
        ids = Page(browser.get(address(office.acme, person))).ids
        assert sorted(ids) == sorted(set(ids))


def test_teams_that_are_too_many_for_the_form_are_kept(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    here, mina = acme.world.read(lambda: acme.organization().id), acme.member_id(acme.member)
    made = make_teams(acme, [f"T{number}" for number in range(MOST_CHOICES)])
    of = {"organization_id": here, "member_id": mina, "sort_name": "mina member"}
    rows = [{**of, "team_id": number} for number in made]
    acme.world.write(lambda: db.session.execute(insert(TeamMember), rows))
    before = reach(acme, acme.member)
    chosen = Page(browser.get(address(acme, acme.member))).checked("teams")
    assert len(chosen) == MOST_CHOICES < len(before[1])
    assert change(office, browser, role="admin", teams=chosen).status_code == 303
    assert reach(acme, acme.member) == before
