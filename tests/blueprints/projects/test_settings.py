"""Settings of a project: its name, its teams, the archive and the end; whoever loses something is named first."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.teams import Office, make_group, make_project, make_team, make_teams, memberships, project, team
from tests.support.worlds import post
from webapp.db import db
from webapp.models import Role, TeamProject
from webapp.queries.choices import MOST_CHOICES
from webapp.services import projects, teams

SETTINGS = "projects/payroll/settings"


@pytest.fixture
def admin(office: Office) -> FlaskClient:
    """The browser of the admin, who runs Red."""
    return office.acme.browser(office.acme.admin)


def owners(acme: Acme, number: int) -> list[str]:
    found: list[str] = acme.world.read(lambda: [one.name for one in projects.teams_of(project(number))])
    return found


def test_settings_hold_what_the_project_is_and_offer_the_teams_one_may_give_it(
    office: Office, admin: FlaskClient
) -> None:
    acme, both = office.acme, [str(office.red), str(office.blue)]
    runner = make_team(acme, "Amber", acme.admin)
    manager = acme.browser(acme.manager)
    for browser, offered in ((admin, [both[0], str(runner)]), (manager, [both[0], str(runner), both[1]])):
        page = Page(browser.get(acme.address(SETTINGS)))
        assert page.by_id("name").attributes["value"] == "Payroll"
        assert [box.attributes["value"] for box in page.named("teams")] == offered, "those that own it first"
        assert page.checked("teams") == both[:1]
    assert post(admin, acme.address(SETTINGS), name="Payroll", teams=[office.red, runner]).status_code == 303


def test_old_address_of_a_renamed_project_leads_on_and_goes_to_nobody_else(office: Office, admin: FlaskClient) -> None:
    acme = office.acme
    answer = post(admin, acme.address(SETTINGS), name="Salaries", teams=office.red, headers=PANEL)
    assert (answer.status_code, answer.location) == (303, acme.address("projects/salaries"))
    page = Page(admin.get(answer.location))
    assert (page.by_id("notices").text, page.by_id("page-title").text) == ("The project is changed.", "Salaries")
    led = admin.get(acme.address("projects/payroll?level=admin&kind=team"))
    assert (led.status_code, led.location) == (308, acme.address("projects/salaries?level=admin&kind=team"))
    sent = post(admin, acme.address("projects/payroll/archive?x=1"))
    assert (sent.status_code, sent.location) == (308, acme.address("projects/salaries/archive?x=1"))
    make_project(acme, "Payroll", office.blue)
    assert admin.get(acme.address("projects/payroll")).location == acme.address("projects/salaries")
    post(admin, acme.address("projects/salaries/settings"), name="Payroll", teams=office.red)
    assert acme.world.read(lambda: project(office.payroll).slug) == "payroll"


def test_whatever_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(
    office: Office, admin: FlaskClient
) -> None:
    acme = office.acme
    foreign = acme.act(acme.stranger, lambda a, here: teams.create(a, here, "Green").id, acme.other_slug)
    gone = "A team you chose is not there any more. Choose again."
    before = acme.events()
    for name, chosen, field, sentence in (
        (" ", [office.red], "name", "Enter a name."),
        ("x" * 201, [office.red], "name", "A name has at most 200 characters."),
        ("Salaries", [], "teams", "A project belongs to at least one team. Choose one."),
        ("Salaries", [office.red, foreign], "teams", gone),
        ("Salaries", [office.red, 999_999], "teams", gone),
        ("Salaries", ["x"], "teams", "Invalid choice(s): one or more data inputs could not be coerced."),
    ):
        with acme.unchanged():
            answer = post(admin, acme.address(SETTINGS), name=name, teams=chosen, confirm="1")
        page = Page(answer)
        assert (answer.status_code, page.by_id(f"{field}-error").text) == (422, sentence)
        assert page.by_id("name").attributes["value"] == name.strip()
        assert page.checked("teams") == [str(one) for one in chosen if one == office.red]
        assert page.by_id("page-title").text == "Settings"
    assert acme.events() == before


def test_leaving_a_team_asks_first_who_loses_and_carries_the_form_along(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    wanted: dict[str, Any] = {"name": "Salaries", "teams": [office.blue]}
    for headers in ({}, PANEL):
        with acme.unchanged():
            answer = post(browser, acme.address(SETTINGS), **wanted, headers=headers)
        page = Page(answer)
        assert (answer.status_code, page.by_id("page-title").text) == (422, "Change the project Payroll?")
        assert "3 people reach less than before." in page.text
        for line in ("Adam Admin Payroll Admin", "Mina Member Payroll Member", "Otto Outside Payroll Member"):
            assert f"{line} No access" in page.text
    yes = page.answer()
    assert {name: yes[name] for name in ("name", "teams")} == {"name": ["Salaries"], "teams": [str(office.blue)]}
    answer = post(browser, acme.address(SETTINGS), **yes)
    assert (answer.status_code, answer.location) == (303, acme.address("projects/salaries"))
    assert owners(acme, office.payroll) == ["Blue"]
    moved, renamed = acme.entries()[-2:]
    assert (renamed.event, moved.event, (moved.after or {})["teams"]) == (*["project.changed"] * 2, [office.blue])
    assert (moved.after or {})["impact"]["people"] == 3


def test_another_team_beside_the_present_ones_takes_nothing_away_and_is_stored_at_once(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    answer = post(browser, acme.address(SETTINGS), name="Payroll", teams=[office.blue, office.red])
    assert (answer.status_code, owners(acme, office.payroll)) == (303, ["Blue", "Red"])


def test_answer_to_an_older_state_changes_nothing_and_says_what_happens_now(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    elsewhere = make_team(acme, "Green", acme.member)
    earlier = Page(post(browser, acme.address(SETTINGS), name="Payroll", teams=[elsewhere])).answer()
    mina = [acme.member]
    acme.act(acme.owner, lambda a, here: teams.take_out(a, here, team(elsewhere), memberships(here, mina)))
    with acme.unchanged():
        answer = post(browser, acme.address(SETTINGS), **earlier)
    page = Page(answer)
    assert answer.status_code == 409
    assert "Something changed in the meantime, so nothing was done." in page.text
    assert "Mina Member Payroll Member No access" in page.text
    assert post(browser, acme.address(SETTINGS), **page.answer()).status_code == 303
    assert owners(acme, office.payroll) == ["Green"]


def test_form_opened_before_somebody_else_changed_the_teams_is_kept_and_stores_nothing(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    [opened] = Page(browser.get(acme.address(SETTINGS))).named("shown")
    wanted: dict[str, Any] = {"name": "Salaries", "teams": [office.red], "shown": opened.attributes["value"]}
    both = [office.red, office.blue]
    acme.act(
        acme.owner, lambda a, here: projects.set_teams(a, here, project(office.payroll), [team(one) for one in both])
    )
    with acme.unchanged():
        answer = post(browser, acme.address(SETTINGS), **wanted)
    page = Page(answer)
    assert (answer.status_code, page.checked("teams")) == (409, [str(office.red)])
    assert page.by_id("name").attributes["value"] == "Salaries"
    assert "Somebody changed this after you had opened the form, so nothing was stored." in page.text
    wanted["shown"] = page.named("shown")[0].attributes["value"]
    assert post(browser, acme.address(SETTINGS), **wanted, confirm="1").status_code == 303
    assert owners(acme, office.payroll) == ["Red"]


def test_archived_project_can_be_read_and_taken_out_and_nothing_else(office: Office, admin: FlaskClient) -> None:
    acme = office.acme
    answer = post(admin, acme.address("projects/payroll/archive"), confirm="1")
    assert (answer.status_code, answer.location) == (303, acme.address("projects/payroll"))
    page = Page(admin.get(answer.location))
    assert page.by_id("notices").text == "Payroll is archived: it can be read, and nothing else."
    assert page.by_id("page-title").text == "Payroll Archived"
    assert page.rows("member")
    settings = Page(admin.get(acme.address(SETTINGS)))
    assert (settings.named("teams"), "Take out of the archive" in settings.text) == ([], True)
    assert "Payroll Archived" in Page(admin.get(office.address("projects"))).by_id(f"project-{office.payroll}").text
    with acme.unchanged():
        for name, owner in (("Salaries", office.red), ("Payroll", office.blue)):
            refused = post(admin, acme.address(SETTINGS), name=name, teams=owner, confirm="1")
            assert (refused.status_code, "Payroll is archived and can only be read." in Page(refused).text) == (
                409,
                True,
            )
        post(admin, acme.address("projects/payroll/archive"), confirm="1")
    assert post(admin, acme.address("projects/payroll/unarchive"), headers=PANEL).status_code == 303
    post(admin, acme.address("projects/payroll/unarchive"))
    assert acme.events()[-2:] == ["project.archived", "project.unarchived"]
    assert post(admin, acme.address(SETTINGS), name="Salaries", teams=office.red).status_code == 303


def test_archiving_says_first_for_whom_it_was_more_than_reading(office: Office, admin: FlaskClient) -> None:
    acme, address = office.acme, office.acme.address("projects/payroll/archive")
    assert f'href="{address}"' in admin.get(acme.address(SETTINGS)).text
    with acme.unchanged():
        asked, unanswered = Page(admin.get(address)), post(admin, address)
    assert (asked.by_id("page-title").text, unanswered.status_code) == ("Archive the project Payroll?", 422)
    for page in (asked, Page(unanswered)):
        assert "3 people reach less than before." in page.text
        for line in ("Adam Admin Payroll Admin", "Mona Manager Payroll Manager", "Olive Owner Payroll Owner"):
            assert f"{line} Member" in page.text
        assert "Mina Member Payroll" not in page.text
    assert post(admin, address, **asked.answer()).status_code == 303
    entry = acme.entries()[-1]
    assert (entry.event, (entry.after or {})["impact"]["people"]) == ("project.archived", 3)
    assert [acme.member_id(acme.admin), office.payroll, "admin", "member"] in (entry.after or {})["impact"]["shifts"]


@pytest.mark.parametrize("path", ["archive", "remove"])
def test_yes_to_an_older_state_of_a_project_ends_nothing(office: Office, admin: FlaskClient, path: str) -> None:
    acme, address = office.acme, office.acme.address(f"projects/payroll/{path}")
    earlier = Page(admin.get(address)).answer()
    make_group(acme, office.red, "Writers", Role.ADMIN, ([office.payroll], [acme.member]))
    with acme.unchanged():
        answer = post(admin, address, **earlier)
    assert (answer.status_code, "Mina Member Payroll Admin" in Page(answer).text) == (409, True)
    assert post(admin, address, **Page(answer).answer()).status_code == 303


def test_project_is_removed_after_a_question(office: Office, admin: FlaskClient) -> None:
    acme, address = office.acme, office.acme.address("projects/payroll/remove")
    with acme.unchanged():
        asked, unanswered = Page(admin.get(address)), post(admin, address)
    assert (asked.by_id("page-title").text, unanswered.status_code) == ("Remove the project Payroll?", 422)
    assert "Confirm that this shall happen." in Page(unanswered).text
    assert "5 people reach less than before." in asked.text
    for line in ("Mona Manager Payroll Manager", "Mina Member Payroll Member", "Otto Outside Payroll Member"):
        assert f"{line} No access" in asked.text
    answer = post(admin, address, **asked.answer())
    assert (answer.status_code, answer.location) == (303, acme.address("projects"))
    page = Page(admin.get(answer.location))
    assert page.by_id("notices").text == "The project Payroll was removed."
    assert page.rows("project") == [office.rota]
    entry = acme.entries()[-1]
    assert (entry.event, (entry.before or {})["teams"]) == ("project.removed", [office.red])
    assert (entry.after or {})["impact"]["people"] == 5
    group = Page(admin.get(office.address(f"groups/{office.readers}")))
    assert group.checked("projects") == []
    assert (
        admin.get(acme.address("projects/payroll")).status_code == post(admin, address, confirm="1").status_code == 404
    )


def test_D09_whoever_runs_one_of_several_teams_neither_ends_nor_shares_their_project(
    office: Office, admin: FlaskClient
) -> None:
    acme = office.acme
    acme.act(
        acme.owner,
        lambda a, here: projects.set_teams(a, here, project(office.payroll), [team(office.red), team(office.blue)]),
    )
    address, others = acme.address("projects/payroll"), make_team(acme, "Green", acme.admin)
    with acme.unchanged():
        for path, form in {
            f"{address}/remove": {"confirm": "1"},
            f"{address}/archive": {"confirm": "1"},
            f"{address}/settings": {"name": "Mine", "teams": str(others)},
        }.items():
            assert post(admin, path, **form).status_code == 403, path
        added = post(admin, acme.address("teams/green/projects/add"), project=office.payroll)
        assert added.status_code == 422, "it is not among those to choose from"


def test_teams_that_are_too_many_for_the_form_keep_the_project(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    here = acme.world.read(lambda: acme.organization().id)
    made = make_teams(acme, [f"A{number}" for number in range(MOST_CHOICES)])
    of = {"organization_id": here, "project_id": office.payroll, "sort_name": "payroll"}
    acme.world.write(lambda: db.session.execute(insert(TeamProject), [{**of, "team_id": number} for number in made]))
    chosen = Page(browser.get(acme.address(SETTINGS))).checked("teams")
    assert post(browser, acme.address(SETTINGS), name="Wages", teams=chosen).status_code == 303
    owners = acme.world.read(lambda: {team.id for team in projects.teams_of(project(office.payroll))})
    assert owners == {*made, office.red}
