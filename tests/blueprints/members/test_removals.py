"""Removing a member, the notice with Undo, the tab Removed, and leaving."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from werkzeug.test import TestResponse

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.offering import joined_with
from tests.support.pages import PANEL, RESULTS, Page
from tests.support.teams import Office, group, make_group
from tests.support.worlds import Person, post
from webapp.models import MemberStatus, Role
from webapp.services import access_groups
from webapp.services.access_groups import Contents
from webapp.services.invitation_limits import PER_ADDRESS_A_DAY


def remove(acme: Acme, actor: Person | None, number: int, **fields: Any) -> TestResponse:
    return post(acme.browser(actor), acme.address(f"members/{number}/remove"), **{"confirm": "1", **fields})


def undo(acme: Acme, actor: Person | None, number: int, **fields: Any) -> TestResponse:
    return post(acme.browser(actor), acme.address(f"members/{number}/undo-removal"), **fields)


@pytest.fixture
def mina(acme: Acme) -> int:
    """The id of the plain member's membership."""
    return acme.member_id(acme.member)


def test_removing_asks_first_naming_the_person_and_what_goes_with_them(acme: Acme) -> None:
    crowds.invite(acme, ["a@example.org", "b@example.org"], acme.admin)
    number = acme.member_id(acme.admin)
    with acme.unchanged():
        asked = acme.browser(acme.manager).get(acme.address(f"members/{number}/remove"))
        unanswered = remove(acme, acme.manager, number, confirm="")
    assert (asked.status_code, unanswered.status_code) == (200, 422)
    for answer in (asked, unanswered):
        assert "Remove Adam Admin?" in Page(answer).text
        assert "2 open invitations they sent are revoked" in Page(answer).text
    assert "Confirm that this shall happen." in Page(unanswered).text


@pytest.mark.parametrize("headers", [{}, PANEL], ids=["page", "htmx"])
def test_removing_leads_to_the_members_with_a_notice_that_undoes_it(
    acme: Acme, mina: int, headers: dict[str, str]
) -> None:
    browser = acme.browser(acme.manager)
    answer = post(browser, acme.address(f"members/{mina}/remove"), confirm="1", headers=headers)
    assert (answer.status_code, answer.location) == (303, acme.address("members"))
    first, second = (Page(browser.get(answer.location, headers=headers)) for _ in range(2))
    assert mina not in first.rows("member")
    assert first.by_id("notices").text == "Mina Member was removed. Undo"
    assert second.by_id("notices").text == ""
    [form] = [e for e in first.elements if e.attributes.get("action", "").endswith("/undo-removal")]
    assert form.attributes["method"] == "post"
    undone = post(browser, form.attributes["action"], headers=headers)
    assert (undone.status_code, undone.location) == (303, acme.address(f"members/{mina}"))
    assert Page(browser.get(undone.location)).by_id("notices").text == "Mina Member is a member again, as before."
    assert acme.member_id(acme.member) == mina


def test_removal_and_undo_are_audited_and_told(acme: Acme, mina: int) -> None:
    remove(acme, acme.manager, mina)
    undo(acme, acme.owner, mina)
    removed, undone = acme.entries()[-2:]
    assert (removed.event, removed.actor_name, removed.target_id) == ("member.removed", "Mona Manager", mina)
    assert (undone.event, undone.actor_name, undone.target_id) == ("member.removal_undone", "Olive Owner", mina)
    assert [letter.kind for letter in acme.world.letters()] == ["removed", "restored"]


def test_D10_open_session_of_the_removed_finds_nothing_with_its_next_request(acme: Acme, mina: int) -> None:
    theirs = acme.browser(acme.member)
    assert theirs.get(acme.address("members")).status_code == 200
    remove(acme, acme.manager, mina)
    for path in ("members", "members/pending", f"members/{mina}", "leave"):
        assert theirs.get(acme.address(path)).status_code == 404
    undo(acme, acme.manager, mina)
    assert theirs.get(acme.address("members")).status_code == 200


@pytest.mark.parametrize("outsider", ["stranger", "suspended"])
def test_D06_outsiders_find_nothing(acme: Acme, mina: int, outsider: str) -> None:
    person = getattr(acme, outsider)
    with acme.unchanged():
        assert remove(acme, person, mina).status_code == 404
    remove(acme, acme.owner, mina)
    before = acme.events()
    with acme.unchanged():
        assert undo(acme, person, mina).status_code == 404
        assert acme.browser(person).get(acme.address("members/removed")).status_code == 404
        assert post(acme.browser(person), acme.address("leave"), confirm="1").status_code == 404
    assert acme.events() == before


