"""Two owners who do the same at the same moment: no error page, one effect, and one set of letters."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.identity_provider import CLIENT_ID
from tests.support.managed import groups, held
from tests.support.sso import Desk, at_provider, departure, rows, work
from tests.support.teams import furnish
from tests.support.visitor import at_once
from tests.support.worlds import World, csrf_token, post
from webapp import clock
from webapp.db import db
from webapp.models import IdentityProvider, ProviderStatus, RecoveryCode, Role, SsoDomain, SsoMapping
from webapp.providers.demo_identity_provider import DemoClient

POLICY = {"joining": "allowed", "domains": "corp.example.org", "default_role": "member", "verification_days": "14"}


@pytest.fixture
def browsers(world: World, acme: Acme, desk: Desk) -> list[FlaskClient]:
    """The browsers of both owners, who are linked, have just come through the provider, and know the password too."""
    acme.change(acme.manager, role=Role.OWNER)
    found = []
    for number, person in enumerate((acme.owner, acme.manager), start=1):
        desk.know(person, f"u-{number}")
        desk.theirs.person = f"u-{number}"
        browser = acme.browser(person)
        desk.sign_in(browser)
        found.append(browser)
    return found


def send(browsers: list[FlaskClient], address: str, **form: str) -> list[int]:
    """Send a form from both browsers at the same moment; return the answers, lowest first."""
    tokens = [csrf_token(browser) for browser in browsers]

    def press(index: int) -> int:
        return browsers[index].post(address, data={**form, "csrf_token": tokens[index]}).status_code

    return sorted(at_once(2, press))


def do(*steps: Callable[[], int]) -> list[int]:
    """Let each send something at the same moment; return the answers, in the order of the steps."""
    return at_once(len(steps), lambda index: steps[index]())


def sending(browser: FlaskClient, address: str, **form: str) -> Callable[[], int]:
    """Return what sends a form."""
    token = csrf_token(browser)
    return lambda: browser.post(address, data={**form, "csrf_token": token}).status_code


def row(acme: Acme, desk: Desk) -> IdentityProvider:
    found: IdentityProvider = acme.world.read(lambda: db.session.get_one(IdentityProvider, desk.provider_id))
    return found


def letters(acme: Acme, kind: str) -> list[str]:
    return sorted(letter.to_address for letter in acme.world.letters(kind))


def test_both_save_the_same_rules(acme: Acme, desk: Desk, browsers: list[FlaskClient]) -> None:
    assert send(browsers, acme.address("sso"), **POLICY) == [303, 303]
    assert (row(acme, desk).verification_days, rows(acme, SsoDomain)) == (14, 1)
    assert acme.events().count("sso.edited") == 1


def test_both_remind_everybody(acme: Acme, desk: Desk, browsers: list[FlaskClient]) -> None:
    assert send(browsers, desk.address("remind"), all="1") == [303, 303]
    work(acme.world.app)
    assert letters(acme, "sso_link_reminder") == sorted([acme.admin.email, acme.member.email])
    assert acme.events().count("sso.reminded") == 1


def test_both_switch_it_off(acme: Acme, desk: Desk, browsers: list[FlaskClient]) -> None:
    assert send(browsers, desk.address("disable"), confirm="1") == [303, 404]
    assert row(acme, desk).status is ProviderStatus.DISABLED
    work(acme.world.app)
    assert letters(acme, "sso_disabled") == sorted([acme.owner.email, acme.manager.email])
    assert acme.events().count("sso.disabled") == 1


def test_both_take_the_same_link_away_and_one_is_told_that_it_is_none_any_more(
    acme: Acme, desk: Desk, browsers: list[FlaskClient]
) -> None:
    desk.know(acme.member, "u-3")
    address = acme.address(f"members/{acme.member_id(acme.member)}/unlink")
    assert send(browsers, address, confirm="1") == [303, 404]
    assert ("u-3", acme.member.user_id) not in desk.identities()
    assert letters(acme, "sso_taken_away") == [acme.member.email]
    assert acme.events().count("sso.unlinked") == 1


@pytest.mark.parametrize("days", [0, 9], ids=["now", "later"])
def test_both_require_it(acme: Acme, desk: Desk, browsers: list[FlaskClient], days: int) -> None:
    day = (clock.now() + timedelta(days=days)).date().isoformat() if days else ""
    form = {"enforcement": "required", "from_date": day, "confirm": "1"}
    assert send(browsers, desk.address("enforce"), **form) == [303, 303]
    assert letters(acme, "sso_enforced") == sorted([acme.owner.email, acme.manager.email])
    assert acme.events().count("sso.enforced") == 1


def test_both_make_recovery_codes_and_ten_are_left(acme: Acme, desk: Desk, browsers: list[FlaskClient]) -> None:
    assert send(browsers, desk.address("recovery-codes")) == [303, 303]
    assert rows(acme, RecoveryCode) == 10
    assert acme.events().count("sso.codes_made") == 2


@pytest.fixture
def rule(acme: Acme, desk: Desk, browsers: list[FlaskClient]) -> dict[str, str]:
    """A rule that fills Red's group Readers, as the form sends it."""
    office = furnish(acme)
    form = {"claim": "groups", "value": "staff", "group": str(office.readers), "confirm": "1"}
    assert send_one(browsers[0], desk.address("mappings"), form) == 303
    return form


