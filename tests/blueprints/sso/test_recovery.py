"""Recovery codes: an owner comes in by one while the provider lets nobody in; once, for a while, and not unnoticed."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from tests.support.acme import Acme
from tests.support.sso import Desk, rows
from tests.support.teams import make_project, make_team
from tests.support.transactions import clashes
from tests.support.visitor import at_once
from tests.support.worlds import Person, csrf_token, post
from webapp import clock
from webapp.db import db
from webapp.mail.housekeeping import clear_all
from webapp.models import Enforcement, RecoveryCode, Role, ShownCodes, User
from webapp.services.sso import recovery

CODE = re.compile(r"\b[0-9a-z]{4}(?:-[0-9a-z]{4}){3}\b")
WRONG = "0000-0000-0000-0000"


@pytest.fixture
def codes(acme: Acme, desk: Desk) -> list[str]:
    """The codes of Acme, which requires its provider; nobody is linked."""
    desk.know(acme.suspended)
    found: list[str] = acme.act(acme.owner, lambda actor, here: recovery.make(actor, here, 1))
    desk.set(enforcement=Enforcement.REQUIRED)
    return found


@pytest.fixture
def browser(acme: Acme) -> FlaskClient:
    """The browser of the owner, who has just signed in with a password."""
    return acme.browser(acme.owner)


def come_in(desk: Desk, browser: FlaskClient, code: str) -> int:
    return post(browser, desk.address("recover"), code=code).status_code


def is_in(acme: Acme, browser: FlaskClient) -> bool:
    return browser.get(acme.address("members")).status_code == 200


def test_E05_codes_are_shown_however_often_the_page_is_loaded_and_kept_as_hashes(
    acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    made = post(browser, desk.address("recovery-codes"))
    assert (made.status_code, made.location) == (303, desk.address("recovery-codes"))
    before = acme.world.dump()
    browser.head(made.location)
    answer = browser.get(made.location)
    shown = CODE.findall(answer.text)
    assert (answer.status_code, len(set(shown))) == (200, recovery.NUMBER)
    assert CODE.findall(browser.get(made.location).text) == shown
    assert acme.world.dump() == before
    assert "10 codes are left." in answer.text
    assert "they are shown for 5 minutes, only in this browser" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"

    def kept() -> list[str]:
        return [str(row.code_hash) for row in db.session.query(RecoveryCode)]

    assert all(re.fullmatch("[0-9a-f]{64}", one) for one in acme.world.read(kept))
    assert acme.events()[-1] == "sso.codes_made"
    assert [letter.data["what"] for letter in acme.world.letters("sso_recovery")] == ["made"]


def test_new_codes_are_shown_in_the_browser_that_made_them_for_five_minutes_and_nowhere_else(
    acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    acme.change(acme.manager, role=Role.OWNER)
    began = clock.now()
    post(browser, desk.address("recovery-codes"))
    for other in (acme.world.browser(acme.owner), acme.browser(acme.manager)):
        assert not CODE.findall(other.get(desk.address("recovery-codes")).text)
    kept = str(acme.world.dump()["shown_codes"])
    assert not CODE.findall(kept)
    with time_machine.travel(began + timedelta(minutes=4), tick=False):
        assert CODE.findall(browser.get(desk.address("recovery-codes")).text)
    with time_machine.travel(began + timedelta(minutes=6), tick=False):
        page = browser.get(desk.address("recovery-codes")).text
        assert not CODE.findall(page)
        assert "10 codes are left." in page
        with acme.world.app.app_context():
            clear_all()
    assert rows(acme, ShownCodes) == 0


def test_new_code_that_was_used_is_not_shown_any_more(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    codes = CODE.findall(browser.get(post(browser, desk.address("recovery-codes")).location).text)
    desk.set(enforcement=Enforcement.REQUIRED)
    assert come_in(desk, browser, codes[3]) == 303
    page = browser.get(desk.address("recovery-codes")).text
    assert CODE.findall(page) == [code for code in codes if code != codes[3]]
    assert "9 codes are left." in page


def test_status_says_how_many_codes_are_left_and_warns_where_they_are_needed(
    acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    assert "Recovery codes: none yet" in browser.get(acme.address("sso")).text
    assert "state-warning" not in browser.get(acme.address("sso")).text
    desk.set(enforcement=Enforcement.REQUIRED)
    desk.know(acme.owner)
    desk.sign_in(browser)
    assert "state-warning" in browser.get(acme.address("sso")).text
    codes: list[str] = acme.act(acme.owner, lambda actor, here: recovery.make(actor, here, 1))
    assert come_in(desk, browser, codes[0]) == 303
    page = browser.get(acme.address("sso")).text
    assert (f"Recovery codes: {len(codes) - 1} left" in page, "state-warning" in page) == (True, False)


def test_secrets_are_in_no_letter_and_no_entry(acme: Acme, codes: list[str]) -> None:
    said = str([letter.data for letter in acme.world.letters("sso_recovery")]) + str(
        [(entry.before, entry.after) for entry in acme.entries()]
    )
    assert not any(code in said for code in codes)


def test_new_codes_replace_all_earlier_ones(acme: Acme, desk: Desk, codes: list[str], browser: FlaskClient) -> None:
    acme.act(acme.owner, lambda actor, here: recovery.make(actor, here, 1))
    assert come_in(desk, browser, codes[0]) == 422
    assert not is_in(acme, browser)


def test_A22_owner_comes_in_by_a_code_for_half_an_hour_and_in_that_browser_only(
    acme: Acme, desk: Desk, codes: list[str], browser: FlaskClient
) -> None:
    other = acme.world.browser(acme.owner)
    began = clock.now()
    page = browser.get(browser.get(acme.address("members")).location).text
    assert desk.address("recover") in page
    answer = post(browser, f"{desk.address('recover')}?next={acme.address('projects')}", code=codes[0])
    assert (answer.status_code, answer.location) == (303, acme.address("projects"))
    assert is_in(acme, browser)
    assert not is_in(acme, other)
    with time_machine.travel(began + timedelta(minutes=29), tick=False):
        assert is_in(acme, browser)
    with time_machine.travel(began + timedelta(minutes=31), tick=False):
        assert not is_in(acme, browser)


def test_whoever_came_in_opens_projects_too_and_stops_requiring_it(
    acme: Acme, desk: Desk, codes: list[str], browser: FlaskClient
) -> None:
    make_project(acme, "Payroll", make_team(acme, "Red"))
    come_in(desk, browser, codes[0])
    assert browser.get(acme.address("projects/payroll")).status_code == 200
    assert post(browser, desk.address("enforce"), enforcement="off", from_date="").status_code == 303
    assert is_in(acme, acme.browser(acme.member))


def test_D04_whoever_is_no_owner_any_more_is_in_by_no_code(
    acme: Acme, desk: Desk, codes: list[str], browser: FlaskClient
) -> None:
    make_project(acme, "Payroll", make_team(acme, "Red"))
    come_in(desk, browser, codes[0])
    acme.change(acme.manager, role=Role.OWNER)
    acme.change(acme.owner, role=Role.MANAGER)
    for path in ("members", "projects/payroll", "sso"):
        assert browser.get(acme.address(path)).status_code == 303, path


def whose_word_has_run_out(acme: Acme, desk: Desk) -> FlaskClient:
    """Return the browser of an owner without a password, whom the provider vouched for too long ago."""
    desk.know(acme.owner, "u-2")
    desk.theirs.person = "u-2"
    owner = update(User).where(User.id == acme.owner.user_id)
    acme.world.write(lambda: db.session.execute(owner.values(password_hash=None)))
    browser = acme.world.browser()
    desk.sign_in(browser)
    desk.set(verification_days=0)
    return browser


def test_D04_owner_without_a_password_is_in_by_no_code_once_they_are_none(
    acme: Acme, desk: Desk, codes: list[str]
) -> None:
    """Their session knows them by the provider's word alone, which has run out."""
    browser = whose_word_has_run_out(acme, desk)
    assert come_in(desk, browser, codes[0]) == 303
    assert is_in(acme, browser)
    acme.change(acme.manager, role=Role.OWNER)
    acme.change(acme.owner, role=Role.MANAGER)
    assert not is_in(acme, browser)
    desk.set(enforcement=Enforcement.OFF)
    assert not is_in(acme, browser)


