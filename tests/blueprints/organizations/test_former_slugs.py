"""An address of earlier leads members to the present one, and nobody else learns of it."""

from dataclasses import replace

import pytest

from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.worlds import csrf_token, post
from webapp.models import MemberStatus, Role

KEPT = {
    "name": "Acme",
    "address_match_required": "y",
    "invitation_reminders": "y",
    "invitation_lifetime_days": "7",
}


def move(acme: Acme, old: str, new: str) -> int:
    return post(acme.browser(acme.owner), f"/orgs/{old}/settings", slug=new, **KEPT).status_code


@pytest.fixture
def moved(acme: Acme) -> Acme:
    """Acme, which was at /orgs/acme before and is at /orgs/works now."""
    assert move(acme, "acme", "works") == 303
    return acme


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_members_are_led_to_the_same_page_with_its_query(moved: Acme, method: str) -> None:
    answer = moved.browser(moved.member).open("/orgs/acme/members?q=a%20b&sort=name", method=method)
    assert (answer.status_code, answer.location) == (308, "/orgs/works/members?q=a%20b&sort=name")


def test_htmx_is_led_like_everybody(moved: Acme) -> None:
    browser = moved.browser(moved.member)
    assert browser.get("/orgs/acme/members", headers=PANEL).location == "/orgs/works/members"
    panel, _notices = Page(browser.get("/orgs/acme/members", headers=PANEL, follow_redirects=True)).roots
    assert panel.id == "panel"


def test_form_is_to_be_sent_again_as_it_is(moved: Acme) -> None:
    browser = moved.browser(moved.owner)
    form = {"emails": "mia@example.org", "role": "member", "lifetime_days": "7", "csrf_token": csrf_token(browser)}
    before = moved.world.dump()
    answer = browser.post("/orgs/acme/members/new", data=form)
    assert (answer.status_code, answer.location) == (308, "/orgs/works/members/new")
    assert moved.world.dump() == before
    assert browser.post(answer.location, data=form).status_code == 303
    assert [letter.to_address for letter in moved.world.letters("invitation")] == ["mia@example.org"]


def test_children_are_asked_for_at_the_present_address(moved: Acme) -> None:
    browser = moved.browser(moved.owner)
    answer = post(browser, "/orgs/acme/invitations/999/revoke")
    assert answer.location == "/orgs/works/invitations/999/revoke"
    assert post(browser, answer.location).status_code == 404


@pytest.mark.parametrize("who", ["stranger", "suspended"])
def test_D12_nobody_else_learns_of_a_former_address(moved: Acme, who: str) -> None:
    browser = moved.browser(getattr(moved, who))
    former, never = (browser.get(f"/orgs/{slug}/members") for slug in ("acme", "no-such-address"))
    assert (former.status_code, "Location" in former.headers) == (404, False)
    assert former.text.replace(former.headers["X-Request-Id"], "") == never.text.replace(
        never.headers["X-Request-Id"], ""
    )
    with moved.unchanged():
        assert post(browser, "/orgs/acme/settings", slug="mine", **KEPT).status_code == 404


def test_visitor_signs_in_and_is_led_then(moved: Acme) -> None:
    assert moved.browser().get("/orgs/acme/members").location == "/login?next=/orgs/acme/members"


def test_D06_somebody_removed_or_suspended_is_led_no_more(moved: Acme) -> None:
    browser = moved.browser(moved.member)
    assert browser.get("/orgs/acme/members").status_code == 308
    acme = replace(moved, slug="works")
    acme.change(moved.member, status=MemberStatus.SUSPENDED)
    assert browser.get("/orgs/acme/members").status_code == 404
    acme.change(moved.member, status=MemberStatus.ACTIVE)
    acme.remove(moved.member)
    assert browser.get("/orgs/acme/members").status_code == 404


def test_former_address_is_not_given_to_another_organization(moved: Acme) -> None:
    browser = moved.browser(moved.stranger)
    with moved.unchanged():
        assert post(browser, "/orgs/umbra/settings", slug="acme", **KEPT).status_code == 422
    assert moved.world.organization("Acme", moved.stranger) != "acme"


def test_organization_takes_its_own_former_address_back(moved: Acme) -> None:
    assert move(moved, "works", "acme") == 303
    browser = moved.browser(moved.member)
    assert browser.get("/orgs/acme/members").status_code == 200
    assert browser.get("/orgs/works/members").location == "/orgs/acme/members"


def test_every_former_address_leads_to_the_present_one_in_one_step(moved: Acme) -> None:
    assert move(moved, "works", "third") == 303
    browser = moved.browser(moved.member)
    assert [browser.get(f"/orgs/{slug}/audit").location for slug in ("acme", "works")] == ["/orgs/third/audit"] * 2


def test_refusals_at_a_former_address_are_those_of_the_present_one(moved: Acme) -> None:
    moved.world.member("works", moved.stranger, Role.MEMBER)
    browser = moved.browser(moved.stranger)
    assert browser.get("/orgs/acme/audit", follow_redirects=True).status_code == 403
