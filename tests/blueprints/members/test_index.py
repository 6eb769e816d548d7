"""The tab Members: who is listed, and who may look."""

from sqlalchemy import update

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.teams import make_group, make_project, make_team
from webapp.db import db
from webapp.models import Member, MemberStatus, Role


def members_page(acme: Acme, query: str = "") -> Page:
    return Page(acme.browser(acme.owner).get(acme.address(f"members{query}")))


def test_everybody_is_listed_by_name_with_role_and_status(acme: Acme) -> None:
    page = members_page(acme)
    order = [acme.admin, acme.member, acme.manager, acme.owner, acme.suspended]
    assert page.rows("member") == [acme.member_id(person) for person in order]
    said = page.by_id(f"member-{acme.member_id(acme.admin)}").text
    assert said.startswith("AA Adam Admin adam@example.com Admin Active")
    assert "Suspended" in page.by_id(f"member-{acme.member_id(acme.suspended)}").text


def test_only_the_viewers_own_row_says_so(acme: Acme) -> None:
    page = members_page(acme)
    marked = [element.id for element in page.elements if element.tag == "tr" and " You " in element.text]
    assert marked == [f"member-{acme.member_id(acme.owner)}"]


def test_nobody_of_another_organization_is_listed(acme: Acme) -> None:
    crowds.join(acme, [("Ursula Umbra", "ursula@example.org")], acme.other_slug)
    for query in ("", "?q=u", "?q=umbra", "?q=ursula@example.org"):
        page = members_page(acme, query)
        assert "Umbra" not in page.text
        assert "ursula@example.org" not in page.by_id("results").text.replace("“ursula@example.org”", "")


def test_every_member_may_look_whatever_their_role(acme: Acme) -> None:
    for person in (acme.member, acme.admin, acme.manager, acme.owner):
        for path in ("members", "members/pending"):
            assert acme.browser(person).get(acme.address(path)).status_code == 200


def test_members_are_offered_only_what_they_may_do(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org")
    for person, may in ((acme.member, False), (acme.admin, True)):
        for path in ("members", "members/pending"):
            page = Page(acme.browser(person).get(acme.address(path)))
            assert ("tab-new" in page.ids, "invite-people" in page.ids) == (may, may)
        assert ("Revoke" in page.by_id(f"invitation-{invited.id}").text) is may


def test_member_without_the_right_is_refused_the_form_with_a_sentence(acme: Acme) -> None:
    answer = acme.browser(acme.member).get(acme.address("members/new"))
    assert answer.status_code == 403
    assert "Your role does not allow this." in Page(answer).text


PAGES_OF_MEMBERS = ("members", "members/pending", "members/new", "audit", "members?after=x")


def test_outsiders_find_nothing_just_as_where_nothing_is(acme: Acme) -> None:
    browser = acme.browser(acme.stranger)
    for path in PAGES_OF_MEMBERS:
        real, unreal = browser.get(acme.address(path)), browser.get(f"/orgs/nowhere/{path}")
        assert (real.status_code, unreal.status_code) == (404, 404)
        assert "Acme" not in Page(real).text


def test_suspended_people_are_told_that_they_are_and_nothing_else(acme: Acme) -> None:
    browser = acme.browser(acme.suspended)
    said = {Page(browser.get(acme.address(path))).text for path in PAGES_OF_MEMBERS}
    assert len(said) == 1
    assert {browser.get(acme.address(path)).status_code for path in PAGES_OF_MEMBERS} == {404}
    assert "Your membership of Acme is suspended." in said.pop()


def test_D06_inactive_person_is_signed_out_at_once(acme: Acme) -> None:
    browser = acme.browser(acme.owner)
    acme.deactivate(acme.owner)
    answer = browser.get(acme.address("members"))
    assert (answer.status_code, answer.location) == (303, "/login?next=/orgs/acme/members")


def test_D06_suspended_and_removed_people_are_outsiders_at_once(acme: Acme) -> None:
    browser, other = acme.browser(acme.owner), acme.browser(acme.manager)
    acme.change(acme.owner, status=MemberStatus.SUSPENDED)
    acme.remove(acme.manager)
    assert browser.get(acme.address("members")).status_code == 404
    assert other.get(acme.address("members")).status_code == 404


def test_demotion_counts_at_once(acme: Acme) -> None:
    browser = acme.browser(acme.manager)
    assert browser.get(acme.address("audit")).status_code == 200
    acme.change(acme.manager, role=Role.ADMIN)
    assert browser.get(acme.address("audit")).status_code == 403


def test_counters_are_right(acme: Acme) -> None:
    crowds.invite(acme, ["a@example.org", "b@example.org"])
    acme.world.invite(acme.other_slug, acme.stranger, "c@example.org")
    for path in ("members", "members/pending", "members/new", "members?q=nobody"):
        for headers in ({}, PANEL):
            page = Page(acme.browser(acme.owner).get(acme.address(path), headers=headers))
            assert page.by_id("tab-members").text == "Members 5"
            assert page.by_id("tab-pending").text == "Pending 2"


def test_counters_stop_at_999_plus(acme: Acme) -> None:
    crowds.join(acme, [(f"Person {n}", f"p{n}@example.org") for n in range(994)])
    crowds.invite(acme, [f"i{n}@example.org" for n in range(999)])
    page = members_page(acme)
    assert (page.by_id("tab-members").text, page.by_id("tab-pending").text) == ("Members 999", "Pending 999")
    crowds.join(acme, [("One More", "more@example.org")])
    crowds.invite(acme, ["another@example.org"])
    page = members_page(acme)
    assert (page.by_id("tab-members").text, page.by_id("tab-pending").text) == ("Members 999+", "Pending 999+")


def test_last_activity_is_shown(acme: Acme) -> None:
    def forget() -> None:
        db.session.execute(update(Member).where(Member.user_id == acme.admin.user_id).values(last_active_at=None))

    acme.world.write(forget)
    page = members_page(acme)
    assert "Not yet Actions" in page.by_id(f"member-{acme.member_id(acme.admin)}").text
    assert "just now" in page.by_id(f"member-{acme.member_id(acme.member)}").text


def test_list_counts_the_access_groups_of_those_who_reach_no_more_than_they_give(acme: Acme) -> None:
    for person in (acme.member, acme.admin):
        acme.change(person, has_global_access=False)
    red = make_team(acme, "Red", acme.admin)
    make_group(acme, red, "Readers", Role.MEMBER, ([make_project(acme, "Payroll", red)], [acme.member, acme.admin]))
    page = Page(acme.browser(acme.owner).get(acme.address("members")))
    for person, reaches in ((acme.member, "1 access group"), (acme.admin, "Red, 1 access group")):
        assert f"Active {reaches} " in page.by_id(f"member-{acme.member_id(person)}").text