@pytest.mark.parametrize("actor", ["member", "admin"])
def test_member_without_the_right_is_refused_and_audited(acme: Acme, actor: str) -> None:
    person, number = getattr(acme, actor), acme.member_id(acme.manager)
    with acme.unchanged():
        answer = remove(acme, person, number)
        assert acme.browser(person).get(acme.address("members/removed")).status_code == 403
    assert (answer.status_code, acme.events()[-1]) == (403, "access.refused")
    remove(acme, acme.owner, number)
    with acme.unchanged():
        answer = undo(acme, person, number)
    assert (answer.status_code, acme.events()[-1]) == (403, "access.refused")
    assert "Your role does not allow this." in Page(answer).text


def test_D05_manager_removes_no_owner_and_nobody_themselves(acme: Acme) -> None:
    for person in (acme.owner, acme.suspended, acme.manager):
        with acme.unchanged():
            assert remove(acme, acme.manager, acme.member_id(person)).status_code == 403


def test_D04_manager_does_not_put_an_owner_back(acme: Acme) -> None:
    number = acme.member_id(acme.suspended)
    remove(acme, acme.owner, number)
    assert "Above your role" in Page(acme.browser(acme.manager).get(acme.address("members/removed"))).text
    with acme.unchanged():
        answer = undo(acme, acme.manager, number)
    assert (answer.status_code, acme.events()[-1]) == (403, "access.refused")


def test_D02_removed_member_of_another_organization_is_not_found(acme: Acme) -> None:
    [foreign] = crowds.join(acme, [("Ursula Umbra", "ursula@example.org")], acme.other_slug)
    with acme.unchanged():
        assert remove(acme, acme.owner, foreign).status_code == 404
    assert post(acme.browser(acme.stranger), f"/orgs/umbra/members/{foreign}/remove", confirm="1").status_code == 303
    with acme.unchanged():
        assert undo(acme, acme.owner, foreign).status_code == 404
    assert "Ursula" not in Page(acme.browser(acme.owner).get(acme.address("members/removed"))).text


def test_removing_or_undoing_twice_is_not_found_and_done_once(acme: Acme, mina: int) -> None:
    assert [remove(acme, acme.owner, mina).status_code for _ in range(2)] == [303, 404]
    assert [undo(acme, acme.owner, mina).status_code for _ in range(2)] == [303, 404]
    assert acme.events()[-2:] == ["member.removed", "member.removal_undone"]


def test_undo_says_why_it_is_too_late(acme: Acme, mina: int) -> None:
    remove(acme, acme.owner, mina)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=31), tick=False):
        browser = acme.world.browser(acme.owner)
        browser.get(acme.address("members"))
        with acme.unchanged():
            answer = post(browser, acme.address(f"members/{mina}/undo-removal"))
        listed = Page(browser.get(acme.address("members/removed")))
    assert answer.status_code == 409
    assert "Mina Member was removed more than 30 days ago." in Page(answer).text
    assert listed.rows("removed") == []


def test_undo_says_that_they_are_a_member_again(acme: Acme, mina: int) -> None:
    remove(acme, acme.owner, mina)
    acme.world.member(acme.slug, acme.member, Role.MEMBER)
    assert "A member again" in Page(acme.browser(acme.owner).get(acme.address("members/removed"))).text
    with acme.unchanged():
        answer = undo(acme, acme.owner, mina)
    assert answer.status_code == 409
    assert "Mina Member is a member again" in Page(answer).text


def test_undo_says_that_the_account_is_closed(acme: Acme, mina: int) -> None:
    remove(acme, acme.owner, mina)
    acme.deactivate(acme.member)
    with acme.unchanged():
        answer = undo(acme, acme.owner, mina)
    assert answer.status_code == 409
    assert "The account of Mina Member is closed" in Page(answer).text
    assert "Account closed" in Page(acme.browser(acme.owner).get(acme.address("members/removed"))).text


def test_tab_gives_the_reason_that_undoing_gives_where_there_are_two(acme: Acme) -> None:
    number = acme.member_id(acme.suspended)  # an owner
    remove(acme, acme.owner, number)
    acme.deactivate(acme.suspended)
    answer = undo(acme, acme.manager, number)
    assert "Their role is above yours" in Page(answer).text
    said = Page(acme.browser(acme.manager).get(acme.address("members/removed"))).by_id(f"removed-{number}").text
    assert ("Above your role" in said, "Account closed" in said) == (True, False)