def test_use_is_in_the_audit_log_and_all_owners_are_told(
    acme: Acme, desk: Desk, codes: list[str], browser: FlaskClient
) -> None:
    acme.change(acme.manager, role=Role.OWNER)
    come_in(desk, browser, codes[0])
    entry = acme.entries()[-1]
    assert (entry.event, entry.after and entry.after["codes_left"]) == ("sso.code_used", 9)
    letters = [one for one in acme.world.letters("sso_recovery") if one.data["what"] == "used"]
    assert sorted(one.to_address for one in letters) == sorted([acme.owner.email, acme.manager.email])
    log = browser.get(acme.address("audit")).text
    for said in ("came in by a recovery code", "Recovery codes left", "Until"):
        assert said in log


@pytest.mark.parametrize("change", [str.upper, lambda code: code.replace("-", " "), lambda code: f"  {code}"])
def test_code_may_be_typed_in_other_ways(
    acme: Acme, desk: Desk, codes: list[str], browser: FlaskClient, change: Callable[[str], str]
) -> None:
    assert come_in(desk, browser, change(codes[0])) == 303


def test_code_works_once(acme: Acme, desk: Desk, codes: list[str], browser: FlaskClient) -> None:
    assert come_in(desk, browser, codes[0]) == 303
    other = acme.world.browser(acme.owner)
    with acme.unchanged("attempts", "audit_entry", "audit_mention"):
        assert come_in(desk, other, codes[0]) == 422
    assert not is_in(acme, other)


