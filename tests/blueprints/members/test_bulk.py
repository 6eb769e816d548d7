"""Changing many members at once: who is left out is named, who loses what is said first, and it is all or nothing."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.entries import refuse_entries_about
from tests.support.pages import Page
from tests.support.plugins import Keeper, installed
from tests.support.statements import queries
from tests.support.teams import make_project, make_team, make_teams, memberships
from tests.support.worlds import Person, World, csrf_token, post
from webapp.access.actor import Actor
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import LastOwner
from webapp.models import Member, MemberStatus, Role, TeamMember
from webapp.queries.page import PAGE_ROWS
from webapp.services import members, removals
from webapp.services.bulk import MOST_AT_ONCE
from webapp.services.memberships import MOST_CHANGED


def ids_of(acme: Acme, *people: Person) -> list[int]:
    return [acme.member_id(person) for person in people]


def ask(acme: Acme, query: str, person: Person | None = None) -> TestResponse:
    return acme.browser(person or acme.owner).get(acme.address(f"members/bulk?{query}"))


def act(acme: Acme, action: str, ids: Sequence[int], person: Person | None = None, **fields: object) -> TestResponse:
    given: dict[str, Any] = {"action": action, "ids": [str(number) for number in ids], **fields}
    return post(acme.browser(person or acme.owner), acme.address("members/bulk"), **given)


def seen_on(answer: TestResponse) -> str:
    [field] = [e for e in Page(answer).elements if e.attributes.get("name") == "seen"]
    return str(field.attributes["value"])


def teams_of(acme: Acme, person: Person) -> set[int]:
    found = select(TeamMember.team_id).where(TeamMember.member_id == acme.member_id(person))
    return set(acme.world.read(lambda: db.session.scalars(found).all()))


@pytest.fixture
def red(acme: Acme) -> int:
    """A team whose project the member and the admin reach through nothing else."""
    for person in (acme.member, acme.admin):
        acme.change(person, has_global_access=False)
    team = make_team(acme, "Red", acme.member, acme.admin)
    make_project(acme, "Payroll", team)
    return team


def test_preview_names_who_is_left_out_and_who_loses_what_and_changes_nothing(acme: Acme, red: int) -> None:
    ids = ids_of(acme, acme.member, acme.admin, acme.owner, acme.suspended)
    with acme.unchanged():
        answer = ask(acme, "action=suspend&" + "&".join(f"ids={number}" for number in ids))
    assert answer.status_code == 200
    text = Page(answer).text
    assert "Suspend 2 members?" in text
    assert "Olive Owner is left out. Nobody changes their own membership." in text
    assert "Sam Suspended is left out. Nothing changes for them." in text
    assert "2 people reach less than before." in text
    assert acme.events()[-1] == "project.created"


def crowd_of_a_page(acme: Acme) -> list[int]:
    return crowds.join(acme, [(f"Crowd {number}", f"crowd{number}@example.org") for number in range(PAGE_ROWS)])


def cancelled(acme: Acme, question: Page) -> Page:
    """Follow Cancel of a question, or of the page that asks what shall be changed to what."""
    [back] = [element for element in question.elements if (element.tag, element.text) == ("a", "Cancel")]
    return Page(acme.browser(acme.owner).get(back.attributes["href"]))


@pytest.mark.parametrize("action", ["suspend", "role", "role&to_role=admin"])
def test_cancel_leads_back_to_the_list_as_it_was_with_the_same_people_ticked(acme: Acme, action: str) -> None:
    ids = ids_of(acme, acme.member, acme.admin)
    chosen = "&".join(f"ids={number}" for number in ids)
    shown = cancelled(acme, Page(ask(acme, f"action={action}&q=m&role=member&sort=joined&{chosen}")))
    assert shown.rows("member") == ids[:1]
    assert shown.checked("ids") == [str(ids[0])]
    bulk = {name: shown.named(name)[-1].attributes["value"] for name in ("q", "role", "sort")}
    assert bulk == {"q": "m", "role": "member", "sort": "joined"}
    selected = [
        one.attributes["value"] for one in shown.elements if one.tag == "option" and "selected" in one.attributes
    ]
    assert action.partition("&")[0] in selected, "what was to be done with them"


def test_cancel_leads_to_the_list_alone_where_too_many_are_chosen_for_an_address(acme: Acme) -> None:
    ids = "&".join(f"ids={number}" for number in [*ids_of(acme, acme.member), *range(10**6, 10**6 + 400)])
    assert cancelled(acme, Page(ask(acme, f"action=role&{ids}"))).checked("ids") == []


def test_cancel_leads_back_to_the_same_page_of_the_list(acme: Acme) -> None:
    crowd_of_a_page(acme)
    listed = acme.address("members?sort=name")
    second = acme.browser(acme.owner).get(Page(acme.browser(acme.owner).get(listed)).link("page-next") or "")
    shown = Page(second)
    [number, *_others] = shown.rows("member")
    query = "&".join(f"{field}={shown.named(field)[-1].attributes['value']}" for field in ("sort", "after"))
    again = cancelled(acme, Page(ask(acme, f"action=suspend&{query}&ids={number}")))
    assert (again.rows("member"), again.checked("ids")) == (shown.rows("member"), [str(number)])


@pytest.mark.parametrize("action", ["suspend", "role"])
def test_cancel_leads_back_to_everybody_where_all_on_the_list_were_chosen(acme: Acme, action: str) -> None:
    crowd_of_a_page(acme)
    shown = cancelled(acme, Page(ask(acme, f"action={action}&status=active&all=1")))
    assert shown.named("status")[-1].attributes["value"] == "active"
    assert (shown.checked("all"), shown.checked("ids")) == (["1"], [])


def test_question_that_is_asked_again_still_leads_back_to_the_list(acme: Acme) -> None:
    [first, *_others] = crowd_of_a_page(acme)
    for chosen, ticked in ((f"ids={first}", "ids"), ("all=1", "all")):
        asked = Page(ask(acme, f"action=suspend&role=member&{chosen}")).answer()
        again = post(acme.browser(acme.owner), acme.address("members/bulk"), **asked | {"seen": ["something else"]})
        assert again.status_code == 409
        shown = cancelled(acme, Page(again))
        assert shown.named("role")[-1].attributes["value"] == "member"
        assert len(shown.checked(ticked)) == 1
        assert not shown.checked({"ids": "all", "all": "ids"}[ticked])


def test_all_of_them_are_changed_and_told_and_the_impact_is_kept_once(acme: Acme, red: int) -> None:
    ids = ids_of(acme, acme.member, acme.admin)
    answer = act(acme, "suspend", ids, confirm="1")
    assert answer.status_code == 303
    assert acme.events()[-2:] == ["member.suspended"] * 2
    first, second = acme.entries()[-2:]
    assert first.after is not None
    assert first.after["impact"]["people"] == 2
    assert "impact" not in (second.after or {})
    assert len(acme.world.letters("suspended")) == 2
    assert act(acme, "restore", ids, confirm="1").status_code == 303
    assert acme.events()[-2:] == ["member.restored"] * 2


def test_who_would_join_or_leave_a_team_that_a_plug_in_keeps_is_left_out_by_its_name(acme: Acme, red: int) -> None:
    blue = make_team(acme, "Blue", acme.member)
    ids = ids_of(acme, acme.member, acme.admin, acme.suspended)
    given: dict[str, Any] = {"has_global_access": "0", "confirm": "1"}
    with installed(keeper=Keeper(Scope.TEAM_WRITE, "red")):
        asked = Page(ask(acme, f"action=teams&has_global_access=0&teams={red}&" + "&".join(f"ids={n}" for n in ids)))
        assert "Change the teams of 2 members?" in asked.text
        assert "Sam Suspended is left out. You may not change who belongs to Red." in asked.text
        assert act(acme, "teams", ids, teams=[red], **given).status_code == 303
        assert teams_of(acme, acme.member) == teams_of(acme, acme.admin) == {red}
        with acme.unchanged():
            answer = act(acme, "teams", ids[:2], teams=[blue], **given)
        text = Page(answer).text
        assert answer.status_code == 422
        for name in ("Mina Member", "Adam Admin"):
            assert f"{name} is left out. You may not change who belongs to Red." in text
    assert act(acme, "teams", ids[:2], teams=[blue], **given).status_code == 303
    assert (teams_of(acme, acme.member), teams_of(acme, acme.suspended)) == ({blue}, set())


def test_world_that_moved_is_shown_again_and_nothing_is_done(acme: Acme, red: int) -> None:
    ids = ids_of(acme, acme.member, acme.admin)
    seen = seen_on(ask(acme, "action=remove&" + "&".join(f"ids={number}" for number in ids)))
    make_project(acme, "Rota", red)
    with acme.unchanged():
        answer = act(acme, "remove", ids, confirm="1", seen=seen)
    assert answer.status_code == 409
    assert "Something changed in the meantime" in Page(answer).text
    assert "Rota" in Page(answer).text
    assert act(acme, "remove", ids, confirm="1", seen=seen_on(answer)).status_code == 303
    assert acme.events()[-2:] == ["member.removed"] * 2


def test_yes_to_one_action_is_none_to_another(acme: Acme) -> None:
    ids = ids_of(acme, acme.member, acme.admin)
    seen = seen_on(ask(acme, "action=suspend&" + "&".join(f"ids={number}" for number in ids)))
    with acme.unchanged():
        assert act(acme, "remove", ids, confirm="1", seen=seen).status_code == 409
    assert act(acme, "suspend", ids, confirm="1", seen=seen).status_code == 303


def test_role_and_teams_are_asked_for_first(acme: Acme, red: int) -> None:
    member = acme.member_id(acme.member)
    assert "Change several members" in Page(ask(acme, f"action=role&ids={member}")).text
    assert act(acme, "role", [member], to_role="admin", confirm="1").status_code == 303
    assert acme.world.roles(acme.slug)["Mina Member"] == "admin"
    assert act(acme, "teams", [member], has_global_access="1", teams=[], confirm="1").status_code == 303
    assert acme.world.read(lambda: db.session.get_one(Member, member).has_global_access) is True
    assert acme.events()[-2:] == ["member.access_changed", "team.member_removed"]


def test_teams_are_asked_for_with_none_ticked_and_it_says_what_that_means(acme: Acme, red: int) -> None:
    page = Page(ask(acme, f"action=teams&ids={acme.member_id(acme.member)}"))
    assert ([box.attributes["value"] for box in page.named("teams")], page.checked("teams")) == ([str(red)], [])
    assert "They join the teams you tick, and keep those they have." in page.text
    assert (page.checked("how"), page.checked("has_global_access")) == (["add"], ["as-it-is"])


def change_teams(acme: Acme, how: str, *people: Person, **fields: Any) -> TestResponse:
    given: dict[str, Any] = {"has_global_access": "as-it-is", "how": how, "confirm": "1", **fields}
    return act(acme, "teams", ids_of(acme, *people), **given)


def test_teams_are_added_to_those_they_have_or_taken_away_from_them(acme: Acme, red: int) -> None:
    blue = make_team(acme, "Blue", acme.admin)
    assert change_teams(acme, "add", acme.member, acme.admin, teams=[blue]).status_code == 303
    assert teams_of(acme, acme.member) == teams_of(acme, acme.admin) == {red, blue}
    assert acme.events()[-1:] == ["team.member_added"]
    assert change_teams(acme, "take", acme.member, acme.admin, teams=[red]).status_code == 303
    assert teams_of(acme, acme.member) == teams_of(acme, acme.admin) == {blue}
    assert acme.world.read(lambda: db.session.get_one(Member, acme.member_id(acme.member)).has_global_access) is False


def test_preview_of_teams_taken_away_names_them_and_who_has_none_of_them(acme: Acme, red: int) -> None:
    with acme.unchanged():
        said = Page(change_teams(acme, "take", acme.member, acme.manager, teams=[red], confirm="")).text
    assert "They leave these teams, and keep the others: Red." in said
    assert "Mona Manager is left out. Nothing changes for them." in said
    assert "1 person reaches less than before." in said


def test_preview_of_teams_added_takes_nothing_away(acme: Acme, red: int) -> None:
    blue = make_team(acme, "Blue")
    with acme.unchanged():
        said = Page(change_teams(acme, "add", acme.member, teams=[blue], confirm="")).text
    assert "They join these teams, and keep those they have: Blue." in said
    assert "Nobody gains or loses access to a project." in said


@pytest.mark.parametrize("given", [{"how": "rob"}, {"has_global_access": "2"}, {"teams": []}])
def test_wish_that_is_none_changes_nothing(acme: Acme, red: int, given: dict[str, Any]) -> None:
    with acme.unchanged():
        wish = {"has_global_access": "as-it-is", "how": "add", "teams": [red], "confirm": "1", **given}
        assert act(acme, "teams", ids_of(acme, acme.member), **wish).status_code == 422


def test_missing_confirmation_and_unknown_actions_do_nothing(acme: Acme) -> None:
    member = acme.member_id(acme.member)
    with acme.unchanged():
        assert act(acme, "suspend", [member]).status_code == 422
        assert act(acme, "crown", [member], confirm="1").status_code == 404
        assert act(acme, "suspend", [], confirm="1").status_code == 422
        assert act(acme, "role", [member], to_role="emperor", confirm="1").status_code == 422


def test_D03_nobody_of_another_organization_and_nobody_above_is_changed(acme: Acme, world: World) -> None:
    stranger = world.read(lambda: db.session.query(Member).filter_by(user_id=acme.stranger.user_id).one().id)
    with acme.unchanged():
        assert act(acme, "suspend", [stranger], confirm="1").status_code == 422
        above = act(acme, "suspend", ids_of(acme, acme.owner), person=acme.manager, confirm="1")
    assert "Olive Owner is left out." in Page(above).text
    with acme.unchanged():
        given = act(acme, "role", ids_of(acme, acme.member), person=acme.manager, to_role="owner", confirm="1")
    assert given.status_code == 422, "a role above one's own is none of the choices"


def test_all_on_a_list_is_all_of_its_pages_and_at_most_a_thousand(acme: Acme) -> None:
    crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(60)])
    assert "Suspend 60 members?" in Page(ask(acme, "action=suspend&all=1&q=person")).text
    crowds.join(acme, [(f"Guest {n}", f"g{n}@example.net") for n in range(MOST_AT_ONCE)])
    answer = ask(acme, "action=suspend&all=1")
    assert answer.status_code == 422
    assert "At most 1,000 people can be changed at once." in Page(answer).text


def test_one_that_fails_takes_all_back(acme: Acme) -> None:
    ids = ids_of(acme, acme.admin, acme.member)
    acme.world.write(refuse_entries_about, ids[1])
    with acme.unchanged():
        assert act(acme, "suspend", ids, confirm="1").status_code >= 400
    assert acme.world.read(lambda: db.session.get_one(Member, ids[0]).status) is MemberStatus.ACTIVE


def test_nine_hundred_can_be_changed_by_one_form(acme: Acme) -> None:
    ids = crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(900)])
    page = Page(ask(acme, "action=suspend&all=1&q=person"))
    carried = [e.attributes["value"] for e in page.elements if e.attributes.get("name") == "ids"]
    assert sorted(map(int, carried)) == ids
    assert act(acme, "suspend", ids, confirm="1").status_code == 303
    assert acme.events()[-900:] == ["member.suspended"] * 900


@pytest.mark.parametrize("action", ["role", "teams", "suspend", "remove"])
def test_fifty_people_take_as_many_statements_as_five(acme: Acme, red: int, action: str) -> None:
    given = {"to_role": "admin", "has_global_access": "0", "teams": [red, make_team(acme, "Blue")], "confirm": "1"}
    ids = crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(55)])
    browser = acme.browser(acme.owner)
    numbers = []
    for people in (ids[:5], ids[5:]):
        token = csrf_token(browser)
        data = {"action": action, "ids": [str(number) for number in people], "csrf_token": token, **given}
        with queries(acme.world.app) as found:
            assert browser.post(acme.address("members/bulk"), data=data).status_code == 303
        numbers.append(len(found))
    assert numbers[0] == numbers[1]


def test_too_many_memberships_of_teams_are_refused_and_nobody_is_moved(acme: Acme, red: int) -> None:
    teams = [red, *make_teams(acme, [f"Team {n}" for n in range(MOST_CHANGED // 1_000)])]
    crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(MOST_AT_ONCE - 5)])
    given: dict[str, Any] = {"action": "teams", "all": "1", "has_global_access": "0", "teams": teams, "confirm": "1"}
    with acme.unchanged():
        answer = post(acme.browser(acme.owner), acme.address("members/bulk"), **given)
    assert answer.status_code == 422
    assert "at most 5,000 can be changed at once. Nothing was changed" in Page(answer).text


def test_last_owners_are_not_all_taken_at_once(acme: Acme) -> None:
    people = [acme.owner, acme.member]
    acme.change(acme.member, role=Role.OWNER)

    def end(verb: Callable[..., object]) -> None:
        def step() -> None:
            here = acme.organization()
            verb(Actor.system(), here, memberships(here, people))

        with acme.unchanged(), pytest.raises(LastOwner):
            acme.world.write(step)

    end(members.suspend_all)
    end(removals.remove_all)
    end(lambda actor, here, chosen: members.change_role_of_all(actor, here, chosen, Role.ADMIN))


def test_only_what_takes_something_away_is_asked_with_alarm(acme: Acme) -> None:
    raised = act(acme, "role", ids_of(acme, acme.member), to_role="admin")
    lowered = act(acme, "role", ids_of(acme, acme.admin), to_role="member")
    assert ["btn-danger" in answer.text for answer in (raised, lowered)] == [False, True]


def test_notice_says_what_was_done_and_leads_to_where_it_is_undone(acme: Acme) -> None:
    browser, address = acme.browser(acme.owner), acme.address("members/bulk")
    given: dict[str, Any] = {"action": "remove", "ids": ids_of(acme, acme.member)}
    seen = seen_on(post(browser, address, **given))
    done = post(browser, address, **given, confirm="1", seen=seen)
    page = Page(browser.get(done.location))
    assert "1 member was removed." in page.by_id("notices").text
    [link] = [element for element in page.elements if element.text == "See who can be put back"]
    assert link.attributes["href"] == acme.address("members/removed")