def test_tab_says_who_as_what_when_by_whom_and_how_long_it_can_be_undone(acme: Acme, mina: int) -> None:
    acme.change(acme.member, status=MemberStatus.SUSPENDED)
    remove(acme, acme.owner, mina)
    post(acme.browser(acme.admin), acme.address("leave"), confirm="1")
    page = Page(acme.browser(acme.owner).get(acme.address("members/removed")))
    rows = page.rows("removed")
    assert (len(rows), rows[1]) == (2, mina)
    said = page.by_id(f"removed-{mina}").text
    for part in (
        "Mina Member",
        "mina@example.com",
        "Member",
        "Was suspended",
        "by Olive Owner",
        "30 days left",
        "Undo",
    ):
        assert part in said
    assert "Left on their own" in page.by_id(f"removed-{rows[0]}").text


def test_empty_tab_says_what_it_is_for(acme: Acme) -> None:
    page = Page(acme.browser(acme.manager).get(acme.address("members/removed")))
    assert "Nobody was removed lately" in page.text
    assert page.by_id("tab-removed").attributes["aria-current"] == "page"


def test_removed_members_come_fifty_at_a_time_the_newest_first(acme: Acme) -> None:
    numbers = crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(60)])
    browser = acme.browser(acme.owner)
    for number in numbers:
        post(browser, acme.address(f"members/{number}/remove"), confirm="1")
    first = Page(browser.get(acme.address("members/removed"), headers=PANEL))
    second = Page(browser.get(first.link("page-next") or "", headers=RESULTS))
    assert first.rows("removed") + second.rows("removed") == sorted(numbers, reverse=True)
    assert len(first.rows("removed")) == 50


@pytest.mark.parametrize("after", ["x", "W10", "WyJhIl0", "W3RydWVd", "é"])
def test_cursor_that_is_none_of_ours_is_not_found(acme: Acme, after: str) -> None:
    answer = acme.browser(acme.owner).get(acme.address("members/removed"), query_string={"after": after})
    assert answer.status_code == 404


def test_leaving_asks_first_then_leads_to_ones_organizations(acme: Acme) -> None:
    acme.world.invite(acme.slug, acme.admin, "bob@example.org")
    browser = acme.browser(acme.admin)
    with acme.unchanged():
        asked = browser.get(acme.address("leave"))
        unanswered = post(browser, acme.address("leave"))
    assert (asked.status_code, unanswered.status_code) == (200, 422)
    assert "Leave Acme?" in Page(asked).text
    assert "1 open invitation you sent is revoked." in Page(asked).text
    assert "For 30 days a manager can invite you again to what you had, and you decide." in Page(asked).text
    answer = post(browser, acme.address("leave"), confirm="1")
    assert (answer.status_code, answer.location) == (303, "/orgs/")
    assert "You have left Acme." in Page(browser.get("/orgs/")).by_id("notices").text
    assert browser.get(acme.address("members")).status_code == 404
    entry = [entry for entry in acme.entries() if entry.event.startswith("member.")][-1]
    assert (entry.event, entry.actor_name) == ("member.left", "Adam Admin")
    assert [letter.kind for letter in acme.world.letters()] == ["invitation"]


def test_leaving_says_first_what_one_loses_and_keeps_it_in_the_audit_log(office: Office) -> None:
    acme, address = office.acme, office.acme.address("leave")
    browser = acme.world.browser(office.otto)
    asked = Page(browser.get(address))
    assert "Otto Outside Payroll Member No access" in asked.text
    make_group(acme, office.red, "Writers", Role.ADMIN, ([office.rota], [office.otto]))
    with acme.unchanged():
        late = post(browser, address, **asked.answer())
    assert (late.status_code, "Otto Outside Rota Admin No access" in Page(late).text) == (409, True)
    number = acme.member_id(office.otto)
    assert post(browser, address, **Page(late).answer()).status_code == 303
    entry = [entry for entry in acme.entries() if entry.event == "member.left"][-1]
    lost = [[number, office.payroll, "member", None], [number, office.rota, "admin", None]]
    assert (entry.after or {})["impact"] == {"people": 1, "shifts": lost}


def test_last_owner_is_told_why_they_cannot_leave(acme: Acme) -> None:
    browser, before = acme.browser(acme.owner), acme.events()
    with acme.unchanged():
        answers = [browser.get(acme.address("leave")), post(browser, acme.address("leave"), confirm="1")]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert all("The last active owner must stay one." in Page(answer).text for answer in answers)
    assert acme.events() == before


