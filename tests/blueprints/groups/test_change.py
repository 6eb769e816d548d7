"""Changing and removing an access group: who loses what is said first; one that a source fills is only read."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.plugins import Filler, installed
from tests.support.teams import Office, group, make_group, make_project, project, team
from tests.support.worlds import post
from webapp.models import Role
from webapp.services import access_groups, projects
from webapp.services.access_groups import Contents


def held(acme: Acme, number: int) -> Contents:
    found: Contents = acme.world.read(lambda: access_groups.contents_of(group(number)))
    return found


@pytest.fixture
def directory() -> Iterator[None]:
    """The plug-in of that name, which wants nobody anywhere."""
    with installed(directory=Filler({})):
        yield


def manage(office: Office) -> None:
    def fill() -> None:
        group(office.readers).source = "directory"

    office.acme.world.write(fill)


def entered(office: Office, **values: Any) -> dict[str, Any]:
    """Return the form that leaves the group Readers as it is, but for `values`."""
    otto = office.acme.member_id(office.otto)
    return {"name": "Readers", "level": "member", "projects": [office.payroll], "members": [otto], **values}


def test_form_holds_what_the_group_is(office: Office) -> None:
    page = Page(office.acme.browser(office.acme.admin).get(office.address(f"groups/{office.readers}")))
    assert page.by_id("name").attributes["value"] == "Readers"
    assert (page.checked("level"), page.checked("projects")) == (["member"], [str(office.payroll)])
    assert page.checked("members") == [str(office.acme.member_id(office.otto))]
    assert "Remove the group" in page.text


def test_change_that_takes_nothing_away_is_made_at_once(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    people = [acme.member_id(office.otto), acme.member_id(acme.member)]
    wanted = entered(office, name="Writers", level="admin", projects=[office.payroll, office.rota], members=people)
    answer = post(browser, office.address(f"groups/{office.readers}"), **wanted)
    assert (answer.status_code, answer.location) == (303, office.address("groups"))
    assert Page(browser.get(answer.location)).by_id("notices").text == "The access group Writers is changed."
    both = frozenset([office.payroll, office.rota])
    assert held(acme, office.readers) == Contents("Writers", Role.ADMIN, both, frozenset(people))
    entry = acme.entries()[-1]
    gained = sorted((entry.after or {})["impact"]["shifts"])
    assert (entry.event, len(gained), gained[-1]) == (
        "group.changed",
        4,
        [acme.member_id(office.otto), office.rota, None, "admin"],
    )


def test_change_that_takes_something_away_asks_first_and_carries_the_form_along(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    address, mina = office.address(f"groups/{office.readers}"), acme.member_id(acme.member)
    wanted = entered(office, name="New Readers", members=[mina], level="admin")
    before = acme.events()
    for headers in ({}, PANEL):
        with acme.unchanged():
            answer = post(browser, address, **wanted, headers=headers)
        page = Page(answer)
        assert (answer.status_code, page.by_id("page-title").text) == (422, "Change the access group Readers?")
        assert "1 person reaches less than before." in page.text
        assert "Otto Outside Payroll Member No access" in page.text
        assert "Mina Member Payroll Member Admin" in page.text
        assert "Confirm that this shall happen." not in page.text
    yes = page.answer()
    sent = {name: value for name, value in yes.items() if name not in ("seen", "confirm")}
    assert sent == {
        "name": ["New Readers"],
        "level": ["admin"],
        "projects": [str(office.payroll)],
        "members": [str(mina)],
    }
    make_project(acme, "Archive of 2019", office.red)
    with acme.unchanged():
        assert post(browser, address, **{**yes, "confirm": ""}).status_code == 422
    assert acme.events()[: len(before)] == before
    assert post(browser, address, **yes).status_code == 303
    wanted_now = Contents("New Readers", Role.ADMIN, frozenset([office.payroll]), frozenset([mina]))
    assert held(acme, office.readers) == wanted_now


def test_answer_to_an_older_state_changes_nothing_and_says_what_happens_now(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.owner)
    address, mina = office.address(f"groups/{office.readers}"), acme.member_id(acme.member)
    earlier = Page(post(browser, address, **entered(office, members=[mina]))).answer()
    removal = Page(browser.get(f"{address}/remove")).answer()
    higher = replace(held(acme, office.readers), level=Role.ADMIN)
    acme.act(acme.owner, lambda actor, here: access_groups.change(actor, here, group(office.readers), higher))
    for path, yes in ((address, earlier), (f"{address}/remove", removal)):
        with acme.unchanged():
            answer = post(browser, path, **yes)
        page = Page(answer)
        assert answer.status_code == 409
        assert "Something changed in the meantime, so nothing was done." in page.text
        assert "Otto Outside Payroll Admin No access" in page.text
    assert post(browser, f"{address}/remove", **page.answer()).status_code == 303


def test_form_opened_before_somebody_else_changed_the_group_is_kept_and_stores_nothing(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.owner)
    address, mina = office.address(f"groups/{office.readers}"), acme.member_id(acme.member)
    opened = Page(browser.get(address)).named("shown")[0].attributes["value"]
    found = Page(post(browser, address, **entered(office, members=[mina]), shown=opened, find="1", q="adam"))
    assert found.named("shown")[0].attributes["value"] == opened, "looking for people is no reading of what is there"
    more = replace(held(acme, office.readers), projects=frozenset({office.payroll, office.rota}))
    acme.act(acme.owner, lambda actor, here: access_groups.change(actor, here, group(office.readers), more))
    wanted = entered(office, members=[mina])
    with acme.unchanged():
        answer = post(browser, address, **wanted, shown=opened)
    page = Page(answer)
    assert (answer.status_code, page.checked("members")) == (409, [str(mina)])
    assert "Somebody changed this after you had opened the form, so nothing was stored." in page.text
    yes = {"shown": page.named("shown")[0].attributes["value"], "confirm": "1"}
    assert post(browser, address, **wanted, **yes).status_code == 303
    assert held(acme, office.readers).members == {mina}


def test_group_is_removed_once_it_is_said_who_loses_what(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    address = office.address(f"groups/{office.readers}/remove")
    with acme.unchanged():
        asked, unanswered = Page(browser.get(address)), post(browser, address)
    assert unanswered.status_code == 422
    for page in (asked, Page(unanswered)):
        assert page.by_id("page-title").text == "Remove the access group Readers?"
        assert "Otto Outside Payroll Member No access" in page.text
    answer = post(browser, address, **asked.answer(), headers=PANEL)
    assert (answer.status_code, answer.location) == (303, office.address("groups"))
    assert "You have not created any access groups yet" in Page(browser.get(answer.location)).text
    entry = acme.entries()[-1]
    lost = [acme.member_id(office.otto), office.payroll, "member", None]
    assert (entry.event, (entry.after or {})["impact"]["shifts"]) == ("group.removed", [lost])


def test_D04_group_above_an_admin_is_shown_to_them_and_changed_by_others(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    number = make_group(acme, office.red, "Masters", Role.MANAGER, ([office.payroll], [office.otto]))
    page = Page(browser.get(office.address(f"groups/{number}")))
    assert page.checked("level") == ["manager"]
    for level, field, sentence in (("manager", "level-error", "Not a valid choice."), ("member", "", "above your own")):
        with acme.unchanged():
            wanted = entered(office, name="Masters", level=level)
            page = Page(answer := post(browser, office.address(f"groups/{number}"), **wanted))
        assert answer.status_code == 422
        assert sentence in (page.by_id(field).text if field else page.text)
    manager = acme.browser(acme.manager)
    answer = post(manager, office.address(f"groups/{number}"), **entered(office, name="Masters", level="owner"))
    assert answer.status_code == 422
    asked = post(manager, office.address(f"groups/{number}"), **entered(office, name="Masters"))
    assert post(manager, office.address(f"groups/{number}"), **Page(asked).answer()).status_code == 303
    assert held(acme, number).level is Role.MEMBER


def test_group_that_a_source_fills_is_read_and_refused_to_everybody(office: Office, directory: None) -> None:
    acme = office.acme
    manage(office)
    sentence = "Readers is filled by directory, so nobody changes it here. Nothing was changed."
    for person in (acme.admin, acme.owner):
        browser, address = acme.browser(person), office.address(f"groups/{office.readers}")
        assert "Readers Filled by directory" in Page(browser.get(office.address("groups"))).text
        page = Page(browser.get(address))
        assert "directory fills this group, so people only read it." in page.text
        assert "Level Member Projects Payroll Members Otto Outside" in page.by_id("panel").text
        assert (page.named("name"), page.named("members")) == ([], [])
        assert "Remove the group" not in page.text
        with acme.unchanged():
            answers = [
                post(browser, address, **entered(office, name="Mine")),
                post(browser, address, **entered(office, members=[], confirm="1")),
                post(browser, f"{address}/remove", confirm="1"),
                browser.get(f"{address}/remove"),
            ]
            unreadable = post(browser, address, projects="x", members="x", find="1")
        assert [answer.status_code for answer in answers] == [409] * 4
        assert all(sentence in Page(answer).text for answer in answers)
        assert unreadable.status_code == 200


def test_group_whose_source_is_gone_is_only_read_and_can_be_removed(office: Office) -> None:
    acme, address = office.acme, office.address(f"groups/{office.readers}")
    manage(office)
    browser = acme.browser(acme.admin)
    page = Page(browser.get(address))
    assert "directory filled this group and is not installed any more, so nothing changes what it holds." in page.text
    assert (page.named("name"), "Remove the group" in page.text) == ([], True)
    assert "Remove the group" not in Page(acme.browser(acme.member).get(address)).text
    with acme.unchanged():
        assert post(browser, address, **entered(office, name="Mine")).status_code == 409
        asked = Page(browser.get(f"{address}/remove"))
    assert "Otto Outside Payroll Member No access" in asked.text
    assert post(browser, f"{address}/remove", **asked.answer()).status_code == 303
    assert browser.get(address).status_code == 404


def test_project_that_left_the_team_is_in_none_of_its_groups(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.owner)

    moved = [office.blue]
    acme.act(
        acme.owner,
        lambda actor, here: projects.set_teams(actor, here, project(office.payroll), [team(one) for one in moved]),
    )
    page = Page(browser.get(office.address(f"groups/{office.readers}")))
    assert (page.checked("projects"), [box.attributes["value"] for box in page.named("projects")]) == (
        [],
        [str(office.rota)],
    )
    with acme.unchanged():
        stale = Page(post(browser, office.address(f"groups/{office.readers}"), **entered(office)))
    assert stale.by_id("projects-error").text.startswith("Something you chose is not there any more")
