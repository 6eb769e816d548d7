"""Claims that fill access groups, and the mistakes of a set-up, in a browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hall import Hall
from tests.browser.test_look import Gallery, gallery  # noqa: F401  (a fixture)
from tests.browser.test_single_sign_on import set_up
from tests.support.acme import organization_of
from tests.support.identity_provider import HostileProvider, running_provider
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import Role, User
from webapp.services import access_groups, members, projects, teams
from webapp.services.access_groups import Contents


@pytest.fixture
def theirs() -> Iterator[HostileProvider]:
    """A provider whose people agree to everything at once."""
    with running_provider() as provider:
        yield provider


def furnish(hall: Hall) -> None:
    """Let Ben, who reaches nothing else, be among the readers of Payroll."""
    ben = hall.world.person("Ben Okafor", "ben@example.com")
    hall.world.member(hall.slug, ben, Role.MEMBER)

    def make() -> None:
        here = organization_of(hall.slug)
        owner, member = (members.of_user(here, person.user_id) for person in (hall.owner, ben))
        assert member
        member.has_global_access = False
        actor = Actor.of(db.session.get_one(User, hall.owner.user_id), ip=None, member=owner)
        team = teams.create(actor, here, "Finance")
        project = projects.create(actor, here, team, "Payroll")
        contents = Contents("Readers", Role.MEMBER, frozenset({project.id}), frozenset({member.id}))
        access_groups.create(actor, here, team, contents)

    hall.world.write(make)


def fill_in(page: Page, claim: str, value: str) -> None:
    """Fill in a mapping for the readers."""
    page.get_by_label("Claim", exact=True).fill(claim)
    page.get_by_label("Value", exact=True).fill(value)
    page.get_by_role("radio", name="Readers").check()


def test_owner_lets_a_claim_fill_a_group_and_takes_it_back(
    hall: Hall,
    theirs: HostileProvider,
    gallery: Gallery,  # noqa: F811
) -> None:
    owner = hall.owner
    furnish(hall)
    sso = f"/orgs/{hall.slug}/sso"
    page = hall.page(sso, owner, refusal="4", is_hasty=True)
    set_up(page, theirs)
    expect(page.get_by_text("Single sign-on works, and your own account is linked.")).to_be_visible()
    page.get_by_role("link", name="Claim mappings").click()
    expect(page.get_by_text("No claim fills an access group yet")).to_be_visible()
    gallery.show(page, "claims-none")
    page.reload()
    search = page.get_by_label("Name of the group or of its team")
    search.press_sequentially("zz")
    expect(page.locator("#found-groups").get_by_text("No access group matches “zz”")).to_be_visible()
    expect(page.locator("#status")).to_have_text("No access group matches “zz”")
    search.fill("fin")
    expect(page.get_by_text("Readers Finance")).to_be_visible()
    expect(page.locator("#found-groups [name=found]")).to_have_value("fin")
    fill_in(page, "groups", "staff")
    search.press("Enter")
    expect(page.get_by_text("Ben Okafor")).to_be_visible()
    gallery.show(page, "claims-question")
    page.get_by_role("button", name="Add the mapping").click()
    expect(page.get_by_text("From now on the claim fills the access group Readers.")).to_be_visible()
    fill_in(page, "groups", "staff")
    page.get_by_role("button", name="Add the mapping").click()
    expect(page.locator("#value-error")).to_be_visible()
    gallery.show(page, "claims-invalid")
    page.goto(f"{sso}/login")
    page.get_by_role("button", name="Sign in with").click()
    expect(page).to_have_url(re.compile(f"/orgs/{hall.slug}/members$"))
    page.goto(f"{sso}/mappings")
    gallery.show(page, "claims-list")
    page.get_by_role("link", name="Readers", exact=True).click()
    expect(page.get_by_text("Single sign-on fills this group")).to_be_visible()
    gallery.show(page, "claims-group")
    page.goto(f"{sso}/mappings")
    page.get_by_role("link", name="Remove").click()
    expect(page.get_by_role("heading", name="Remove the mapping that fills Readers?")).to_be_visible()
    gallery.show(page, "claims-remove")
    page.get_by_role("button", name="Remove the mapping").click()
    expect(page.get_by_text("The mapping is removed.")).to_be_visible()
    gallery.assert_faultless()


def test_mistakes_of_a_set_up_stand_beside_their_fields(
    hall: Hall,
    theirs: HostileProvider,
    gallery: Gallery,  # noqa: F811
) -> None:
    owner = hall.owner
    page = hall.page(f"/orgs/{hall.slug}/sso", owner, refusal="[45]")
    theirs.discovery_changes = {"issuer": "https://another.example.org"}
    set_up(page, theirs)
    expect(page.locator("#issuer-error")).to_contain_text("https://another.example.org")
    gallery.show(page, "setup-other-issuer")
    page.get_by_role("button", name="Discard this set-up").click()
    expect(page.get_by_text("What was being set up is discarded.")).to_be_visible()
    theirs.discovery_changes = {}
    set_up(page, theirs)
    page.get_by_role("link", name="Renew the client secret").click()
    expect(page.get_by_label("New client secret")).to_be_visible()
    gallery.show(page, "secret")
    page.get_by_label("New client secret").fill("wrong")
    page.get_by_role("button", name="Sign in to prove it").click()
    expect(page.get_by_text("The old client secret stays in use.")).to_be_visible()
    gallery.show(page, "secret-refused")
    gallery.assert_faultless()