def test_somebody_who_left_is_invited_again_and_decides(acme: Acme) -> None:
    number = acme.member_id(acme.admin)
    post(acme.browser(acme.admin), acme.address("leave"), confirm="1")
    browser = acme.browser(acme.manager)
    listed = Page(browser.get(acme.address("members/removed")))
    assert "Invite again Adam Admin" in listed.by_id(f"removed-{number}").text
    assert "Whoever left on their own is invited again to what they had, and decides." in listed.text
    assert "Invite again Adam Admin" in Page(browser.get(acme.address("audit"))).text
    answer = undo(acme, acme.manager, number)
    assert (answer.status_code, answer.location) == (303, acme.address("members/pending"))
    assert acme.browser(acme.admin).get(acme.address("members")).status_code == 404
    with acme.unchanged():
        again = undo(acme, acme.manager, number)
    assert (again.status_code, "There is another open invitation" in Page(again).text) == (409, True)
    [letter] = acme.world.letters("invitation")
    link = f"/invitations/{acme.world.token_of(letter)}"
    assert post(acme.browser(acme.admin), link, page="/account/", accept="1").status_code == 303
    assert acme.world.roles(acme.slug)["Adam Admin"] == "admin"
    assert "A member again" in Page(browser.get(acme.address("members/removed"))).by_id(f"removed-{number}").text


def test_somebody_who_left_and_whose_mailbox_had_enough_is_invited_tomorrow(acme: Acme) -> None:
    number, (name, _, domain) = acme.member_id(acme.admin), acme.admin.email.partition("@")
    post(acme.browser(acme.admin), acme.address("leave"), confirm="1")
    tagged = " ".join(f"{name}+{tag}@{domain}" for tag in range(PER_ADDRESS_A_DAY))
    fields = {"emails": tagged, "role": "member", "lifetime_days": "7"}
    post(acme.browser(acme.manager), acme.address("members/new"), **fields)
    with acme.unchanged():
        answer = undo(acme, acme.manager, number)
    assert answer.status_code == 429
    assert f"{acme.admin.email} had enough letters for today." in Page(answer).text


def test_removal_by_somebody_above_is_not_undone(acme: Acme, mina: int) -> None:
    remove(acme, acme.owner, mina)
    browser = acme.browser(acme.manager)
    assert "Above your role" in Page(browser.get(acme.address("members/removed"))).by_id(f"removed-{mina}").text
    assert "undo-removal" not in browser.get(acme.address("audit")).get_data(as_text=True)
    with acme.unchanged():
        answer = undo(acme, acme.manager, mina)
    assert (answer.status_code, acme.events()[-1]) == (403, "access.refused")
    assert "Somebody whose role is above yours removed Mina Member" in Page(answer).text
    assert undo(acme, acme.owner, mina).status_code == 303


def test_undo_says_what_whoever_does_it_may_not_give(acme: Acme, office: Office) -> None:
    number = acme.member_id(office.otto)
    remove(acme, acme.manager, number)
    raised = Contents("Readers", Role.OWNER, frozenset({office.payroll}), frozenset({acme.member_id(acme.owner)}))
    acme.act(acme.owner, lambda actor, here: access_groups.change(actor, here, group(office.readers), raised))
    browser = acme.browser(acme.manager)
    answer = post(browser, acme.address(f"members/{number}/undo-removal"))
    said = Page(browser.get(answer.location)).by_id("notices").text
    assert said == "Otto Outside is a member again. You may not give: Readers."
    assert joined_with(acme, office.otto).groups == []
    assert (acme.entries()[-1].after or {})["left_out"] == ["Readers"]


@pytest.mark.parametrize("path", ["remove", "undo-removal"])
def test_E06_changes_need_their_csrf_token(acme: Acme, mina: int, path: str) -> None:
    if path == "undo-removal":
        remove(acme, acme.owner, mina)
    with acme.unchanged():
        address = acme.address(f"members/{mina}/{path}")
        assert acme.browser(acme.owner).post(address, data={"confirm": "1"}, headers=PANEL).status_code == 403
        assert acme.browser(acme.admin).post(acme.address("leave"), data={"confirm": "1"}).status_code == 403


def test_E07_E08_name_with_markup_is_text_in_the_notice_and_in_no_header(acme: Acme) -> None:
    name = '"><img src=x onerror=alert(1)>'
    person = acme.world.person(name, "markup@example.org")
    number = acme.world.member(acme.slug, person, Role.MEMBER)
    browser = acme.browser(acme.owner)
    answer = post(browser, acme.address(f"members/{number}/remove"), confirm="1", headers=PANEL)
    assert not [header for header, _ in answer.headers if header.startswith("HX-")]
    page = Page(browser.get(answer.location, headers=PANEL))
    assert page.by_id("notices").text == f"{name} was removed. Undo"
    assert not [element for element in page.elements if element.tag == "img"]
