"""Requiring single sign-on in a browser: rehearse it, make recovery codes, come in by one; and other ways in."""

import re
from datetime import timedelta

from playwright.sync_api import expect
from sqlalchemy import update

from tests.browser.hall import Hall
from tests.browser.test_look import Gallery, gallery  # noqa: F401  (a fixture)
from tests.browser.test_single_sign_on import set_up, theirs  # noqa: F401  (likewise)
from tests.support.identity_provider import HostileProvider
from tests.support.worlds import Person
from webapp import clock
from webapp.db import db
from webapp.models import EmailAddress, IdentityProvider, Role, User
from webapp.services import verification

CODE = re.compile(r"\b[0-9a-z]{4}(?:-[0-9a-z]{4}){3}\b")


def end_rehearsal(hall: Hall) -> None:
    """Let the day have come on which it is required."""
    required = {"rehearsed_since": None, "required_from": None}
    hall.world.write(lambda: db.session.execute(update(IdentityProvider).values(required)))


def make_nobodys(hall: Hall, person: Person) -> str:
    """Let somebody have neither a password nor a proven address; return the token of a link that proves it."""

    def make() -> str:
        db.session.get_one(User, person.user_id).password_hash = None
        email = db.session.query(EmailAddress).filter_by(user_id=person.user_id).one()
        email.verified_at = None
        return verification.prepare([email.id])[0]

    return str(hall.world.write(make))


def test_owner_rehearses_it_and_comes_in_by_a_code_once_it_is_required(
    hall: Hall,
    theirs: HostileProvider,  # noqa: F811
    gallery: Gallery,  # noqa: F811
) -> None:
    owner, sso = hall.owner, f"/orgs/{hall.slug}/sso"
    ben = hall.world.person("Ben Okafor", "ben@example.com")
    hall.world.member(hall.slug, ben, Role.MEMBER)
    page = hall.page(sso, owner, refusal="422")
    set_up(page, theirs)
    page.get_by_role("link", name="Change Require single sign-on").click()
    page.get_by_role("radio", name="Required").check()
    page.get_by_label("From this day on").fill((clock.now() + timedelta(days=9)).date().isoformat())
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Require it").click()
    expect(page.get_by_text("until then it is rehearsed")).to_be_visible()
    his = hall.page(hall.members, ben)
    expect(his.get_by_role("row", name="Ben Okafor")).to_be_visible()
    for name, path in (("overview", ""), ("enforce", "/enforce"), ("list", "/rehearsal")):
        page.goto(f"{sso}{path}")
        expect(page.get_by_text("Ben Okafor").first).to_be_visible()
        gallery.show(page, f"sso-rehearsal-{name}")

    page.goto(sso)
    page.get_by_role("link", name="Recovery codes").click()
    expect(page.get_by_role("heading", name="Recovery codes", level=1)).to_be_visible()
    gallery.show(page, "sso-codes")
    page.get_by_role("button", name="Make new codes").click()
    codes = CODE.findall(page.get_by_label("Recovery codes of Harbour Works").input_value())
    assert len(codes) == 10
    gallery.show(page, "sso-codes-new")

    end_rehearsal(hall)
    hers = hall.page(hall.members, owner, refusal="422")
    hers.get_by_role("link", name="Owners: come in by a recovery code").click()
    hers.get_by_label("Recovery code").fill("0000-0000-0000-0000")
    hers.get_by_role("button", name="Come in").click()
    expect(hers.locator("#code-error")).to_contain_text("none of the codes that are left")
    gallery.show(hers, "sso-recover")
    hers.get_by_label("Recovery code").fill(codes[3].upper())
    hers.get_by_role("button", name="Come in").click()
    expect(hers.get_by_text("You are in until")).to_be_visible()
    expect(hers.get_by_role("row", name="Ada Winter")).to_be_visible()
    gallery.show(hers, "sso-recovered")
    gallery.assert_faultless()


def test_whoever_has_no_other_way_in_is_led_to_one(
    hall: Hall,
    theirs: HostileProvider,  # noqa: F811
    gallery: Gallery,  # noqa: F811
) -> None:
    owner, sso = hall.owner, f"/orgs/{hall.slug}/sso"
    hers = hall.page(sso, owner)
    set_up(hers, theirs)
    expect(hers.get_by_text("Single sign-on works")).to_be_visible()
    ben = hall.world.person("Ben Okafor", "ben@example.com")
    hall.world.member(hall.slug, ben, Role.MEMBER)
    token = make_nobodys(hall, ben)
    his = hall.page(f"{sso}/unlink", ben, refusal="409")
    expect(his.get_by_role("button", name="Send the letter")).to_be_visible()
    gallery.show(his, "sso-last-way-in")
    page = hall.page(f"/verify-email/{token}")
    page.get_by_label("New password").fill("pale blue lantern orchard")
    gallery.show(page, "verify-choose")
    page.get_by_role("button", name="Verify the address").click()
    expect(page.get_by_text("and you have a password")).to_be_visible()
    gallery.assert_faultless()
