"""Whoever requires single sign-on has signed in at the provider just now, and it has said so."""

import json
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.identity_provider import ABSENT
from tests.support.pages import Page
from tests.support.requiring import REQUIRED, policy
from tests.support.sso import Desk, at_provider, departure
from tests.support.worlds import PASSWORD, World, post
from webapp import clock
from webapp.db import db
from webapp.models import Enforcement, FlowPurpose, IdentityProvider, Session, SsoFlow
from webapp.services.sso import flows
from webapp.services.tokens import digest


def hours_ago(hours: float) -> int:
    """Return when that was, as an ID token says it."""
    return int((clock.now() - timedelta(hours=hours)).timestamp())


def again(desk: Desk, browser: FlaskClient) -> TestResponse:
    """Follow the way of the page that requires it to the provider and back."""
    page = Page(browser.get(desk.address("enforce")))
    [way] = {str(one.attributes["href"]) for one in page.elements if "/sso/login?" in one.attributes.get("href", "")}
    form = next(one for one in Page(browser.get(way)).elements if one.tag == "form")
    return browser.get(at_provider(departure(browser, post(browser, str(form.attributes["action"])))))


@pytest.mark.parametrize("said", [3, None], ids=["hours ago", "nothing"])
def test_A22_E14_owner_whom_the_provider_knows_of_longer_ago_requires_nothing_until_they_sign_in_there(
    world: World, acme: Acme, desk: Desk, said: float | None
) -> None:
    desk.know(acme.owner)
    browser = world.browser(acme.owner)
    desk.theirs.claims_changes = {"auth_time": ABSENT if said is None else hours_ago(said)}
    assert desk.sign_in(browser).status_code == 303
    assert "max_age" not in desk.theirs.seen["authorize"]
    with acme.unchanged("session", "member"):
        refused = post(browser, desk.address("enforce"), **REQUIRED, confirm="1")
    assert refused.status_code == 422
    assert "signed in through the provider within the last ten minutes" in refused.text
    desk.theirs.claims_changes = {}
    assert again(desk, browser).location == desk.address("enforce")
    assert desk.theirs.seen["authorize"]["max_age"] == "600"
    assert post(browser, desk.address("enforce"), **REQUIRED, confirm="1").status_code == 303
    assert policy(acme, desk) == (Enforcement.REQUIRED, None)


@pytest.mark.parametrize(
    "said",
    [ABSENT, 3.0, -0.05, "a text", None, True],
    ids=["nothing", "hours ago", "in the future", "a text", "null", "a yes"],
)
def test_A22_E14_provider_that_does_not_ask_again_or_does_not_say_so_is_not_believed(
    world: World, acme: Acme, desk: Desk, said: object
) -> None:
    desk.know(acme.owner)
    browser = world.browser(acme.owner)
    way = desk.way_out(browser, "login?again=1")
    desk.theirs.claims_changes = {"auth_time": hours_ago(said) if isinstance(said, float) else said}
    with acme.unchanged("session", "member", "audit_entry", "audit_mention", "organization", "sso_flow"):
        answer = browser.get(at_provider(way))
    assert answer.status_code >= 400
    assert f"{desk.address('login')}?again=1" in answer.text
    assert acme.events()[-1] == "sso.refused"
    assert post(browser, desk.address("enforce"), **REQUIRED, confirm="1").status_code == 422
    assert policy(acme, desk) == (Enforcement.OFF, None)


def test_A22_E14_owner_who_signed_in_there_a_moment_too_long_ago_requires_nothing(
    world: World, acme: Acme, desk: Desk
) -> None:
    desk.know(acme.owner)
    browser = world.browser(acme.owner)
    desk.theirs.claims_changes = {"auth_time": hours_ago(9 / 60)}
    desk.sign_in(browser, "login?again=1")
    with time_machine.travel(clock.now() + timedelta(seconds=61), tick=False):
        assert post(browser, desk.address("enforce"), **REQUIRED, confirm="1").status_code == 422
    assert post(browser, desk.address("enforce"), **REQUIRED, confirm="1").status_code == 303


