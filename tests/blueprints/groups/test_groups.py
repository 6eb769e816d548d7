"""Access groups of a team: the list, making one, and whatever is wrong with a form said beside the field it is in."""

from collections.abc import Callable
from typing import Any

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.teams import Office, group, make_group, make_team, project
from tests.support.worlds import post
from webapp.models import Role
from webapp.services import access_groups, projects
from webapp.services.access_groups import Contents

NOTHING_HELD = "An access group holds at least one project and one member. Choose some."
NOT_THERE = "Something you chose is not there any more, or not in this team. Choose again."
UNREADABLE = "Invalid choice(s): one or more data inputs could not be coerced."

# By what is wrong: what differs from a good form, the field it is said beside, and the sentence.
Bad = tuple[Callable[[Office], object], str, str]
BAD: dict[str, Bad] = {
    "no name": (lambda _: {"name": " "}, "name", "Enter a name."),
    "name too long": (lambda _: {"name": "x" * 201}, "name", "A name has at most 200 characters."),
    "name taken": (
        lambda _: {"name": "READERS"},
        "name",
        "The team already has an access group called READERS. Choose another name.",
    ),
    "no project": (lambda _: {"projects": []}, "projects", NOTHING_HELD),
    "nobody": (lambda _: {"members": []}, "members", NOTHING_HELD),
    "project of another team": (lambda office: {"projects": [office.payroll, office.ledger]}, "projects", NOT_THERE),
    "project that is gone": (lambda office: {"projects": [office.payroll, 999_999]}, "projects", NOT_THERE),
    "person who is gone": (lambda office: {"members": [mina(office), 999_999]}, "members", NOT_THERE),
    "person of another organization": (
        lambda office: {"members": [mina(office), ursula(office)]},
        "members",
        NOT_THERE,
    ),
    "projects that are no numbers": (lambda _: {"projects": ["x"]}, "projects", UNREADABLE),
    "level above one's own": (lambda _: {"level": "manager"}, "level", "Not a valid choice."),
    "level there is not": (lambda _: {"level": "40"}, "level", "Not a valid choice."),
}


def mina(office: Office) -> int:
    return office.acme.member_id(office.acme.member)


def ursula(office: Office) -> int:
    [foreign] = crowds.join(office.acme, [("Ursula Umbra", "ursula@example.org")], office.acme.other_slug)
    return foreign


def form(office: Office, **values: Any) -> dict[str, Any]:
    return {"name": "Writers", "level": "admin", "projects": [office.payroll], "members": [mina(office)], **values}


def held(acme: Acme, number: int) -> Contents:
    found: Contents = acme.world.read(lambda: access_groups.contents_of(group(number)))
    return found


def test_team_without_groups_says_what_they_are_for_and_offers_one_to_those_who_may(acme: Acme) -> None:
    make_team(acme, "Red", acme.member)
    for viewer, may in ((acme.member, False), (acme.owner, True)):
        page = Page(acme.browser(viewer).get(acme.address("teams/red/groups")))
        assert "You have not created any access groups yet" in page.text
        assert "one level on some of its projects." in page.text
        assert ("New access group" in page.text) is may