def test_code_that_comes_twenty_times_at_once_works_once(app: Flask, acme: Acme, desk: Desk, codes: list[str]) -> None:
    acme.change(acme.manager, role=Role.OWNER)
    browsers = [acme.world.browser(person) for person in 10 * [acme.owner, acme.manager]]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda one: come_in(desk, one, codes[0]), browsers))
    assert sorted(answers) == [303] + 19 * [422]
    assert acme.events().count("sso.code_used") == 1
    assert [is_in(acme, one) for one in browsers].count(True) == 1


def test_F07_codes_are_not_guessed(acme: Acme, desk: Desk, codes: list[str], browser: FlaskClient) -> None:
    for _ in range(10):
        answer = post(browser, desk.address("recover"), code=WRONG)
        assert answer.status_code == 422
        assert "none of the codes that are left" in answer.text
    answer = post(browser, desk.address("recover"), code=codes[0])
    assert answer.status_code == 429
    assert not is_in(acme, browser)
    assert acme.events()[-1] == "access.refused"
    with time_machine.travel(clock.now() + timedelta(minutes=16), tick=False):
        assert come_in(desk, browser, codes[0]) == 303


def test_what_one_person_is_refused_in_many_ways_at_once_is_all_noted(
    app: Flask, acme: Acme, desk: Desk, codes: list[str], browser: FlaskClient
) -> None:
    """Whichever page refuses them takes the same two rows, always in the same order."""
    come_in(desk, browser, codes[0])
    tries = [
        (desk.address("recover"), {"code": WRONG}),
        (acme.address(f"members/{acme.member_id(acme.owner)}/suspend"), {"confirm": "1"}),
    ]
    others = [acme.browser(acme.owner) for _ in range(12)]
    tokens = [csrf_token(one) for one in others]

    def refused(index: int) -> int:
        address, form = tries[index % 2]
        return others[index].post(address, data={**form, "csrf_token": tokens[index]}).status_code

    with clashes(app) as found:
        assert sorted(at_once(12, refused)) == 6 * [403] + 6 * [422]
    assert found == []
    assert acme.events().count("access.refused") == 12


