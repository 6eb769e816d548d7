"""The page that proves an address, and asking for its letter again."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.unproven import unproven
from tests.support.worlds import PASSWORD, Person, World, post
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import EmailAddress
from webapp.services import accounts, addresses, attempts


@pytest.fixture
def una(world: World) -> tuple[Person, str]:
    """Somebody with an unproven address, and the token of the letter."""
    return unproven(world, "una@example.net")


def is_verified(world: World, person: Person) -> bool:
    statement = select(EmailAddress.verified_at).where(EmailAddress.user_id == person.user_id)
    return world.read(lambda: db.session.scalars(statement).one()) is not None


def follow(browser: FlaskClient, token: str, **fields: Any) -> TestResponse:
    return post(browser, f"/verify-email/{token}", **fields)


def test_signed_in_owner_of_the_account_verifies_by_a_click(world: World, una: tuple[Person, str]) -> None:
    person, token = una
    browser = world.browser(person)
    page = Page(browser.get(f"/verify-email/{token}"))
    assert page.named("password") == []
    assert "una@example.net" in page.text
    answer = follow(browser, token)
    assert (answer.status_code, answer.location) == (303, "/")
    assert is_verified(world, person)
    assert "una@example.net is verified." in Page(browser.get("/orgs/")).text
    assert post(world.browser(), "/login", email="una@example.net", password=PASSWORD).status_code == 303


def test_who_knows_the_password_verifies_without_being_signed_in(world: World, una: tuple[Person, str]) -> None:
    person, token = una
    answer = follow(world.browser(), token, password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/login")
    assert is_verified(world, person)


@pytest.mark.parametrize("password", ["", "wrong horse battery staple"])
def test_C03_receiver_of_the_letter_alone_proves_nothing_for_a_strangers_account(
    acme: Acme, una: tuple[Person, str], password: str
) -> None:
    person, token = una
    for browser in (acme.browser(), acme.browser(acme.owner)):
        assert len(Page(browser.get(f"/verify-email/{token}")).named("password")) == 1
        with acme.unchanged():
            answer = follow(browser, token, password=password)
        assert answer.status_code == 422
    assert not is_verified(acme.world, person)


def test_C11_following_the_link_changes_nothing(world: World, una: tuple[Person, str]) -> None:
    person, token = una
    browser, before = world.browser(person), world.dump()
    for _ in range(10):
        assert browser.get(f"/verify-email/{token}").status_code == 200
        assert browser.head(f"/verify-email/{token}").status_code == 200
    assert world.dump() == before


def test_post_needs_its_csrf_token(world: World, una: tuple[Person, str]) -> None:
    person, token = una
    assert world.browser(person).post(f"/verify-email/{token}", data={"password": PASSWORD}).status_code == 403
    assert not is_verified(world, person)


def test_passwords_cannot_be_guessed_here(acme: Acme, una: tuple[Person, str]) -> None:
    _, token = una
    browser = acme.browser()
    answers = [follow(browser, token, password="wrong horse battery staple").status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]
    with acme.unchanged():
        assert follow(browser, token, password=PASSWORD).status_code == 429


def test_used_link_is_dead(world: World, una: tuple[Person, str]) -> None:
    person, token = una
    browser = world.browser(person)
    follow(browser, token)
    before = world.dump()
    assert browser.get(f"/verify-email/{token}").status_code == 404
    assert follow(browser, token).status_code == 404
    assert world.dump() == before


def test_address_proven_by_somebody_else_meanwhile_is_a_sentence(world: World, una: tuple[Person, str]) -> None:
    person, token = una
    other, other_token = unproven(world, "una@example.net", "Una the Other")
    follow(world.browser(other), other_token)
    browser, before = world.browser(person), world.dump()
    answer = follow(browser, token)
    assert answer.status_code == 409
    assert "Another account has proven this address, so it cannot be yours as well" in Page(answer).text
    assert world.dump() == before


def tokens_of_other_kinds(acme: Acme) -> dict[str, str]:
    invited = acme.world.invite(acme.slug, acme.owner, "guest@example.org")
    acme.world.write(accounts.request_reset, Actor.system(), addresses.parse(acme.member.email))
    reset = acme.world.token_of(acme.world.letters("password_reset")[-1])
    verify = unproven(acme.world, "una@example.net")[1]
    with acme.browser(acme.owner).session_transaction() as cookie:
        return {"invitation": invited.token, "reset": reset, "verification": verify, "session": cookie["token"]}


def test_C01_token_of_another_kind_opens_nothing(acme: Acme) -> None:
    tokens = tokens_of_other_kinds(acme)
    places = {"verification": "/verify-email/", "invitation": "/invitations/", "reset": "/reset-password/"}
    for place, path in places.items():
        others = [token for kind, token in tokens.items() if kind != place]
        altered = [tokens[place][:-1], f"{tokens[place]}A", tokens[place].swapcase(), "x" * 43]
        for token in others + altered:
            browser = acme.browser()
            with acme.unchanged():
                form = {"password": PASSWORD, "name": "Bob", "accept": "1"}
                answers = [browser.get(path + token), post(browser, path + token, **form)]
            assert [answer.status_code for answer in answers] == [404, 404], f"{place}: {token}"


class TestSendingAgain:
    """POST /verify-email."""

    def test_letter_goes_to_the_own_address_and_back_to_the_page(self, world: World, una: tuple[Person, str]) -> None:
        person, _ = una
        browser = world.browser(person)
        answer = post(browser, "/verify-email", next="/orgs/")
        assert (answer.status_code, answer.location) == (303, "/orgs/")
        assert [letter.to_address for letter in world.letters("verify_address")] == ["una@example.net"] * 2
        assert "is on its way to una@example.net" in Page(browser.get("/orgs/")).by_id("notices").text

    def test_F01_address_in_the_form_gets_nothing(self, world: World, una: tuple[Person, str]) -> None:
        person, _ = una
        more: dict[str, Any] = {
            "email": ["eve@example.org", "una@example.net,eve@example.org"],
            "to": "eve@example.org",
        }
        post(world.browser(person), "/verify-email?email=eve@example.org", next="//evil.example.org", **more)
        assert {letter.to_address for letter in world.letters()} == {"una@example.net"}

    def test_C14_eleventh_letter_of_a_day_is_refused(self, acme: Acme, una: tuple[Person, str]) -> None:
        browser = acme.world.browser(una[0])
        for _ in range(10):
            post(browser, "/verify-email")
        with acme.unchanged():
            answer = post(browser, "/verify-email")
        assert answer.status_code == 429
        assert "una@example.net had enough letters for today." in Page(answer).text

    def test_C14_limit_of_the_network_says_nothing_of_the_address(self, acme: Acme, una: tuple[Person, str]) -> None:
        [limit] = attempts.limits_of("verify-email-letters", "127.0.0.1")
        acme.world.write(lambda: attempts.raise_counters({limit: limit.most}))
        browser = acme.world.browser(una[0])
        with acme.unchanged():
            answer = post(browser, "/verify-email")
        assert answer.status_code == 429
        assert "Too many attempts. Nothing was checked;" in Page(answer).text

    def test_proven_address_needs_no_letter(self, acme: Acme) -> None:
        with acme.unchanged():
            assert post(acme.browser(acme.member), "/verify-email").status_code == 303

    def test_who_is_not_signed_in_goes_to_sign_in(self, acme: Acme) -> None:
        with acme.unchanged():
            answer = post(acme.browser(), "/verify-email")
        assert (answer.status_code, answer.location) == (303, "/login")
