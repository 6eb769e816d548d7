"""Who belongs to a team: finding and adding people, and taking them out once it is said what they lose."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.statements import collected
from tests.support.teams import Office, make_group, make_project
from tests.support.worlds import csrf_token, post
from webapp.models import Role

ADD = "members/add"
LOST = "Mina Member Payroll Member No access Mina Member Rota Member No access"


def members_of(office: Office) -> list[int]:
    page = Page(office.acme.browser(office.acme.owner).get(office.address("members")))
    return sorted(page.rows("member"))


def numbers(acme: Acme, *people: str) -> list[int]:
    return sorted(acme.member_id(getattr(acme, person)) for person in people)


def test_members_tab_lists_who_belongs_and_offers_changes_to_those_who_may(office: Office) -> None:
    acme = office.acme
    for viewer, may in ((acme.member, False), (acme.admin, True)):
        page = Page(acme.browser(viewer).get(office.address("members")))
        assert sorted(page.rows("member")) == numbers(acme, "owner", "admin", "member")
        assert page.by_id(f"member-{acme.member_id(acme.member)}").text.endswith("Take out") is may
        assert ("Add members" in page.text) is may
    rows = [page.by_id(f"member-{number}").text for number in page.rows("member")]
    assert ["Global access" in row for row in rows] == [False, False, True]
    assert "You" in rows[0]


def test_searching_finds_people_of_the_organization_keeps_whom_one_chose_and_stores_nothing(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    [foreign] = crowds.join(acme, [("Otto Umbra", "otto@example.org")], acme.other_slug)
    mona, otto = acme.member_id(acme.manager), acme.member_id(office.otto)
    before = acme.events()
    with acme.unchanged():
        for headers in ({}, PANEL):
            answer = post(
                browser, office.address(ADD), members=[mona, foreign], q="OTTO out", find="1", headers=headers
            )
            page = Page(answer)
            assert answer.status_code == 200
            assert page.checked("members") == [str(mona)]
            assert [box.attributes["value"] for box in page.named("members")] == [str(mona), str(otto)]
            assert page.by_id("find-people").attributes["value"] == "OTTO out"
            assert ("Otto Outside otto@example.com" in page.text, "Umbra" in page.by_id("panel").text) == (True, False)
        found = Page(browser.get(office.address(f"{ADD}?q=otto")))
        assert [box.attributes["value"] for box in found.named("members")] == [str(otto)]
        assert found.by_id("found-people").attributes["data-status"] == "1 member shown"
        nobody = Page(browser.get(office.address(f"{ADD}?q=una"))).by_id("found-people")
        assert nobody.attributes["data-status"] == nobody.text == "Nobody else matches “una”"
        assert Page(browser.get(office.address(ADD))).named("members") == []
    assert acme.events() == before


def test_enter_finds_what_is_new_to_find_and_adds_only_whom_one_has_seen(office: Office) -> None:
    acme, browser, mona = (
        office.acme,
        office.acme.browser(office.acme.admin),
        office.acme.member_id(office.acme.manager),
    )
    with acme.unchanged():
        answer = post(browser, office.address(ADD), members=[mona], q="otto", found="mona", enter="1")
        assert (answer.status_code, Page(answer).checked("members")) == (200, [str(mona)])
    for given in ({"q": "mona", "found": "mona"}, {"q": "", "found": "mona"}):
        before = members_of(office)
        answer = post(browser, office.address(ADD), members=[mona], enter="1", **given)
        assert answer.status_code == 303
        assert members_of(office) == sorted({*before, mona})


def locks(app: Flask, browser: FlaskClient, path: str, **form: Any) -> bool:
    """Tell whether sending a form holds up others who write."""
    data = {**form, "csrf_token": csrf_token(browser)}
    with collected(app) as found:
        browser.post(path, data=data)
        return any("immediate" in one.lower() or "for no key update" in one.lower() for one in found)


def test_searching_for_people_holds_nobody_up(app: Flask, office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    acme.wake()
    paths = [office.address(path) for path in (ADD, "groups/new", f"groups/{office.readers}")]
    for path in paths:
        assert not locks(app, browser, path, q="otto", find="1"), path
    for path in paths[:2]:  # the form of a group that exists asks first, without the lock
        assert locks(app, browser, path, q="otto"), path


def test_those_chosen_are_added_and_people_of_other_organizations_are_not(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    foreign = crowds.join(acme, [("Ursula Umbra", "ursula@example.org")], acme.other_slug)
    chosen = [*numbers(acme, "manager", "member"), acme.member_id(office.otto)]
    before = len(acme.entries())
    answer = post(browser, office.address(ADD), members=[*chosen, *foreign])
    assert (answer.status_code, answer.location) == (303, office.address("members"))
    assert Page(browser.get(answer.location)).by_id("notices").text == "2 members were added."
    assert members_of(office) == sorted({*chosen, *numbers(acme, "owner", "admin")})
    assert acme.events()[before:] == ["team.member_added", "team.member_added"]


def test_nobody_chosen_is_said_beside_the_field(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    foreign = crowds.join(acme, [("Ursula Umbra", "ursula@example.org")], acme.other_slug)
    with acme.unchanged():
        for chosen in ([], foreign, ["x"], ["9" * 30], ["-1"], [999_999]):
            answer = post(browser, office.address(ADD), members=chosen, q="mona", headers=PANEL)
            page = Page(answer)
            assert (answer.status_code, page.by_id("members-error").text) == (422, "Choose at least one person.")
            assert [box.attributes["value"] for box in page.named("members")] == [str(acme.member_id(acme.manager))]
            assert page.by_id("find-people").attributes["value"] == "mona"


def test_taking_somebody_out_says_what_they_lose_and_needs_a_yes(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    mina = acme.member_id(acme.member)
    address = office.address(f"members/{mina}/remove")
    with acme.unchanged():
        asked, unanswered = Page(browser.get(address)), post(browser, address)
    assert unanswered.status_code == 422
    assert "Confirm that this shall happen." in Page(unanswered).text
    for page in (asked, Page(unanswered)):
        assert page.by_id("page-title").text == "Take Mina Member out of Red?"
        assert "1 person reaches less than before." in page.text
        assert LOST in page.text
    answer = post(browser, address, **asked.answer())
    assert (answer.status_code, answer.location) == (303, office.address("members"))
    said = Page(browser.get(answer.location)).by_id("notices").text
    assert said == "Mina Member does not belong to Red any more."
    assert members_of(office) == numbers(acme, "owner", "admin")
    entry = acme.entries()[-1]
    lost = [[mina, project, "member", None] for project in (office.payroll, office.rota)]
    assert (entry.event, entry.target_name) == ("team.member_removed", "Red")
    assert (entry.after or {})["impact"] == {"people": 1, "shifts": lost}


def test_answer_to_an_older_state_changes_nothing_and_says_what_happens_now(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.owner)
    address = office.address(f"members/{acme.member_id(acme.member)}/remove")
    earlier = Page(browser.get(address)).answer()
    make_project(acme, "Archive of 2019", office.red)
    before = acme.events()
    for headers in ({}, PANEL):
        with acme.unchanged():
            answer = post(browser, address, **earlier, headers=headers)
        page = Page(answer)
        assert answer.status_code == 409
        assert "Something changed in the meantime, so nothing was done." in page.text
        assert "Mina Member Archive of 2019 Member No access" in page.text
    assert acme.events() == before
    assert post(browser, address, **page.answer()).status_code == 303
    assert acme.member_id(acme.member) not in members_of(office)


def test_who_reaches_everything_anyhow_loses_nothing_by_leaving_a_team(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.manager)
    page = Page(browser.get(office.address(f"members/{acme.member_id(acme.owner)}/remove")))
    assert "Nobody gains or loses access to a project." in page.text
    page = Page(browser.get(office.address(f"members/{acme.member_id(acme.admin)}/remove")))
    assert "Adam Admin Payroll Admin No access" in page.text


def test_D02_person_of_another_organization_is_taken_out_of_no_team_here(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.owner)
    [foreign] = crowds.join(acme, [("Ursula Umbra", "ursula@example.org")], acme.other_slug)
    with acme.unchanged():
        for number in (foreign, 999_999):
            address = office.address(f"members/{number}/remove")
            assert browser.get(address).status_code == post(browser, address, confirm="1").status_code == 404


def test_question_speaks_of_the_access_groups_of_the_team_where_they_are_in_one(office: Office) -> None:
    acme = office.acme
    said = "They stay a member of Acme, and stay in the access groups of this team."
    path = office.address(f"members/{acme.member_id(acme.member)}/remove")
    asked = Page(acme.browser(acme.owner).get(path)).text
    assert ("They stay a member of Acme." in asked, said in asked) == (True, False)
    make_group(acme, office.blue, "Elsewhere", Role.MEMBER, ([office.ledger], [acme.member]))
    assert said not in Page(acme.browser(acme.owner).get(path)).text
    make_group(acme, office.red, "Here", Role.MEMBER, ([office.rota], [acme.member]))
    assert said in Page(acme.browser(acme.owner).get(path)).text
