"""People who sign in through a provider alone, and what leads them to another way in."""

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.sso import Desk, signed_in_as, work
from tests.support.worlds import PASSWORD, World, post
from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import LinkNotValid
from webapp.models import Identity, Joining, Organization, OutboxMessage, ProviderStatus, User
from webapp.services import attempts, verification
from webapp.services.attempts import DAY, Limit
from webapp.services.sso import connections, disabling
from webapp.services.sso.disabling import MOST_UNPROVEN_A_DAY

NEW_PASSWORD = "pale blue lantern orchard"
MIA = "mia@example.org"


@pytest.fixture
def mia(world: World, acme: Acme, desk: Desk) -> FlaskClient:
    """The browser of somebody who has just joined through the provider, without a password or a proven address."""
    desk.set(joining=Joining.ALLOWED)
    desk.prove_domain("example.org")
    browser = world.browser()
    assert desk.sign_in(browser).status_code == 303
    return browser


def switch_off(acme: Acme, desk: Desk) -> None:
    browser = acme.browser(acme.owner)
    question = Page(browser.get(desk.address("disable")))
    assert post(browser, desk.address("disable"), **question.answer()).status_code == 303
    work(acme.world.app)


def letter_to(world: World, address: str, kind: str) -> OutboxMessage:
    return [letter for letter in world.letters(kind) if letter.to_address == address][-1]


def signs_in(world: World, email: str, password: str) -> bool:
    return post(world.browser(), "/login", page="/login", email=email, password=password).status_code == 303


def test_A23_whoever_may_not_unlink_verifies_chooses_a_password_and_then_may(
    world: World, acme: Acme, desk: Desk, mia: FlaskClient
) -> None:
    answer = mia.get(desk.address("unlink"))
    assert (answer.status_code, "Verify mia@example.org first" in answer.text) == (409, True)
    assert post(mia, "/verify-email", next=desk.address("unlink")).location == desk.address("unlink")
    link = f"/verify-email/{world.token_of(letter_to(world, MIA, 'verify_address'))}"
    assert post(mia, link, page=link).status_code == 303
    answer = mia.get(desk.address("unlink"))
    assert (answer.status_code, "a link to choose a password to mia@example.org" in answer.text) == (409, True)
    assert post(mia, "/forgot-password", email=MIA).status_code == 303
    link = f"/reset-password/{world.token_of(letter_to(world, MIA, 'password_reset'))}"
    assert post(mia, link, page=link, password=NEW_PASSWORD).status_code == 303
    assert post(mia, "/login", page="/login", email=MIA, password=NEW_PASSWORD).status_code == 303
    assert mia.get(desk.address("unlink")).status_code == 200
    assert post(mia, desk.address("unlink"), confirm="1").status_code == 303


def test_A23_letter_leads_whoever_has_no_proven_address_to_a_password(
    world: World, acme: Acme, desk: Desk, mia: FlaskClient
) -> None:
    switch_off(acme, desk)
    assert signed_in_as(mia) is None
    link = f"/verify-email/{world.token_of(letter_to(world, MIA, 'sso_disabled'))}"
    with acme.unchanged():
        page = world.browser().get(link).text
    assert "used no more. Choose a password" in page
    browser = world.browser()
    assert post(browser, link, page=link, password="short").status_code == 422
    assert post(browser, link, page=link, password=NEW_PASSWORD).location == "/login"
    assert signs_in(world, MIA, NEW_PASSWORD)
    assert browser.get(link).status_code == 404


def test_link_that_has_expired_leads_to_another(world: World, acme: Acme, desk: Desk, mia: FlaskClient) -> None:
    switch_off(acme, desk)
    link = f"/verify-email/{world.token_of(letter_to(world, MIA, 'sso_disabled'))}"
    with time_machine.travel(clock.now() + timedelta(days=2), tick=False):
        browser = world.browser()
        assert "This link has expired" in browser.get(link).text
        assert post(browser, link, page=link).status_code == 303
        link = f"/verify-email/{world.token_of(letter_to(world, MIA, 'verify_address'))}"
        assert post(browser, link, page=link, password=NEW_PASSWORD).status_code == 303
        assert signs_in(world, MIA, NEW_PASSWORD)


def test_A01_link_gives_no_account_away_that_a_provider_knows(
    world: World, acme: Acme, desk: Desk, mia: FlaskClient
) -> None:
    switch_off(acme, desk)
    link = f"/verify-email/{world.token_of(letter_to(world, MIA, 'sso_disabled'))}"
    browser = world.browser()
    desk.set(status=ProviderStatus.ACTIVE)
    before = world.dump(without={"attempts", "audit_entry"})
    assert post(browser, link, page=link, password=NEW_PASSWORD).status_code == 422
    with pytest.raises(LinkNotValid):
        world.write(lambda: verification.choose_password(link.rpartition("/")[2], "hash", ip=None))
    assert world.dump(without={"attempts", "audit_entry"}) == before


def test_address_that_somebody_else_has_proven_gets_no_letter(
    world: World, acme: Acme, desk: Desk, mia: FlaskClient
) -> None:
    world.person("Mia Elsewhere", MIA)
    switch_off(acme, desk)
    assert world.letters("sso_disabled") == []


def test_X06_unproven_address_gets_no_second_letter_within_a_day(
    world: World, acme: Acme, desk: Desk, mia: FlaskClient
) -> None:
    def disable(actor: Actor, here: Organization) -> None:
        disabling.disable(actor, here, connections.require_active(here))

    with time_machine.travel(clock.now(), tick=False) as now:
        for hours, letters in ((0, 1), (23, 1), (2, 2)):
            now.shift(timedelta(hours=hours))
            desk.set(status=ProviderStatus.ACTIVE)
            acme.act(acme.owner, disable)
            work(world.app)
            assert [letter.to_address for letter in world.letters("sso_disabled")] == [MIA] * letters


def test_X06_organization_writes_to_few_unproven_addresses_a_day(
    world: World, acme: Acme, desk: Desk, mia: FlaskClient
) -> None:
    organization_id = world.read(lambda: acme.organization().id)
    bucket = Limit(f"sso_disabled:unproven:{organization_id}", MOST_UNPROVEN_A_DAY, DAY)
    world.write(lambda: attempts.raise_counters({bucket: MOST_UNPROVEN_A_DAY}))
    switch_off(acme, desk)
    assert world.letters("sso_disabled") == []
    with time_machine.travel(clock.now() + timedelta(days=1, minutes=1), tick=False):
        work(world.app)
    assert [letter.to_address for letter in world.letters("sso_disabled")] == [MIA]


def test_whoever_has_a_password_proves_the_address_by_it(
    world: World, acme: Acme, desk: Desk, mia: FlaskClient
) -> None:
    def give() -> None:
        found = db.session.query(User).join(Identity, Identity.user_id == User.id).one()
        found.password_hash = db.session.get_one(User, acme.member.user_id).password_hash

    world.write(give)
    switch_off(acme, desk)
    link = f"/verify-email/{world.token_of(letter_to(world, MIA, 'sso_disabled'))}"
    browser = world.browser()
    assert post(browser, link, page=link, password=NEW_PASSWORD).status_code == 422
    assert post(browser, link, page=link, password=PASSWORD).status_code == 303
    assert signs_in(world, MIA, PASSWORD)