def test_A01_guesses_at_the_word_of_a_provider_lock_nobody_else_out(
    acme: Acme, desk: Desk, codes: list[str], browser: FlaskClient
) -> None:
    desk.know(acme.owner, "u-2")
    desk.theirs.person = "u-2"
    owner = update(User).where(User.id == acme.owner.user_id)
    acme.world.write(lambda: db.session.execute(owner.values(password_hash=None)))
    theirs = acme.world.browser()
    desk.sign_in(theirs)
    desk.set(verification_days=0)
    assert [come_in(desk, theirs, WRONG) for _ in range(11)] == 10 * [422] + [429]
    assert come_in(desk, browser, codes[0]) == 303


def test_owner_without_a_password_comes_in_by_one_after_the_word_of_the_provider_has_run_out(
    acme: Acme, desk: Desk, codes: list[str]
) -> None:
    browser = whose_word_has_run_out(acme, desk)
    assert not is_in(acme, browser)
    assert come_in(desk, browser, codes[0]) == 303
    assert is_in(acme, browser)


@pytest.mark.parametrize("who", ["manager", "admin", "member"])
def test_only_owners_come_in_by_one(acme: Acme, desk: Desk, codes: list[str], who: str) -> None:
    person: Person = getattr(acme, who)
    browser = acme.browser(person)
    assert browser.get(desk.address("recover")).status_code == 403
    with acme.unchanged("attempts", "audit_entry", "audit_mention"):
        assert come_in(desk, browser, codes[0]) == 403


@pytest.mark.parametrize("who", ["stranger", "suspended"])
def test_strangers_and_the_suspended_learn_nothing(acme: Acme, desk: Desk, codes: list[str], who: str) -> None:
    browser = acme.browser(getattr(acme, who))
    with acme.unchanged("attempts"):
        assert come_in(desk, browser, codes[0]) == 404
        assert browser.get(desk.address("recover")).status_code == 404


def test_A01_session_begun_by_another_provider_comes_in_by_no_code(acme: Acme, desk: Desk, codes: list[str]) -> None:
    theirs = Desk(acme, desk.theirs, slug=acme.other_slug)
    theirs.know(acme.owner)
    acme.world.member(acme.other_slug, acme.owner, Role.MEMBER)
    browser = acme.world.browser()
    theirs.sign_in(browser)
    with acme.unchanged("attempts"):
        assert post(browser, desk.address("recover"), code=codes[0]).location.startswith("/login")


def test_page_says_that_it_is_bypassed_and_until_when(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    desk.set(enforcement=Enforcement.REQUIRED, required_from=clock.now() + timedelta(minutes=30))
    assert "Bypassed until" in browser.get(acme.address("sso")).text


def test_nothing_is_used_up_where_nothing_is_required(
    acme: Acme, desk: Desk, codes: list[str], browser: FlaskClient
) -> None:
    desk.set(enforcement=Enforcement.OPTIONAL)
    with acme.unchanged():
        assert come_in(desk, browser, codes[0]) == 303


def test_A03_codes_are_made_by_a_fresh_sign_in_only(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        with acme.unchanged("audit_entry", "audit_mention", "attempts", "session", "member"):
            assert post(browser, desk.address("recovery-codes")).status_code == 403
        assert "Sign in again first" in browser.get(desk.address("recovery-codes")).text


def test_only_owners_make_codes(acme: Acme, desk: Desk) -> None:
    assert post(acme.browser(acme.manager), desk.address("recovery-codes")).status_code == 403
