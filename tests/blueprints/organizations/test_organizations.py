"""My organizations, and where the start page leads."""

import pytest

from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from webapp.models import MemberStatus, Role


def listed(acme: Acme, who: str) -> list[str]:
    answer = acme.browser(getattr(acme, who)).get("/orgs/")
    assert answer.status_code == 200
    links = (element.attributes.get("href", "") for element in Page(answer).elements if element.tag == "a")
    return [link for link in links if link.startswith("/orgs/") and link.endswith("/members")]


def test_only_organization_is_where_the_start_page_leads(acme: Acme) -> None:
    for who, slug in (("member", acme.slug), ("owner", acme.slug), ("stranger", acme.other_slug)):
        answer = acme.browser(getattr(acme, who)).get("/")
        assert (answer.status_code, answer.location) == (303, f"/orgs/{slug}/members")


def test_several_organizations_are_listed_by_name_with_the_role(acme: Acme) -> None:
    acme.world.member(acme.other_slug, acme.admin, Role.OWNER)
    browser = acme.browser(acme.admin)
    answer = browser.get("/")
    assert (answer.status_code, answer.location) == (303, "/orgs/")
    assert listed(acme, "admin") == ["/orgs/acme/members", "/orgs/umbra/members"]
    text = Page(browser.get("/orgs/")).by_id("main").text
    assert "Acme Admin" in text
    assert "Umbra Owner" in text


def test_D06_suspended_people_belong_nowhere_and_are_told_what_to_do(acme: Acme) -> None:
    answer = acme.browser(acme.suspended).get("/")
    assert (answer.status_code, answer.location) == (303, "/orgs/")
    assert listed(acme, "suspended") == []
    said = Page(acme.browser(acme.suspended).get("/orgs/")).text
    assert "Acme Somebody suspended your membership." in " ".join(said.split())


def test_who_belongs_nowhere_is_told_what_to_do(acme: Acme) -> None:
    acme.remove(acme.admin)
    said = Page(acme.browser(acme.admin).get("/orgs/")).text
    assert "Ask somebody in yours for an invitation" in said
    assert "Acme" not in said


def test_removed_and_suspended_memberships_leave_the_list_at_once(acme: Acme) -> None:
    acme.world.member(acme.other_slug, acme.admin, Role.MEMBER)
    acme.change(acme.admin, status=MemberStatus.SUSPENDED)
    assert listed(acme, "admin") == ["/orgs/umbra/members"]
    acme.remove(acme.admin)
    assert listed(acme, "admin") == ["/orgs/umbra/members"]


def test_C03_invitation_is_no_membership(acme: Acme) -> None:
    acme.world.invite(acme.slug, acme.owner, acme.stranger.email)
    assert listed(acme, "stranger") == ["/orgs/umbra/members"]
    assert acme.browser(acme.stranger).get(acme.address("members")).status_code == 404


@pytest.mark.parametrize("path", ["/", "/orgs/"])
def test_signed_out_people_sign_in_first(acme: Acme, path: str) -> None:
    answer = acme.browser().get(path)
    assert (answer.status_code, answer.location) == (303, f"/login?next={path}")


def test_D06_inactive_people_sign_in_first(acme: Acme) -> None:
    browser = acme.browser(acme.owner)
    acme.deactivate(acme.owner)
    assert [browser.get(path).location for path in ("/", "/orgs/")] == ["/login?next=/", "/login?next=/orgs/"]


def test_list_comes_alone_where_htmx_swaps_it(acme: Acme) -> None:
    browser = acme.browser(acme.owner)
    panel, notices = Page(browser.get("/orgs/", headers=PANEL)).roots
    assert (panel.id, notices.id) == ("panel", "notices")
    for headers in ({}, {**PANEL, "HX-Target": "results"}, {**PANEL, "HX-History-Restore-Request": "true"}):
        answer = browser.get("/orgs/", headers=headers)
        assert [root.tag for root in Page(answer).roots] == ["html"]
        assert "HX-Target" in answer.headers["Vary"]
