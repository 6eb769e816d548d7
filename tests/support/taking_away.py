"""Acme's member, whom the connection knows by somebody else's account there, and the owner who takes that link away."""

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.sso import Desk
from tests.support.worlds import PASSWORD, Person, post


def wrongly_linked(desk: Desk) -> Desk:
    """Let a connection know Acme's owner as u-9, and its member as u-2: as whom Thea signs in there; return it."""
    desk.theirs.people["u-2"] = {"email": "thea@example.org", "email_verified": True, "name": "Thea Thief"}
    desk.theirs.people["u-9"] = {"email": "olive@corp.example", "email_verified": True, "name": "Olive"}
    desk.know(desk.acme.owner, "u-9")
    desk.know(desk.acme.member, "u-2")
    return desk


def page_of(acme: Acme, person: Person) -> str:
    """Return the address of somebody's page."""
    return acme.address(f"members/{acme.member_id(person)}")


def sign_in_as(desk: Desk, subject: str, browser: FlaskClient | None = None) -> TestResponse:
    """Sign in at the provider as a subject, in a browser of one's own where there is none yet."""
    desk.theirs.person = subject
    return desk.sign_in(browser or desk.acme.world.browser())


def link_as(desk: Desk, subject: str, person: Person) -> int:
    """Link somebody, in a browser where they have just signed in with their password, to a subject."""
    desk.theirs.person = subject
    browser = desk.acme.world.browser()
    post(browser, "/login", email=person.email, password=PASSWORD)
    return desk.link(browser).status_code


def owner_of(desk: Desk) -> FlaskClient:
    """Return the browser of Acme's owner, who has just come through the provider."""
    browser = desk.acme.browser(desk.acme.owner)
    assert sign_in_as(desk, "u-9", browser).status_code == 303
    return browser


def take_away(desk: Desk, person: Person, browser: FlaskClient | None = None) -> TestResponse:
    """Read the question about somebody's link and say yes to it, as Acme's owner."""
    browser, address = browser or owner_of(desk), f"{page_of(desk.acme, person)}/unlink"
    question = browser.get(address)
    assert question.status_code == 200, question.text
    return post(browser, address, **Page(question).answer())


def remove(desk: Desk, person: Person) -> None:
    """Let the owner remove somebody."""
    address = f"{page_of(desk.acme, person)}/remove"
    assert post(desk.acme.browser(desk.acme.owner), address, confirm="1").status_code == 303