@pytest.mark.parametrize("order", ["anew first", "anew last"])
@pytest.mark.parametrize("said", [2, None], ids=["hours ago", "nothing"])
def test_A22_E14_sign_in_there_counts_though_one_of_before_comes_back_in_another_tab(
    acme: Acme, desk: Desk, order: str, said: float | None
) -> None:
    desk.know(acme.owner)
    browser = acme.browser(acme.owner)
    anew, plain = desk.way_out(browser, "login?again=1"), desk.way_out(browser)
    tabs = [(anew, hours_ago(0)), (plain, ABSENT if said is None else hours_ago(said))]
    for way, when in tabs if order == "anew first" else reversed(tabs):
        desk.theirs.claims_changes = {"auth_time": when}
        assert browser.get(at_provider(way)).status_code == 303
    assert post(browser, desk.address("enforce"), **REQUIRED, confirm="1").status_code == 303


def test_A22_E14_kind_that_cannot_say_so_counts_for_ten_minutes(world: World, acme: Acme, desk: Desk) -> None:
    desk.set(kind="google", options={"hosted_domain": "corp.example.org"})
    desk.theirs.claims_changes = {"hd": "corp.example.org", "auth_time": hours_ago(3)}
    desk.know(acme.owner)
    browser = world.browser(acme.owner)
    assert again(desk, browser).status_code == 303
    assert "max_age" not in desk.theirs.seen["authorize"]
    with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1), tick=False):
        assert post(browser, desk.address("enforce"), **REQUIRED, confirm="1").status_code == 422
    assert post(browser, desk.address("enforce"), **REQUIRED, confirm="1").status_code == 303


def test_A22_E14_kind_that_cannot_say_so_counts_from_when_people_signed_in_here(acme: Acme, desk: Desk) -> None:
    """It lets through whoever signed in there last week: a browser that an owner left open must not be enough."""
    desk.set(kind="google", options={"hosted_domain": "corp.example.org"})
    desk.theirs.claims_changes = {"hd": "corp.example.org"}
    desk.know(acme.owner)
    browser = acme.browser(acme.owner)
    acme.world.write(lambda: db.session.execute(update(Session).values(created_at=clock.now() - timedelta(hours=5))))
    assert again(desk, browser).status_code == 303
    for before, wanted in ((Enforcement.OFF, "required"), (Enforcement.REQUIRED, "off")):
        desk.set(enforcement=before)
        refused = post(browser, desk.address("enforce"), enforcement=wanted, from_date="", confirm="1")
        assert (policy(acme, desk), "Sign in again first" in refused.text) == ((before, None), True)
    desk.set(enforcement=Enforcement.OFF)
    post(browser, "/login?again=1", email=acme.owner.email, password=PASSWORD)
    assert again(desk, browser).status_code == 303
    for wanted in ("required", "off"):
        assert post(browser, desk.address("enforce"), enforcement=wanted, from_date="", confirm="1").status_code == 303


def test_E14_flow_of_an_earlier_version_is_read(acme: Acme, desk: Desk) -> None:
    """While servers are replaced one by one, flows go on that another version began."""

    def read() -> list[tuple[bool, int | None]]:
        provider = db.session.get_one(IdentityProvider, desk.provider_id)
        found = []
        for later in ([], [True], [False, 600]):
            state = f"state {later}"
            flows.begin(provider, FlowPurpose.SIGN_IN, flows.Secrets(state, "nonce", "verifier"), browser="b")
            name = digest(state)
            row = db.session.scalars(select(SsoFlow).where(SsoFlow.state_hash == name)).one()
            row.secrets = db.vault.seal(f"sso_flow:{name}", json.dumps(["nonce", "verifier", None, None, *later]))
            db.session.flush()
            secrets = flows.find(state, ["b"]).secrets
            found.append((secrets.is_respelled, secrets.max_age_seconds))
        return found

    assert acme.world.write(read) == [(False, None), (True, None), (False, 600)]