def test_group_is_made_as_entered_and_stands_in_the_list(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    offered = Page(browser.get(office.address("groups/new")))
    assert [card.attributes["value"] for card in offered.named("level")] == ["member", "admin"]
    assert offered.checked("level") == ["member"]
    assert [box.attributes["value"] for box in offered.named("projects")] == [str(office.payroll), str(office.rota)]
    otto = acme.member_id(office.otto)
    answer = post(browser, office.address("groups/new"), **form(office, members=[mina(office), otto]), headers=PANEL)
    assert (answer.status_code, answer.location) == (303, office.address("groups"))
    page = Page(browser.get(answer.location))
    [readers, made] = page.rows("group")
    assert page.by_id("notices").text == "The access group Writers is ready."
    assert [page.by_id(f"group-{n}").text for n in (readers, made)] == ["Readers Member 1 1", "Writers Admin 2 1"]
    wanted = Contents("Writers", Role.ADMIN, frozenset([office.payroll]), frozenset([mina(office), otto]))
    assert held(acme, made) == wanted
    assert acme.events()[-1] == "group.created"


def test_whatever_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    writers = make_group(acme, office.red, "Planners", Role.ADMIN, ([office.payroll], [acme.member]))
    before = acme.events()
    for wrong, (differs, field, sentence) in BAD.items():
        entered = form(office, **differs(office))  # type: ignore[arg-type]  # each is a function of the office
        for path in ("groups/new", f"groups/{writers}"):
            with acme.unchanged():
                answer = post(browser, office.address(path), **entered, headers=PANEL)
            page = Page(answer)
            assert (answer.status_code, page.by_id(f"{field}-error").text) == (422, sentence), wrong
            assert f"#{field}" in [e.attributes.get("href") for e in page.elements], wrong
            assert page.by_id("name").attributes["value"] == str(entered["name"]).strip(), wrong
            assert page.checked("level") == ([entered["level"]] if field != "level" else []), wrong
            if field != "projects":
                assert page.checked("projects") == [str(office.payroll)], wrong
            if field != "members":
                assert page.checked("members") == [str(mina(office))], wrong
            assert "Ursula" not in page.text
    assert acme.events() == before


def test_choices_that_are_still_there_stay_chosen_beside_those_that_are_not(office: Office) -> None:
    browser = office.acme.browser(office.acme.admin)
    wrong = form(office, members=[mina(office), ursula(office)], projects=[office.payroll, office.ledger])
    page = Page(post(browser, office.address("groups/new"), **wrong))
    assert (page.checked("projects"), page.checked("members")) == ([str(office.payroll)], [str(mina(office))])


def test_group_or_project_that_somebody_removed_meanwhile_is_said(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    numbers = [office.readers, make_group(acme, office.red, "Planners", Role.ADMIN, ([office.rota], [acme.member]))]
    acme.act(acme.owner, lambda a, here: access_groups.delete_all(a, here, [group(number) for number in numbers]))
    for number in numbers:
        with acme.unchanged():
            for path, method in (("", "post"), ("", "get"), ("/remove", "post"), ("/remove", "get")):
                address = office.address(f"groups/{number}{path}")
                sent = post(browser, address, **form(office), confirm="1") if method == "post" else browser.get(address)
                assert sent.status_code == 404
                assert "There is nothing here, or nothing you may see." in Page(sent).text
    acme.act(acme.owner, lambda a, here: projects.remove(a, here, project(office.payroll)))
    with acme.unchanged():
        page = Page(post(browser, office.address("groups/new"), **form(office)))
    assert page.by_id("projects-error").text == NOT_THERE


def test_people_are_found_for_a_group_and_nothing_is_stored_or_lost_meanwhile(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    ursula(office)
    entered = form(office, name="W", projects=[office.rota], q="o", find="1")
    before = acme.events()
    with acme.unchanged():
        for path in ("groups/new", f"groups/{office.readers}"):
            for headers in ({}, PANEL):
                answer = post(browser, office.address(path), **entered, headers=headers)
                page = Page(answer)
                found = sorted(acme.member_id(person) for person in (acme.owner, office.otto))
                boxes = [int(box.attributes["value"]) for box in page.named("members")]
                assert (answer.status_code, boxes[0], sorted(boxes[1:])) == (200, mina(office), found)
                assert (page.by_id("name").attributes["value"], page.checked("level")) == ("W", ["admin"])
                assert page.checked("projects") == [str(office.rota)]
                assert page.checked("members") == [str(mina(office))]
                assert "problem-summary" not in answer.get_data(as_text=True)
    assert acme.events() == before


def test_E07_name_of_a_group_with_markup_is_text_everywhere(office: Office) -> None:
    name = '"><img src=x onerror=alert(1)>'
    acme, browser = office.acme, office.acme.browser(office.acme.owner)
    number = make_group(acme, office.red, name, Role.ADMIN, ([office.payroll], [acme.member]))
    for path in ("groups", f"groups/{number}", f"groups/{number}/remove"):
        page = Page(browser.get(office.address(path)))
        assert not [element for element in page.elements if element.attributes.get("src") == "x"]
    assert name in page.by_id("page-title").text
