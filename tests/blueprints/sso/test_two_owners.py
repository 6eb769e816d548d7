"""Two owners who do the same at the same moment: no error page, one effect, and one set of letters."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.sso import Desk, rows, work
from tests.support.visitor import at_once
from tests.support.worlds import World, csrf_token
from webapp import clock
from webapp.db import db
from webapp.models import IdentityProvider, ProviderStatus, RecoveryCode, Role, SsoDomain

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
    assert letters(acme, "sso_link_reminder") == sorted([acme.admin.email, acme.member.email])
    assert acme.events().count("sso.reminded") == 1


def test_both_switch_it_off(acme: Acme, desk: Desk, browsers: list[FlaskClient]) -> None:
    assert send(browsers, desk.address("disable"), confirm="1") == [303, 404]
    assert row(acme, desk).status is ProviderStatus.DISABLED
    work(acme.world.app)
    assert letters(acme, "sso_disabled") == sorted([acme.owner.email, acme.manager.email])
    assert acme.events().count("sso.disabled") == 1


@pytest.mark.parametrize("days", [0, 9], ids=["now", "later"])
def test_both_require_it(acme: Acme, desk: Desk, browsers: list[FlaskClient], days: int) -> None:
    day = (clock.now() + timedelta(days=days)).date().isoformat() if days else ""
    form = {"enforcement": "required", "from_date": day, "confirm": "1"}
    assert send(browsers, desk.address("enforce"), **form) == [303, 303]
    assert letters(acme, "sso_enforced") == sorted([acme.owner.email, acme.manager.email])
    assert acme.events().count("sso.enforced") == 1


def test_both_make_recovery_codes_and_ten_are_left(acme: Acme, desk: Desk, browsers: list[FlaskClient]) -> None:
    assert send(browsers, desk.address("recovery-codes")) == [200, 200]
    assert rows(acme, RecoveryCode) == 10
    assert acme.events().count("sso.codes_made") == 2
