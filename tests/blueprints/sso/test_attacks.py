"""Attacks on signing in through providers: every owner is a stranger who may configure anything."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.acme import Acme
from tests.support.identity_provider import HostileProvider
from tests.support.pages import Page
from tests.support.sso import Desk, at_provider, let_all_ask, rows, signed_in_as
from tests.support.statements import queries
from tests.support.worlds import PASSWORD, World, csrf_token, post
from webapp.db import db
from webapp.models import Identity, Joining, Member, ProviderStatus, Role, Session, User


@pytest.mark.parametrize("is_invited", [False, True])
@pytest.mark.parametrize("is_allowed", [False, True])
def test_A01_provider_that_names_an_account_elsewhere_gets_nobodys_session(
    world: World, acme: Acme, umbra: Desk, evil: HostileProvider, is_invited: bool, is_allowed: bool
) -> None:
    evil.people["u-1"]["email"] = acme.owner.email
    if is_invited:
        world.invite(acme.other_slug, acme.stranger, acme.owner.email)
    if is_allowed:
        umbra.set(joining=Joining.ALLOWED)
        umbra.prove_domain("example.com")
    browser = world.browser()
    with acme.unchanged("sso_flow", "outbox_message"):
        answer = umbra.sign_in(browser)
    assert answer.status_code == 403
    assert ("Sign in to it as you did before" in answer.text) is (is_invited or is_allowed)
    assert signed_in_as(browser) is None


def test_A01_member_with_that_address_is_told_to_sign_in_and_link(world: World, acme: Acme, desk: Desk) -> None:
    desk.theirs.people["u-1"]["email"] = acme.member.email
    browser = world.browser()
    with acme.unchanged("sso_flow"):
        answer = desk.sign_in(browser)
    assert answer.status_code == 403
    assert f"/login?next=/orgs/{acme.slug}/sso/link" in answer.text
    assert signed_in_as(browser) is None


def test_A01_session_that_a_provider_began_opens_no_other_organization(world: World, acme: Acme, umbra: Desk) -> None:
    """Whoever runs a provider can be everybody linked to it: only in their own organization that means anything."""
    world.member(acme.other_slug, acme.owner, Role.MEMBER)
    umbra.know(acme.owner)
    browser = world.browser()
    assert umbra.sign_in(browser).status_code == 303
    assert browser.get(f"/orgs/{acme.other_slug}/members").status_code == 200
    csrf = csrf_token(browser)
    with acme.unchanged("session", "member"):
        for path in ("members", "members.csv", "audit", "settings", "sso", "projects"):
            assert browser.get(acme.address(path)).location.startswith("/login"), path
        renamed = {"name": "Taken Over", "language": "", "csrf_token": csrf}
        assert browser.post("/account/", data=renamed).location == "/login"
        assert browser.post("/account/sessions/end", data={"csrf_token": csrf}).location == "/login"
        invited = {"emails": "eve@example.org", "role": "owner", "lifetime_days": "7", "csrf_token": csrf}
        assert browser.post(acme.address("members/new"), data=invited).location == "/login"
    wanted = acme.address("members")
    assert browser.get(f"/login?next={wanted}").status_code == 200
    assert post(browser, f"/login?next={wanted}", email=acme.owner.email, password=PASSWORD).location == wanted
    assert browser.get(wanted).status_code == 200


def test_A01_session_that_a_provider_began_tells_of_no_other_organization(
    world: World, acme: Acme, umbra: Desk
) -> None:
    """Whoever runs Umbra's provider may be anybody there; they do not learn where else Acme's owner belongs."""
    world.member(acme.other_slug, acme.owner, Role.MEMBER)
    umbra.know(acme.owner)
    browser = world.browser()
    assert umbra.sign_in(browser).status_code == 303
    page = Page(browser.get("/orgs/"))
    assert ("Umbra" in page.text, "Acme" in page.text) == (True, False)
    assert browser.get("/").location == f"/orgs/{acme.other_slug}/members"
    answer = browser.get("/account/")
    assert answer.location.startswith("/login?next=")
    assert "Acme" in Page(acme.browser(acme.owner).get("/orgs/")).text


def test_A01_account_without_a_password_shows_the_provider_only_what_it_opens(
    world: World, acme: Acme, umbra: Desk, desk: Desk
) -> None:
    world.member(acme.other_slug, acme.member, Role.MEMBER)
    for known_at in (umbra, desk):
        known_at.know(acme.member)
    world.write(
        lambda: db.session.execute(update(User).where(User.id == acme.member.user_id).values(password_hash=None))
    )
    browser = world.browser()
    assert umbra.sign_in(browser).status_code == 303
    page = Page(browser.get("/account/"))
    assert ("Set a password" in page.text, "Acme" in page.text, "This browser" in page.text) == (True, False, False)


def test_A01_account_linked_in_one_organization_is_nobody_at_the_provider_of_another(
    world: World, acme: Acme, desk: Desk, umbra: Desk
) -> None:
    desk.know(acme.owner)
    browser = world.browser()
    assert umbra.sign_in(browser).status_code == 403
    assert signed_in_as(browser) is None


@pytest.mark.parametrize("purpose", ["login", "link"])
def test_A05_answer_at_the_address_of_another_connection_asks_nobody(
    world: World, acme: Acme, desk: Desk, umbra: Desk, evil: HostileProvider, purpose: str
) -> None:
    desk.know(acme.member)
    browser = acme.browser(acme.stranger if purpose == "link" else None)
    back = at_provider(umbra.way_out(browser, purpose))
    elsewhere = back.replace(f"/{umbra.provider_id}?", f"/{desk.provider_id}?")
    with acme.unchanged("sso_flow"):
        assert browser.get(elsewhere).status_code == 400
    assert desk.theirs.hits["token"] == evil.hits["token"] == 0


@pytest.mark.parametrize("verified", [None, False, "false", "true", 1, "1", []], ids=repr)
def test_A06_address_that_is_not_called_verified_opens_no_invitation(
    world: World, acme: Acme, desk: Desk, verified: object
) -> None:
    world.invite(acme.slug, acme.owner, "mia@example.org")
    desk.set(joining=Joining.ALLOWED)
    desk.prove_domain("example.org")
    desk.theirs.people["u-1"]["email_verified"] = verified
    with acme.unchanged("sso_flow"):
        assert desk.sign_in(world.browser()).status_code == 403


def test_A07_same_subject_with_another_address_is_the_same_account(world: World, acme: Acme, desk: Desk) -> None:
    desk.know(acme.member)
    desk.theirs.people["u-1"]["email"] = acme.owner.email
    browser = world.browser()
    assert desk.sign_in(browser).status_code == 303
    assert signed_in_as(browser) == "Mina Member"


def test_A07_another_subject_with_a_known_address_is_nobody(world: World, acme: Acme, desk: Desk) -> None:
    desk.sign_in(world.browser())
    world.invite(acme.slug, acme.owner, "mia@example.org")
    assert desk.sign_in(world.browser()).status_code == 303
    desk.theirs.people["u-9"] = dict(desk.theirs.people["u-1"])
    desk.theirs.person = "u-9"
    browser = world.browser()
    with acme.unchanged("sso_flow"):
        assert desk.sign_in(browser).status_code == 403
    assert signed_in_as(browser) is None


@pytest.mark.parametrize("subject", ["U-1", "u-1 ", "u\u20111", "\uff55-1"], ids=repr)
def test_A16_subject_that_only_looks_like_a_known_one_is_nobody(
    world: World, acme: Acme, desk: Desk, subject: str
) -> None:
    desk.know(acme.member)
    desk.theirs.people[subject] = {"email": "eve@example.org", "email_verified": True}
    desk.theirs.person = subject
    with acme.unchanged("sso_flow"):
        assert desk.sign_in(world.browser()).status_code == 403


def test_A09_answer_brought_by_another_browser_asks_nobody_and_uses_nothing_up(
    world: World, acme: Acme, desk: Desk
) -> None:
    desk.know(acme.member)
    mine, victims = world.browser(), world.browser()
    back = at_provider(desk.way_out(mine))
    csrf_token(victims)
    with acme.unchanged():
        assert victims.get(back).status_code == 400
        assert world.browser().get(back).status_code == 404
        assert acme.browser(acme.admin).get(back).status_code == 400
    assert desk.theirs.hits["token"] == 0
    assert mine.get(back).status_code == 303


@pytest.mark.parametrize("state", ["", "state=", "state=a&state=b", "state=nowhere", "state=%00"])
def test_A09_answer_without_the_state_of_a_flow_asks_nobody(world: World, acme: Acme, desk: Desk, state: str) -> None:
    browser = world.browser()
    desk.way_out(browser)
    with acme.unchanged():
        answer = browser.get(f"/sso/callback/{desk.provider_id}?code=secret&{state}")
    assert answer.status_code == 400
    assert desk.theirs.hits["token"] == 0


def test_A10_answer_that_comes_twice_signs_in_once(world: World, acme: Acme, desk: Desk) -> None:
    desk.know(acme.member)
    browser, copied = world.browser(), world.browser()
    back = at_provider(desk.way_out(browser))
    with browser.session_transaction() as cookie, copied.session_transaction() as other:
        other.update(cookie)
    assert browser.get(back).status_code == 303
    before = rows(acme, Session)
    with acme.unchanged():
        assert browser.get(back).status_code == 400
        assert copied.get(back).status_code == 400
    assert (rows(acme, Session), desk.theirs.hits["token"]) == (before, 1)


def test_A10_answer_that_comes_twenty_times_at_once_signs_in_once(
    app: Flask, world: World, acme: Acme, desk: Desk
) -> None:
    desk.know(acme.member)
    browser = world.browser()
    back = at_provider(desk.way_out(browser))
    with browser.session_transaction() as cookie:
        kept = dict(cookie)
    before = rows(acme, Session)

    def come_back(_number: int) -> int:
        copied = app.test_client()
        with copied.session_transaction() as other:
            other.update(kept)
        return copied.get(back).status_code

    with ThreadPoolExecutor(10) as pool:
        answers = sorted(pool.map(come_back, range(20)))
    assert answers == [303] + 19 * [400]
    assert (rows(acme, Session), desk.theirs.hits["token"]) == (before + 1, 1)


def close(acme: Acme, _desk: Desk) -> None:
    acme.deactivate(acme.member)


def remove(acme: Acme, _desk: Desk) -> None:
    acme.remove(acme.member)


def suspend(acme: Acme, _desk: Desk) -> None:
    acme.change(acme.member, status="suspended")


def disable(_acme: Acme, desk: Desk) -> None:
    desk.set(status=ProviderStatus.DISABLED)


def change(_acme: Acme, desk: Desk) -> None:
    desk.set(version=2)


@pytest.mark.parametrize("happens", [close, remove, suspend, disable, change], ids=lambda step: step.__name__)
@pytest.mark.parametrize("purpose", ["login", "link"])
def test_A18_what_happened_on_the_way_counts_at_the_callback(
    world: World, acme: Acme, desk: Desk, happens: Callable[[Acme, Desk], None], purpose: str
) -> None:
    if purpose == "login":
        desk.know(acme.member)
    browser = acme.browser(acme.member if purpose == "link" else None)
    back = at_provider(desk.way_out(browser, purpose))
    happens(acme, desk)
    with acme.unchanged("sso_flow"):
        answer = browser.get(back)
    assert answer.status_code in (400, 403, 404, 409)
    if happens in (disable, change):
        assert (answer.status_code, desk.theirs.hits["token"]) == (409, 0)


@pytest.mark.parametrize("happens", [disable], ids=lambda step: step.__name__)
def test_A18_connection_that_was_disabled_before_begins_nothing(
    world: World, acme: Acme, desk: Desk, happens: Callable[[Acme, Desk], None]
) -> None:
    desk.know(acme.member)
    browser = world.browser()
    desk.sign_in(browser)
    happens(acme, desk)
    with acme.unchanged():
        assert post(world.browser(), desk.address("login")).status_code == 404
        assert browser.get(acme.address("members")).location.startswith("/login")


OUTSIDE = [
    "//evil.example",
    "/\\evil.example",
    "\\\\\\evil.example",
    "https:evil.example",
    "https://evil.example",
    "\t//evil.example",
    "/\t/evil.example",
    "@evil.example",
    "/\r\nLocation: https://evil.example",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("target", OUTSIDE, ids=repr)
def test_A24_nobody_is_led_off_this_server_after_signing_in(world: World, acme: Acme, desk: Desk, target: str) -> None:
    desk.know(acme.member)
    browser = world.browser()
    page = browser.get(desk.address("login"), query_string={"next": target})
    assert page.status_code == 200
    form = {"csrf_token": csrf_token(browser)}
    answer = browser.post(desk.address("login"), query_string={"next": target}, data=form)
    leaving = browser.get(answer.location, query_string={"next": target})
    back = at_provider(leaving.headers["Refresh"].partition("url=")[2])
    arrived = browser.get(back, query_string=None)
    assert arrived.location == acme.address("members")


def test_path_of_ours_is_where_one_goes_after_signing_in(world: World, acme: Acme, desk: Desk) -> None:
    desk.know(acme.member)
    browser = world.browser()
    wanted = acme.address("projects")
    assert desk.sign_in(browser, f"login?next={wanted}").location == wanted


def test_R07_first_sign_in_of_one_person_twenty_times_at_once_makes_one_of_each(
    app: Flask, world: World, acme: Acme, desk: Desk
) -> None:
    world.invite(acme.slug, acme.owner, "mia@example.org")
    browsers = [world.browser() for _ in range(20)]
    backs = [at_provider(desk.way_out(browser)) for browser in browsers]
    before, joined = {model: rows(acme, model) for model in (User, Member, Identity)}, acme.events()
    let_all_ask(app, 10)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda pair: pair[0].get(pair[1]).status_code, zip(browsers, backs, strict=True)))
    assert answers == 20 * [303]
    assert {model: rows(acme, model) - before[model] for model in before} == {User: 1, Member: 1, Identity: 1}
    assert acme.events()[len(joined) :].count("member.joined") == 1


def test_signing_in_takes_at_most_six_queries_more_than_a_password_and_no_argon2(
    app: Flask, world: World, acme: Acme, desk: Desk
) -> None:
    desk.know(acme.member)
    plain, through = world.browser(), world.browser()
    form = {"email": acme.member.email, "password": PASSWORD, "csrf_token": csrf_token(plain)}
    with queries(app) as by_password:
        assert plain.post("/login", data=form).status_code == 303
    back = at_provider(desk.way_out(through))
    with queries(app) as by_provider:
        assert through.get(back).status_code == 303
    assert len(by_provider) <= len(by_password) + 6, "\n".join(by_provider)
