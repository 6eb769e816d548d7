"""A member's own page: what it says, changing the role, suspending and restoring."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.worlds import Person, post
from webapp.models import MemberStatus, Role
from webapp.services import sessions

CHANGES: dict[str, dict[str, str]] = {"": {"role": "admin"}, "/suspend": {"confirm": "1"}, "/restore": {}}
CHANGED = {"": "member.role_changed", "/suspend": "member.suspended", "/restore": "member.restored"}
TOLD = {"": "role_changed", "/suspend": "suspended", "/restore": "restored"}


def address(acme: Acme, person: Person, path: str = "") -> str:
    return acme.address(f"members/{acme.member_id(person)}{path}")


def page_of(acme: Acme, viewer: Person, person: Person) -> Page:
    answer = acme.browser(viewer).get(address(acme, person))
    assert answer.status_code == 200
    return Page(answer)


def change(acme: Acme, actor: Person | None, person: Person, path: str, **fields: Any) -> TestResponse:
    return post(acme.browser(actor), address(acme, person, path), **{**CHANGES[path], **fields})


def prepare(acme: Acme, path: str) -> None:
    if path == "/restore":
        acme.change(acme.member, status=MemberStatus.SUSPENDED)


def test_page_says_who_they_are_and_what_their_membership_is(acme: Acme) -> None:
    page = page_of(acme, acme.owner, acme.admin)
    assert page.by_id("page-title").text == "Adam Admin"
    for said in ("adam@example.com", "Verified", "Admin", "Active", "just now"):
        assert said in page.by_id("panel").text


def test_history_is_of_this_member_alone_the_newest_first_and_ends_at_twenty(acme: Acme) -> None:
    for number in range(12):
        post(acme.browser(acme.owner), address(acme, acme.admin), role="manager" if number % 2 else "member")
        post(acme.browser(acme.owner), address(acme, acme.admin), role="admin")
    rows = page_of(acme, acme.manager, acme.admin).rows("entry")
    assert (len(rows), rows) == (20, sorted(rows, reverse=True))
    assert "Mina Member" not in page_of(acme, acme.manager, acme.admin).by_id("history-title").text


def test_D14_history_is_shown_to_those_who_may_read_the_audit_log_only(acme: Acme) -> None:
    for viewer, may in ((acme.member, False), (acme.admin, False), (acme.manager, True), (acme.owner, True)):
        assert ("history-title" in page_of(acme, viewer, acme.member).ids) is may


def test_members_are_offered_only_what_they_may_do(acme: Acme) -> None:
    for viewer in (acme.member, acme.admin):
        page = page_of(acme, viewer, acme.manager)
        assert page.named("role") == []
        assert not [e for e in page.elements if "/suspend" in str(e.attributes) or "/remove" in str(e.attributes)]
        assert "/leave" in str([e.attributes for e in page_of(acme, viewer, viewer).elements])


def test_roles_offered_end_at_ones_own(acme: Acme) -> None:
    for viewer, roles in ((acme.manager, ["member", "admin", "manager"]), (acme.owner, [r.label for r in Role])):
        cards = page_of(acme, viewer, acme.member).named("role")
        assert [card.attributes["value"] for card in cards] == roles
        assert [card.attributes["value"] for card in cards if "checked" in card.attributes] == ["member"]


def test_where_nothing_can_be_done_the_reason_stands_there(acme: Acme) -> None:
    assert "Above your role" in page_of(acme, acme.manager, acme.suspended).text
    assert "Yourself" in page_of(acme, acme.manager, acme.manager).text
    assert page_of(acme, acme.owner, acme.owner).text.count("Last owner") == 4
    for viewer, person in ((acme.manager, acme.suspended), (acme.manager, acme.manager), (acme.owner, acme.owner)):
        assert page_of(acme, viewer, person).named("role") == []


def test_account_that_is_closed_is_said(acme: Acme) -> None:
    acme.deactivate(acme.admin)
    assert "Account closed" in page_of(acme, acme.owner, acme.admin).text


def test_panel_is_the_very_one_of_the_page(acme: Acme) -> None:
    browser = acme.browser(acme.owner)
    for path in ("", "/suspend"):
        whole, part = (Page(browser.get(address(acme, acme.admin, path), headers=h)) for h in ({}, PANEL))
        assert [root.id for root in part.roots] == ["panel", "notices"]
        assert part.by_id("page-title").text == whole.by_id("page-title").text


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("headers", [{}, PANEL], ids=["page", "htmx"])
def test_change_goes_back_to_the_page_says_so_is_audited_and_told(
    acme: Acme, path: str, headers: dict[str, str]
) -> None:
    prepare(acme, path)
    answer = change(acme, acme.manager, acme.member, path, headers=headers)
    assert (answer.status_code, answer.location) == (303, address(acme, acme.member))
    page = Page(acme.browser(acme.manager).get(answer.location))
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name, entry.target_id) == (
        CHANGED[path],
        "Mona Manager",
        acme.member_id(acme.member),
    )
    assert [letter.kind for letter in acme.world.letters()] == [TOLD[path]]
    assert acme.world.letters()[0].to_address == "mina@example.com"
    assert page.rows("entry")


def test_what_was_done_is_said_once(acme: Acme) -> None:
    browser = acme.browser(acme.manager)
    for path, sentence in (
        ("", "The membership of Mina Member is changed."),
        ("/suspend", "Mina Member is suspended."),
        ("/restore", "Mina Member can use the membership again."),
    ):
        answer = post(browser, address(acme, acme.member, path), **CHANGES[path])
        first, second = (Page(browser.get(answer.location)) for _ in range(2))
        assert (first.by_id("notices").text, second.by_id("notices").text) == (sentence, "")


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("outsider", ["stranger", "suspended"])
def test_D06_outsiders_find_nothing(acme: Acme, path: str, outsider: str) -> None:
    prepare(acme, path)
    before = acme.events()
    with acme.unchanged():
        assert change(acme, getattr(acme, outsider), acme.member, path).status_code == 404
        assert acme.browser(getattr(acme, outsider)).get(address(acme, acme.member)).status_code == 404
    assert acme.events() == before


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("actor", ["member", "admin"])
def test_member_without_the_right_is_refused_with_a_sentence_and_audited(acme: Acme, path: str, actor: str) -> None:
    with acme.unchanged():
        answer = change(acme, getattr(acme, actor), acme.manager, path)
    assert answer.status_code == 403
    assert "Your role does not allow this." in Page(answer).text
    assert acme.events()[-1] == "access.refused"


@pytest.mark.parametrize("path", CHANGES)
def test_D04_D05_manager_changes_no_owner_and_nobody_themselves(acme: Acme, path: str) -> None:
    acme.change(acme.suspended, status=MemberStatus.ACTIVE)
    for person, sentence in (
        (acme.owner, "Their role is above yours"),
        (acme.manager, "You cannot change your own membership."),
    ):
        with acme.unchanged():
            answer = change(acme, acme.manager, person, path)
        assert answer.status_code == 403
        assert sentence in Page(answer).text
        assert acme.events()[-1] == "access.refused"


@pytest.mark.parametrize("role", ["owner", "root", "", "Admin", "40", "admin\x00"])
def test_D04_role_above_ones_own_or_unknown_is_refused_beside_the_field(acme: Acme, role: str) -> None:
    before = acme.events()
    with acme.unchanged():
        answer = change(acme, acme.manager, acme.member, "", role=role)
    assert answer.status_code == 422
    assert Page(answer).by_id("role-error").text
    assert acme.events() == before


def test_D07_nothing_but_the_role_is_taken_from_the_form(acme: Acme) -> None:
    def rest() -> dict[str, list[Any]]:
        dump = acme.world.dump(without={"outbox_message"})
        return {name: rows for name, rows in dump.items() if name != "member"}

    before = rest()
    fields = {"id": "1", "organization_id": "2", "user_id": "1", "status": "suspended", "sort_name": "x", "kind": "bot"}
    assert change(acme, acme.manager, acme.member, "", **fields, is_active="0", name="x").status_code == 303
    assert rest() == before
    assert acme.world.roles(acme.slug)["Mina Member"] == "admin"


def test_suspending_asks_first_naming_the_person_and_what_happens(acme: Acme) -> None:
    browser = acme.browser(acme.manager)
    with acme.unchanged():
        asked = browser.get(address(acme, acme.member, "/suspend"))
        unanswered = change(acme, acme.manager, acme.member, "/suspend", confirm="")
    assert (asked.status_code, unanswered.status_code) == (200, 422)
    assert "Suspend Mina Member?" in Page(asked).text
    assert "Confirm that this shall happen." in Page(unanswered).text
    assert Page(asked).by_id("confirm").attributes["value"] == "1"


def test_question_is_refused_to_whoever_would_be_refused_the_answer(acme: Acme) -> None:
    for path in ("/suspend", "/remove"):
        for actor, person, status in (
            (acme.manager, acme.owner, 403),
            (acme.manager, acme.manager, 403),
            (acme.admin, acme.member, 403),
            (acme.stranger, acme.member, 404),
        ):
            assert acme.browser(actor).get(address(acme, person, path)).status_code == status


def test_D10_suspended_member_is_out_with_the_next_request_and_in_again_after_restoring(acme: Acme) -> None:
    theirs = acme.browser(acme.member)
    assert theirs.get(acme.address("members")).status_code == 200
    change(acme, acme.manager, acme.member, "/suspend")
    assert theirs.get(acme.address("members")).status_code == 404
    change(acme, acme.manager, acme.member, "/restore")
    assert theirs.get(acme.address("members")).status_code == 200


SUSPENDED = "Your membership of Acme is suspended. Managers and owners there can restore it."


def test_D06_whoever_is_suspended_is_told_so_and_changes_nothing(acme: Acme) -> None:
    browser = acme.browser(acme.suspended)
    with acme.unchanged():
        for answer in (
            browser.get(acme.address("members")),
            browser.get(acme.address("members/999")),
            post(browser, acme.address("members/new"), emails="x@example.org"),
        ):
            assert (answer.status_code, SUSPENDED in Page(answer).text) == (404, True)
    assert acme.events()[-1] != "access.refused"


def test_D06_nobody_else_is_told_of_a_membership_that_is_suspended(acme: Acme) -> None:
    confined = {"ip": None, "user_agent": "tests", "is_confined": True}
    elsewhere = acme.world.app.test_client()
    with elsewhere.session_transaction() as cookie:
        cookie["token"] = acme.world.write(sessions.begin, acme.suspended.user_id, **confined)
    acme.change(acme.member, status=MemberStatus.SUSPENDED)
    removed = acme.browser(acme.member)
    acme.remove(acme.member)
    for browser in (acme.browser(acme.stranger), acme.browser(), elsewhere, removed):
        assert "suspended" not in browser.get(acme.address("members"), follow_redirects=True).text


def test_D02_member_of_another_organization_is_not_found_here(acme: Acme) -> None:
    [foreign] = crowds.join(acme, [("Ursula Umbra", "ursula@example.org")], acme.other_slug)
    for path, fields in CHANGES.items():
        with acme.unchanged():
            for slug in (acme.slug, acme.other_slug):
                answer = post(acme.browser(acme.owner), f"/orgs/{slug}/members/{foreign}{path}", **fields)
                assert answer.status_code == 404
    assert acme.browser(acme.owner).get(acme.address(f"members/{foreign}")).status_code == 404


@pytest.mark.parametrize("path", CHANGES)
def test_E06_changes_need_their_csrf_token(acme: Acme, path: str) -> None:
    with acme.unchanged():
        answer = acme.browser(acme.owner).post(address(acme, acme.member, path), data=CHANGES[path], headers=PANEL)
    assert answer.status_code == 403


def test_E07_name_with_markup_is_text_everywhere(acme: Acme) -> None:
    name = '"><img src=x onerror=alert(1)>'
    person = acme.world.person(name, "markup@example.org")
    acme.world.member(acme.slug, person, Role.MEMBER)
    for path in ("", "/suspend", "/remove"):
        page = Page(acme.browser(acme.owner).get(address(acme, person, path)))
        assert name in page.by_id("page-title").text
        assert not [element for element in page.elements if element.attributes.get("src") == "x"]


def test_making_somebody_an_owner_is_asked_first_and_says_what_an_owner_may_do(acme: Acme) -> None:
    said = "An owner can do everything here, including settings and single sign-on, and can take your role away."
    for headers in ({}, PANEL):
        with acme.unchanged():
            asked = change(acme, acme.owner, acme.member, "", role="owner", headers=headers)
        page = Page(asked)
        assert (asked.status_code, page.by_id("page-title").text) == (422, "Change the membership of Mina Member?")
        assert "Role: Member until now, then Owner." in page.text
        assert (said in page.text, "They lose access by this change." in page.text) == (True, False)
        assert "Confirm that this shall happen." not in page.text
    assert post(acme.browser(acme.owner), address(acme, acme.member), **page.answer()).status_code == 303
    assert acme.world.roles(acme.slug)["Mina Member"] == "owner"
    assert change(acme, acme.owner, acme.member, "", role="owner").status_code == 303, "nothing changes"
    assert "They will open" not in page.text, "what is reached stays as it is"
    several: dict[str, Any] = {"action": "role", "ids": acme.member_id(acme.admin)}
    for role in ("owner", "manager"):
        asked = post(acme.browser(acme.owner), acme.address("members/bulk"), **several, to_role=role)
        assert (said in Page(asked).text) is (role == "owner")


def test_yes_to_one_question_is_none_to_another(acme: Acme) -> None:
    """Neither where they were suspended since, nor to another role by which nobody loses anything either."""
    browser, path = acme.browser(acme.owner), address(acme, acme.member)
    asked = Page(post(browser, path, role="owner", has_global_access="1")).answer()
    acme.change(acme.member, status=MemberStatus.SUSPENDED)
    with acme.unchanged():
        assert post(browser, path, **asked).status_code == 409
