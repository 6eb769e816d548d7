"""Single sign-on as people of an organization live with it, by the provider of the demo: from its set-up to a bypass.

Owners have scripts in their browsers, most members have none.
"""

import re
from datetime import timedelta
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.hall import Hall, open_letter, tab
from tests.browser.test_look import Gallery, gallery  # noqa: F401  (a fixture)
from tests.support.browser import Window
from tests.support.commands import Command
from webapp import clock
from webapp.models import Role


def at_the_provider(page: Page, name: str, address: str = "") -> None:
    """Say at the demo's provider who one is: somebody it knows by name, or somebody new with an address."""
    expect(page.get_by_role("heading", name="Who signs in?")).to_be_visible()
    if not address:
        page.get_by_role("button", name=name).click()
        return
    page.get_by_label("Name").fill(name)
    page.get_by_label("Email address").fill(address)
    page.get_by_role("button", name="Sign in as this person").click()


def set_up(page: Page) -> None:
    """Set the demo's provider up as its owner, beginning on the page of single sign-on."""
    page.get_by_role("link", name="Set it up").click()
    page.get_by_role("button", name="Use the demo provider").click()
    page.get_by_role("button", name="Save, and sign in to prove it").click()
    at_the_provider(page, "Ada Winter", "ada@example.com")
    expect(page.get_by_text("Single sign-on works, and your own account is linked.")).to_be_visible()


def come(hall: Hall, name: str, *, javascript: bool = False) -> Page:
    """Come through the provider as somebody who is not signed in; return the page they see then."""
    page = hall.page(f"/orgs/{hall.slug}/sso/login", refusal="4", javascript=javascript)
    page.get_by_role("button", name="Sign in with").click()
    at_the_provider(page, name)
    return page


def member(hall: Hall, path: str, name: str, **options: Any) -> Window:
    """Let somebody with a password be a member; return a window in which they have signed in by it."""
    person = hall.world.person(name, f"{name.partition(' ')[0].lower()}@example.com")
    hall.world.member(hall.slug, person, Role.MEMBER)
    return hall.window(path, person, **options)


def test_members_link_new_people_join_and_others_are_told_why_not(hall: Hall, gallery: Gallery) -> None:  # noqa: F811
    page = hall.page(f"/orgs/{hall.slug}/sso", hall.owner)
    set_up(page)
    page.get_by_role("radio", name="Also everybody of these domains").check()
    page.get_by_role("textbox", name="Domains").fill("example.org")
    page.get_by_role("button", name="Save the rules").click()
    expect(page.get_by_text("The rules are saved.")).to_be_visible()

    ben = member(hall, "/account/", "Ben Okafor", javascript=False).page
    ben.get_by_role("link", name="Link Harbour Works").click()
    ben.get_by_role("button", name="Link my account").click()
    at_the_provider(ben, "Theo Winter")
    expect(ben.get_by_text("Your account is linked.")).to_be_visible()
    for known, name in (("Theo Winter", "Ben Okafor"), ("Grace Holm", "Grace Holm")):
        expect(come(hall, known).get_by_role("row", name=name)).to_contain_text("You")

    page.goto(hall.members)
    page.get_by_role("link", name="Grace Holm").click()
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Grace Holm was removed.")).to_be_visible()
    for name, javascript in (("Grace Holm", False), ("Nadia Rossi", True)):
        refused = come(hall, name, javascript=javascript)
        expect(refused.get_by_role("heading", name="You were not let in")).to_be_visible()
        expect(refused.get_by_text("no invitation waits for the address")).to_be_visible()
        reference = refused.locator("span.code").inner_text()
        page.goto(f"/orgs/{hall.slug}/audit")
        expect(page.get_by_text(reference)).to_have_count(1)
    gallery.show(refused, "sso-not-invited")
    gallery.assert_faultless()


def test_it_is_rehearsed_required_and_bypassed(
    hall: Hall,
    gallery: Gallery,  # noqa: F811
    environment: dict[str, str],
) -> None:
    sso, wanted = f"/orgs/{hall.slug}/sso", f"/orgs/{hall.slug}/projects"
    page = hall.page(sso, hall.owner, refusal="422")
    clara = member(hall, wanted, "Clara Lindqvist", javascript=False).page
    daniel = member(hall, hall.members, "Daniel Kim", refusal="401").page
    set_up(page)
    rehearse(page, gallery)
    clara.reload()
    expect(clara.get_by_role("heading", name="Projects")).to_be_visible()
    for name in ("unlinked", "disable"):
        page.goto(f"{sso}/{name}")
        gallery.show(page, f"sso-{name}")
    page.goto(f"{sso}/enforce")
    require(page, "", "It begins at once")

    clara.reload()
    expect(clara.get_by_text("Harbour Works requires this")).to_be_visible()
    clara.get_by_role("button", name="Link my account").click()
    at_the_provider(clara, "Clara Lindqvist", "clara@example.com")
    expect(clara).to_have_url(re.compile(f"{wanted}$"))

    tab(daniel, "Pending").click()
    expect(daniel.get_by_role("heading", name="Link your account")).to_be_visible()
    gallery.show(daniel, "sso-link-required")
    ran = Command(environment)("sso", "bypass", hall.slug)
    assert ran.out.startswith(f"Members of {hall.slug} come in with their passwords until "), ran
    daniel.goto(wanted)
    expect(daniel.get_by_role("heading", name="Projects")).to_be_visible()
    page.goto(f"{sso}/enforce")
    gallery.show(page, "sso-bypassed")
    open_letter(page, hall.owner.email, "Single sign-on of Harbour Works is bypassed")
    gallery.assert_faultless()


def rehearse(page: Page, gallery: Gallery) -> None:  # noqa: F811
    """Require it from a day of next week on, with a look at whom that would keep out."""
    page.get_by_role("link", name="Change Require single sign-on").click()
    expect(page.get_by_role("heading", name="Who would be kept out now")).to_be_visible()
    gallery.show(page, "sso-enforce")
    require(page, (clock.now() + timedelta(days=7)).date().isoformat(), "It begins on", gallery)


def require(page: Page, day: str, begins: str, gallery: Gallery | None = None) -> None:  # noqa: F811
    """Require it from a day on, or at once, after a look at whom that would keep out."""
    page.get_by_role("radio", name="Required").check()
    page.get_by_label("From this day on").fill(day)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Require single sign-on in Harbour Works?")).to_be_visible()
    expect(page.get_by_text(begins)).to_be_visible()
    expect(page.get_by_text("2 active members would be kept out now")).to_be_visible()
    for name in ("Clara Lindqvist", "Daniel Kim"):
        expect(page.get_by_role("listitem").filter(has_text=name).last).to_contain_text("last sign-in")
    if gallery:
        gallery.show(page, "sso-enforce-preview")
    page.get_by_role("button", name="Require it").click()
    said = "until then it is rehearsed." if day else "Single sign-on is required now."
    expect(page.get_by_text(said)).to_be_visible()