def send_one(browser: FlaskClient, address: str, form: dict[str, str]) -> int:
    return sending(browser, address, **form)()


def rules(acme: Acme) -> dict[str, int]:
    """Return the value of each rule, with its id."""
    found = select(SsoMapping.value, SsoMapping.id)
    return acme.world.read(lambda: {value: number for value, number in db.session.execute(found)})


def test_one_adds_a_rule_of_a_group_and_the_other_removes_its_only_one(
    acme: Acme, desk: Desk, browsers: list[FlaskClient], rule: dict[str, str]
) -> None:
    [number] = rules(acme).values()
    one = sending(browsers[0], desk.address("mappings"), **{**rule, "value": "desk"})
    other = sending(browsers[1], desk.address(f"mappings/{number}/remove"), confirm="1")
    assert do(one, other) == [303, 303]
    assert (list(rules(acme)), groups(acme)["Readers"][0], held(acme)) == (["desk"], "sso", set())
    assert (acme.events().count("sso.mapped"), acme.events().count("sso.unmapped")) == (2, 1)


def test_both_remove_a_rule_and_it_ends_once(
    acme: Acme, desk: Desk, browsers: list[FlaskClient], rule: dict[str, str]
) -> None:
    [number] = rules(acme).values()
    assert send(browsers, desk.address(f"mappings/{number}/remove"), confirm="1") == [303, 404]
    assert (rules(acme), groups(acme)["Readers"][0]) == ({}, None)
    assert acme.events().count("sso.unmapped") == 1


def test_both_add_the_same_rule_and_it_is_there_once(
    acme: Acme, desk: Desk, browsers: list[FlaskClient], rule: dict[str, str]
) -> None:
    assert send(browsers, desk.address("mappings"), **{**rule, "value": "desk"}) == [303, 422]
    assert sorted(rules(acme)) == ["desk", "staff"]
    assert acme.events().count("sso.mapped") == 2


def test_both_renew_the_client_secret_and_one_begins_anew(acme: Acme, desk: Desk, browsers: list[FlaskClient]) -> None:
    known = desk.theirs.clients[CLIENT_ID].redirect_uris
    desk.theirs.clients[CLIENT_ID] = DemoClient("another canary", known)
    form = {"client_secret": "another canary"}
    backs = [at_provider(departure(browser, post(browser, desk.address("secret"), **form))) for browser in browsers]
    version = row(acme, desk).version
    steps = [partial(come_back, browser, back) for browser, back in zip(browsers, backs, strict=True)]
    assert sorted(do(*steps)) == [303, 409]
    assert row(acme, desk).version == version + 1
    assert acme.events().count("sso.edited") == 1
    assert desk.sign_in(acme.world.browser()).status_code == 303


def come_back(browser: FlaskClient, path: str) -> int:
    return browser.get(path).status_code
