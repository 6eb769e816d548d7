"""Every page, light and dark, on a desktop and a phone: nothing scrolls sideways and axe finds no fault.

Where VESTIBULE_SCREENSHOTS names a folder, pictures of them go there.
"""

import os
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, ViewportSize, expect
from sqlalchemy import select

from tests.browser.hall import Hall, open_letter
from tests.browser.scenes import LONG_ADDRESS, accept, decline, expire, form_teams, invite_all_sorts, move_in, revoke
from tests.support.browser import VIEWPORTS, accessibility_faults, scrolls_sideways
from tests.support.demo import issuer_of, request_to_sign_in
from tests.support.server import Server
from tests.support.settings import SECRET_KEY
from tests.support.worlds import PASSWORD, Person
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import Organization, Role, User
from webapp.services import members, removals
from webapp.services.first_run import setup_token

# In how many lines the text of an element stands
LINES = """element => {
  const range = document.createRange();
  range.selectNodeContents(element);
  return new Set(Array.from(range.getClientRects(), ({top}) => top)).size;
}"""
NARROWEST: ViewportSize = {"width": 320, "height": 640}
SETUP = f"/setup/{setup_token(SECRET_KEY)}"


class Gallery:
    """Looks at pages from all sides, and keeps pictures of them if there is a folder for them."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._faults: list[str] = []

    def show(self, page: Page, name: str) -> None:
        """Look at the page as it stands, once its stylesheets are there."""
        page.wait_for_load_state()
        for colours in ("light", "dark"):
            page.emulate_media(color_scheme=colours)
            for device, size in VIEWPORTS.items():
                page.set_viewport_size(size)
                self._note(name, device, scrolls_sideways(page))
                if self._folder:
                    page.screenshot(path=self._folder / f"{name}-{colours}-{device}.png", full_page=True)
                if (colours, device) in (("light", "desktop"), ("dark", "phone")):
                    self._faults += [f"{name}, {colours}, {device}: {fault}" for fault in accessibility_faults(page)]
        page.set_viewport_size(NARROWEST)
        self._note(name, "320", scrolls_sideways(page))
        page.set_viewport_size(VIEWPORTS["desktop"])

    def _note(self, name: str, where: str, is_too_wide: bool) -> None:
        if is_too_wide:
            self._faults.append(f"{name}, {where}: scrolls sideways")

    def assert_faultless(self) -> None:
        """Fail with everything that was found."""
        assert not self._faults, "\n".join(self._faults)


@pytest.fixture
def gallery() -> Gallery:
    """The gallery, with pictures in the folder the tester wants."""
    if "VESTIBULE_SCREENSHOTS" not in os.environ:
        return Gallery(None)
    folder = Path(os.environ["VESTIBULE_SCREENSHOTS"])
    folder.mkdir(parents=True, exist_ok=True)
    return Gallery(folder)


def test_pages_of_nobody_in_particular(hall: Hall, gallery: Gallery) -> None:
    page = hall.page(SETUP, refusal="4")
    gallery.show(page, "setup")
    page.get_by_label("Organization").fill("Harbour Works")
    page.get_by_label("Your name").fill("Ada Winter")
    page.get_by_label("Your email address").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Create the organization").click()
    expect(page.get_by_role("alert")).to_be_visible()
    gallery.show(page, "setup-invalid")
    for name, path in (
        ("sign-in", "/login"),
        ("forgot", "/forgot-password"),
        ("forgot-sent", "/forgot-password?sent=1"),
    ):
        page.goto(path)
        gallery.show(page, name)
    page.goto("/login")
    page.get_by_label("Email address").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#password-error")).to_be_visible()
    gallery.show(page, "sign-in-invalid")
    for name, path in (
        ("not-found", "/nowhere"),
        ("dead-link", "/reset-password/nothing"),
        ("mailbox-empty", "/demo/mailbox"),
    ):
        page.goto(path)
        gallery.show(page, name)
    gallery.assert_faultless()


def test_pages_of_a_new_organization(hall: Hall, gallery: Gallery) -> None:
    page = hall.page("/", hall.owner, refusal="4")
    gallery.show(page, "members-alone")
    page.goto(f"{hall.members}?q=zoe")
    gallery.show(page, "members-none-found")
    page.goto(f"{hall.members}/pending")
    gallery.show(page, "pending-empty")
    page.goto(f"{hall.members}/new")
    gallery.show(page, "invite")
    page.get_by_label("Email addresses").fill("mia@example.org, nobody")
    page.get_by_label("Days until").fill("7")
    page.get_by_role("button", name="Send invitations").click()
    expect(page.get_by_text("invitation is on its way")).to_be_visible()
    gallery.show(page, "invite-outcomes")
    page.get_by_role("button", name="Send invitations").click()
    expect(page.get_by_text("None of these addresses")).not_to_have_count(0)
    gallery.show(page, "invite-invalid")
    gallery.assert_faultless()


def test_pages_of_a_busy_organization(hall: Hall, gallery: Gallery) -> None:
    move_in(hall)
    invite_all_sorts(hall)
    page = hall.page(hall.members, hall.owner)
    gallery.show(page, "members")
    page.locator(".menu.wide-only summary").click()
    gallery.show(page, "menu")
    for name, path in (
        ("members-search", f"{hall.members}?q=ben"),
        ("pending", f"{hall.members}/pending"),
        ("pending-resend", f"{hall.members}/pending/bulk?action=resend&all=1"),
        ("pending-revoke", f"{hall.members}/pending/bulk?action=revoke&all=1"),
        ("audit", f"/orgs/{hall.slug}/audit"),
        ("organizations", "/orgs/"),
        ("mailbox", "/demo/mailbox"),
    ):
        page.goto(path)
        gallery.show(page, name)
    open_letter(page, LONG_ADDRESS, "invited you")
    gallery.show(page, "letter")
    gallery.show(hall.page("/orgs/", hall.world.person("Zoe Nobody", "zoe@example.org")), "organizations-none")
    gallery.assert_faultless()


def test_pages_of_an_invitation(hall: Hall, gallery: Gallery) -> None:
    invited = hall.invite("mia@example.org")
    page = hall.page(invited.link, refusal="4")
    gallery.show(page, "invitation")
    page.get_by_label("Your name").fill("Mia Holm")
    page.locator("#register-password").fill("short")
    page.get_by_role("button", name="Create account and join").click()
    expect(page.get_by_role("alert")).to_be_visible()
    gallery.show(page, "invitation-invalid")
    mia = hall.world.person("Mia Holm", "mia@example.org")
    gallery.show(hall.page(invited.link, mia), "invitation-signed-in")
    zoe = hall.world.person("Zoe Nobody", "zoe@example.org")
    gallery.show(hall.page(invited.link, zoe), "invitation-other-address")
    hall.world.policy(hall.slug, address_match_required=False)
    gallery.show(hall.page(invited.link, zoe), "invitation-other-address-allowed")
    ends = {end: hall.invite(f"{end}@example.org") for end in ("expired", "revoked", "declined")}
    expire(hall, ends["expired"])
    revoke(hall, ends["revoked"])
    decline(hall, ends["declined"])
    accept(hall, invited, mia)
    for end, dead in {**ends, "accepted": invited}.items():
        page.goto(dead.link)
        gallery.show(page, f"invitation-{end}")
    gallery.assert_faultless()


def test_pages_of_teams_and_projects(hall: Hall, gallery: Gallery) -> None:
    page = hall.page(f"/orgs/{hall.slug}/teams", hall.owner, refusal="4")
    gallery.show(page, "teams-none")
    people = move_in(hall)
    group, daniel = form_teams(hall, people), people["Daniel Kim"]
    for name, path in (
        ("teams", "teams"),
        ("team-projects", "teams/dock/projects"),
        ("team-members", "teams/dock/members"),
        ("team-add", "teams/dock/members/add?q=e"),
        ("team-groups", "teams/dock/groups"),
        ("group", f"teams/dock/groups/{group}"),
        ("group-remove", f"teams/dock/groups/{group}/remove"),
        ("team-remove", "teams/quay-of-the-western-harbour-and-its-many-cranes/remove"),
        ("team-remove-not-yet", "teams/dock/remove"),
        ("project", "projects/berth-plan"),
        ("project-settings", "projects/berth-plan/settings"),
        ("project-archive", "projects/berth-plan/archive"),
        ("project-remove", "projects/berth-plan/remove"),
    ):
        page.goto(f"/orgs/{hall.slug}/{path}")
        gallery.show(page, name)
    page.goto(f"/orgs/{hall.slug}/teams/dock/groups/new")
    page.get_by_label("Name of the group").fill("Night shift")
    page.get_by_role("button", name="Create the group").click()
    expect(page.get_by_role("alert")).to_be_visible()
    gallery.show(page, "group-invalid")
    page = hall.page(f"/orgs/{hall.slug}/projects", daniel)
    gallery.show(page, "projects-of-somebody")
    page.goto(hall.members)
    page.get_by_role("link", name="Daniel Kim").click()
    expect(page.get_by_role("heading", name="What you can open")).to_be_visible()
    gallery.show(page, "member-own-page")
    gallery.assert_faultless()


def test_pages_of_the_demo_provider(live_server: Server, hall: Hall, gallery: Gallery) -> None:
    issuer = issuer_of(live_server)
    asked = f"{issuer}/authorize?{urlencode(request_to_sign_in(hall.url))}"
    page = hall.page(refusal="4")
    for name, address in (
        ("provider", issuer),
        ("provider-refused", f"{issuer}/authorize?client_id=another"),
        ("provider-people", asked),
    ):
        page.goto(address)
        gallery.show(page, name)
    page.get_by_label("Name").fill("Zoe Lind")
    page.get_by_label("Email address").fill("zoe..lind@example.org")
    page.get_by_role("button", name="Sign in as this person").click()
    expect(page.get_by_role("alert")).to_be_visible()
    gallery.show(page, "provider-invalid")
    gallery.assert_faultless()


@pytest.mark.parametrize("javascript", [True, False])
def test_demo_provider_sends_whoever_is_chosen_back(live_server: Server, hall: Hall, javascript: bool) -> None:
    asked = f"{issuer_of(live_server)}/authorize?{urlencode(request_to_sign_in(hall.url))}"
    page = hall.page(refusal="4", javascript=javascript)
    for name in ("Grace Holm", "Cancel"):
        page.goto(asked)
        page.get_by_role("button", name=name).press("Enter")
        page.wait_for_url(f"{hall.url}/sso/callback/7?**")
        brought = parse_qs(urlsplit(page.url).query)
        assert brought["state"] == ["s"]
        assert ("code" in brought, "error" in brought) == (name != "Cancel", name == "Cancel")


def test_menu_of_a_phone_leads_everywhere(hall: Hall, gallery: Gallery) -> None:
    page = hall.page(hall.members, hall.owner, device="phone")
    page.locator("summary", has_text="Menu").tap()
    for name in (
        "Members",
        "Teams",
        "Projects",
        "Audit log",
        "Settings",
        "Demo mailbox",
        "Your account",
        "Switch organization",
    ):
        expect(page.locator(".menu-sheet").get_by_role("link", name=name)).to_be_visible()
    gallery.show(page, "menu-phone")
    gallery.assert_faultless()


def test_address_of_whoever_acted_stands_in_one_line_where_there_is_room(hall: Hall) -> None:
    people = move_in(hall)
    ida = hall.world.person("Ida Kranich", "ida.sonnenberg@kranich.example")
    hall.world.member(hall.slug, ida, Role.MANAGER)
    hall.world.invite(hall.slug, ida, LONG_ADDRESS)
    remove(hall, ida, people["Ben Okafor"])
    page = hall.page(f"/orgs/{hall.slug}/audit", hall.owner)
    address = page.locator("td .reason", has_text="ida.sonnenberg@kranich.example").first
    for width in (1280, 1024):
        page.set_viewport_size({"width": width, "height": 800})
        assert address.evaluate(LINES) == 1, width
        assert not scrolls_sideways(page), width


def remove(hall: Hall, by: Person, whom: Person) -> None:
    """Take somebody out, as a manager does."""

    def remove() -> None:
        organization = db.session.scalars(select(Organization).where(Organization.slug == hall.slug)).one()
        remover, removed = (members.of_user(organization, one.user_id) for one in (by, whom))
        actor = Actor.of(db.session.get_one(User, by.user_id), ip="192.0.2.17", member=remover)
        assert removed is not None
        removals.remove(actor, organization, removed)

    hall.world.write(remove)
