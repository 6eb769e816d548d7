"""Setting single sign-on up: choose, enter, and prove it by signing in."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from tests.support.acme import Acme
from tests.support.github import AT_GITHUB, ORGANIZATION, running_github
from tests.support.identity_provider import CALLBACK, CLIENT_ID, CLIENT_SECRET, HostileProvider
from tests.support.pages import PANEL, Page
from tests.support.sso import at_provider, departure, knows, work
from tests.support.worlds import World, post
from webapp import clock
from webapp.config import Settings
from webapp.db import db
from webapp.models import Enforcement, Identity, IdentityProvider, ProviderStatus, Role

SETUP = "sso/setup"


@pytest.fixture
def browser(acme: Acme) -> FlaskClient:
    """The browser of Acme's owner."""
    return acme.browser(acme.owner)


def choose(acme: Acme, browser: FlaskClient, kind: str = "oidc") -> str:
    """Choose a kind; return the redirect address the page shows."""
    assert post(browser, acme.address(f"{SETUP}/kind"), kind=kind).status_code == 303
    return Page(browser.get(acme.address(SETUP))).by_id("redirect-address").attributes["value"]


def entered(theirs: HostileProvider, **changes: str) -> dict[str, str]:
    return {"kind": "oidc", "issuer": theirs.issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **changes}


def connections(acme: Acme) -> list[IdentityProvider]:
    oldest_first = select(IdentityProvider).order_by(IdentityProvider.id)
    return list(acme.world.read(lambda: db.session.scalars(oldest_first).all()))


def set_up(acme: Acme, browser: FlaskClient, theirs: HostileProvider) -> None:
    knows(theirs, choose(acme, browser))
    way = departure(browser, post(browser, acme.address(SETUP), **entered(theirs)))
    assert browser.get(at_provider(way)).status_code == 303


def test_page_says_before_the_button_who_gets_a_letter_then(
    acme: Acme, browser: FlaskClient, app: Flask, theirs: HostileProvider
) -> None:
    redirect_address = choose(acme, browser)
    page = browser.get(acme.address(SETUP)).text
    said = "Members who are not linked get an email then, all at once, that asks them to link theirs."
    assert 0 < page.find(said) < page.find("Save, and sign in to prove it")
    knows(theirs, redirect_address)
    way = departure(browser, post(browser, acme.address(SETUP), **entered(theirs)))
    assert browser.get(at_provider(way)).status_code == 303
    work(app)
    reminded = {letter.to_address for letter in acme.world.letters("sso_link_reminder")}
    assert reminded == {person.email for person in (acme.manager, acme.admin, acme.member)}


def test_audit_log_says_who_began_to_set_it_up(acme: Acme, browser: FlaskClient) -> None:
    choose(acme, browser)
    log = browser.get(acme.address("audit")).text
    assert "Olive Owner began to set up single sign-on" in log
    assert "to oidc" not in log


def test_connection_is_in_use_once_its_owner_has_signed_in_by_it(
    acme: Acme, browser: FlaskClient, theirs: HostileProvider, settings: Settings
) -> None:
    set_up(acme, browser, theirs)
    [made] = connections(acme)
    assert (made.status, made.issuer, made.client_id) == (ProviderStatus.ACTIVE, theirs.issuer, CLIENT_ID)
    page = browser.get(acme.address("sso")).text
    assert theirs.issuer.removeprefix("http://") in page
    assert f"{settings.base_url}{acme.address('sso/login')}" in page
    assert acme.events()[-4:] == ["sso.edited", "sso.edited", "sso.enabled", "sso.linked"]
    [letter] = acme.world.letters("sso_linked")
    assert letter.to_address == acme.owner.email


def test_A02_setting_up_links_who_began_and_never_whom_the_provider_names(
    world: World, acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    theirs.people["u-1"]["email"] = acme.member.email
    set_up(acme, browser, theirs)
    found = world.read(lambda: db.session.execute(select(Identity.subject, Identity.user_id)).all())
    assert [tuple(row) for row in found] == [("u-1", acme.owner.user_id)]


def test_A02_setting_up_ends_with_whoever_began_it(
    world: World, acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    knows(theirs, choose(acme, browser))
    back = at_provider(departure(browser, post(browser, acme.address(SETUP), **entered(theirs))))
    for other in (world.browser(acme.manager), world.browser(), world.browser(acme.owner)):
        assert other.get(back).status_code in (400, 404)
    assert theirs.hits["token"] == 0
    assert [made.status for made in connections(acme)] == [ProviderStatus.DRAFT]


def test_A02_owner_who_was_demoted_on_the_way_puts_nothing_to_use(
    acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    knows(theirs, choose(acme, browser))
    back = at_provider(departure(browser, post(browser, acme.address(SETUP), **entered(theirs))))
    acme.change(acme.owner, role=Role.MANAGER)
    with acme.unchanged("sso_flow"):
        assert browser.get(back).status_code == 403


@pytest.mark.parametrize("is_owner", [True, False])
def test_A02_owner_who_was_demoted_on_the_way_writes_no_mistake_into_the_draft(
    acme: Acme, browser: FlaskClient, theirs: HostileProvider, is_owner: bool
) -> None:
    knows(theirs, choose(acme, browser))
    back = at_provider(departure(browser, post(browser, acme.address(SETUP), **entered(theirs))))
    if not is_owner:
        acme.change(acme.owner, role=Role.MANAGER)
    assert browser.get(f"{back.partition('&code=')[0]}&error=access_denied").status_code == (303 if is_owner else 403)
    [draft] = connections(acme)
    assert (draft.probe_problem is not None) == is_owner


def test_another_connection_takes_the_place_of_the_one_in_use(
    acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    set_up(acme, browser, theirs)
    set_up(acme, browser, theirs)
    assert [made.status for made in connections(acme)] == [ProviderStatus.DISABLED, ProviderStatus.ACTIVE]
    assert "sso.disabled" in acme.events()


def test_members_get_a_letter_with_the_way_to_link_once_it_is_in_use(
    world: World, acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    set_up(acme, browser, theirs)
    assert "get a letter soon" in browser.get(acme.address("sso")).text
    work(world.app)
    others = sorted(person.email for person in (acme.manager, acme.admin, acme.member))
    assert sorted(letter.to_address for letter in world.letters("sso_link_reminder")) == others


@pytest.mark.parametrize("name", ["issuer", "client_id", "client_secret", "kind"])
def test_what_is_missing_is_asked_for_beside_its_field(
    acme: Acme, browser: FlaskClient, theirs: HostileProvider, name: str
) -> None:
    choose(acme, browser)
    with acme.unchanged():
        answer = post(browser, acme.address(SETUP), **entered(theirs, **{name: ""}))
    assert answer.status_code == 422
    assert CLIENT_SECRET not in answer.text
    assert name == "issuer" or theirs.issuer in answer.text


def test_kind_that_is_none_is_refused(acme: Acme, browser: FlaskClient) -> None:
    for kind in ("", "dummy", "nowhere"):
        with acme.unchanged():
            assert post(browser, acme.address(f"{SETUP}/kind"), kind=kind).status_code == 422


def test_nothing_but_a_demo_offers_a_provider_of_its_own(world: World, acme: Acme, browser: FlaskClient) -> None:
    assert "use-demo" not in browser.get(acme.address(f"{SETUP}/kind")).text
    post(browser, acme.address(f"{SETUP}/kind"), kind="oidc", demo="1")
    assert [made.issuer for made in connections(acme)] == [""]


def test_answers_for_another_kind_are_refused(acme: Acme, browser: FlaskClient, theirs: HostileProvider) -> None:
    choose(acme, browser, "google")
    with acme.unchanged():
        assert post(browser, acme.address(SETUP), **entered(theirs)).status_code == 422


def test_A25_secret_is_kept_but_asked_for_again_when_it_would_go_elsewhere(
    acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    choose(acme, browser)
    assert post(browser, acme.address(SETUP), **entered(theirs)).status_code == 303
    kept = connections(acme)[0].client_secret
    assert kept is not None
    assert CLIENT_SECRET not in kept
    assert post(browser, acme.address(SETUP), **entered(theirs, client_secret="")).status_code == 303
    moved = entered(theirs, client_secret="", issuer="https://evil.example")
    with acme.unchanged():
        assert post(browser, acme.address(SETUP), **moved).status_code == 422
    shown = [browser.get(acme.address(path)).text for path in ("sso", SETUP, f"{SETUP}/kind", "audit", "audit.jsonl")]
    assert [page for page in shown if CLIENT_SECRET in page or kept in page] == []


def test_provider_that_does_not_work_is_told_in_words_and_what_was_entered_stays(
    acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    choose(acme, browser)
    theirs.discovery_changes = {"issuer": "https://evil.example"}
    back = browser.get(post(browser, acme.address(SETUP), **entered(theirs)).location)
    assert (back.status_code, back.location) == (303, acme.address(SETUP))
    page = Page(browser.get(back.location))
    assert "the provider calls itself https://evil.example." in page.by_id("issuer-error").text
    assert f"You entered {theirs.issuer}," in page.by_id("issuer-error").text
    assert page.by_id("issuer").attributes["value"] == theirs.issuer
    theirs.discovery_changes = {}
    post(browser, acme.address(SETUP), **entered(theirs))
    assert "issuer-error" not in browser.get(acme.address(SETUP)).text


def test_A03_setting_up_needs_a_fresh_sign_in(acme: Acme, browser: FlaskClient, theirs: HostileProvider) -> None:
    choose(acme, browser)
    with (
        time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1), tick=False),
        acme.unchanged("session", "member"),
    ):
        answer = post(browser, acme.address(SETUP), **entered(theirs))
        assert answer.status_code == 403
        assert "/login?next=" in browser.get(acme.address(SETUP)).text


def test_kind_asks_for_what_it_needs_and_keeps_it(acme: Acme, browser: FlaskClient) -> None:
    choose(acme, browser, "google")
    form = {"kind": "google", "client_id": "a", "client_secret": "b"}
    assert post(browser, acme.address(SETUP), **form).status_code == 422
    assert post(browser, acme.address(SETUP), **form, option_hosted_domain="example.org").status_code == 303
    [made] = connections(acme)
    assert (made.kind, made.options) == ("google", {"hosted_domain": "example.org"})
    page = Page(browser.get(acme.address(SETUP), headers=PANEL))
    assert page.roots[0].id == "panel"
    assert page.by_id("option_hosted_domain").attributes["value"] == "example.org"
    assert "accounts.google.com" in browser.get(acme.address("sso")).text


def test_only_owners_set_it_up(acme: Acme) -> None:
    for person, status in ((acme.manager, 403), (acme.stranger, 404)):
        browser = acme.browser(person)
        assert browser.get(acme.address("sso")).status_code == status
        assert post(browser, acme.address(f"{SETUP}/kind"), kind="oidc").status_code == status


@pytest.mark.parametrize(
    ("issuer", "status", "words"),
    [
        ("id.example.org", 422, "no plain https address"),
        ("ftp://id.example.org", 422, "no plain https address"),
        ("https://me@id.example.org", 422, "no plain https address"),
        ("http://8.8.8.8", 303, "Only https is used"),
        ("https://nowhere.invalid", 303, "There is no host with the provider"),
        ("http://127.0.0.1:9", 303, "could not be reached"),
    ],
)
def test_issuer_that_cannot_be_asked_is_refused_beside_its_field(
    acme: Acme, browser: FlaskClient, theirs: HostileProvider, issuer: str, status: int, words: str
) -> None:
    choose(acme, browser)
    answer = post(browser, acme.address(SETUP), **entered(theirs, issuer=issuer, client_id="typed"))
    assert answer.status_code == status
    if status == 303:
        answer = browser.get(browser.get(answer.location).location)
    page = Page(answer)
    assert words in page.by_id("issuer-error").text
    assert page.by_id("issuer").attributes["value"] == issuer
    assert page.by_id("client_id").attributes["value"] == "typed"
    assert page.by_id("client_secret").attributes["value"] == ""


def test_slash_at_the_end_of_the_issuer_is_tried_without_a_question(
    acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    knows(theirs, choose(acme, browser))
    first = browser.get(post(browser, acme.address(SETUP), **entered(theirs, issuer=f"{theirs.issuer}/")).location)
    assert first.status_code == 303
    way = browser.get(first.location).headers["Refresh"].partition("url=")[2]
    assert browser.get(at_provider(way)).status_code == 303
    [made] = connections(acme)
    assert (made.status, made.issuer) == (ProviderStatus.ACTIVE, theirs.issuer)


def test_X02_provider_that_spells_itself_now_so_and_now_so_leads_nobody_in_circles(
    acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    choose(acme, browser)
    way = post(browser, acme.address(SETUP), **entered(theirs)).location
    for said in (f"{theirs.issuer}/", theirs.issuer):
        theirs.discovery_changes = {"issuer": said}
        way = browser.get(way).location
    assert way == acme.address(SETUP)
    assert f"but the provider calls itself {theirs.issuer}." in Page(browser.get(way)).by_id("issuer-error").text
    assert theirs.hits["discovery"] == 2


def test_A12_issuer_that_differs_by_more_is_never_taken(
    acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    choose(acme, browser)
    for said in (f"{theirs.issuer}//", f"{theirs.issuer}/x", theirs.issuer.upper(), "<b>", ["x"], None):
        theirs.discovery_changes = {"issuer": said}
        back = browser.get(post(browser, acme.address(SETUP), **entered(theirs)).location)
        assert back.location == acme.address(SETUP), said
        assert connections(acme)[0].issuer == theirs.issuer
        page = browser.get(back.location)
        assert "<b>" not in page.text
        assert Page(page).by_id("issuer-error").text


def test_client_that_the_provider_refuses_is_said_at_its_fields(
    acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    knows(theirs, choose(acme, browser))
    wrong = entered(theirs, client_secret="wrong")
    back = browser.get(at_provider(departure(browser, post(browser, acme.address(SETUP), **wrong))))
    assert (back.status_code, back.location) == (303, acme.address(SETUP))
    page = Page(browser.get(back.location))
    for name in ("client_id", "client_secret"):
        assert "the client secret is wrong" in page.by_id(f"{name}-error").text
    assert "wrong" not in page.by_id("client_secret").attributes.values()
    assert acme.events()[-1] == "sso.refused"
    assert [made.status for made in connections(acme)] == [ProviderStatus.DRAFT]


def test_whoever_says_no_at_the_provider_reads_it_above_the_form(
    acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    knows(theirs, choose(acme, browser))
    theirs.person = None
    back = browser.get(at_provider(departure(browser, post(browser, acme.address(SETUP), **entered(theirs)))))
    assert "The person or the provider declined." in browser.get(back.location).text


def test_set_up_is_discarded(acme: Acme, browser: FlaskClient, theirs: HostileProvider) -> None:
    set_up(acme, browser, theirs)
    choose(acme, browser, "google")
    with acme.unchanged():
        assert post(acme.browser(acme.manager), acme.address(f"{SETUP}/discard")).status_code == 403
    assert post(browser, acme.address(f"{SETUP}/discard")).status_code == 303
    assert [made.status for made in connections(acme)] == [ProviderStatus.ACTIVE]
    assert acme.events()[-1] == "sso.discarded"


def test_people_of_the_connection_that_was_replaced_are_told(
    world: World, acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    set_up(acme, browser, theirs)
    theirs.person = "u-2"
    link = acme.browser(acme.member)
    way = departure(link, post(link, acme.address("sso/link")))
    assert link.get(at_provider(way)).status_code == 303
    theirs.person = "u-1"
    assert world.letters("sso_replaced") == []
    set_up(acme, browser, theirs)
    work(world.app)
    assert [letter.to_address for letter in world.letters("sso_replaced")] == [acme.member.email]
    others = sorted([acme.admin.email, acme.manager.email])
    assert sorted(letter.to_address for letter in world.letters("sso_link_reminder")) == others


def test_people_without_a_password_are_led_to_one_when_the_connection_is_replaced(
    world: World, acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    set_up(acme, browser, theirs)
    world.invite(acme.slug, acme.owner, "mia@example.org")
    theirs.person, theirs.people["u-2"]["email"] = "u-2", "mia@example.org"
    newcomer = world.browser()
    way = departure(newcomer, post(newcomer, acme.address("sso/login")))
    assert newcomer.get(at_provider(way)).status_code == 303
    theirs.person = "u-1"
    set_up(acme, browser, theirs)
    work(world.app)
    assert world.letters("sso_disabled") == []
    [letter] = world.letters("sso_replaced")
    assert (letter.to_address, letter.data["provider"]) == ("mia@example.org", urlsplit(theirs.issuer).netloc)
    assert "password" in newcomer.get(f"/verify-email/{world.token_of(letter)}").text


def test_nobody_has_to_come_through_a_connection_that_replaces_a_required_one(
    world: World, acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    set_up(acme, browser, theirs)
    world.write(lambda: db.session.execute(update(IdentityProvider).values(enforcement=Enforcement.REQUIRED)))
    assert acme.browser(acme.member).get(acme.address("members")).status_code == 303
    set_up(acme, browser, theirs)
    assert connections(acme)[-1].enforcement is Enforcement.OPTIONAL
    assert acme.browser(acme.member).get(acme.address("members")).status_code == 200
    assert acme.events()[-3:] == ["sso.enabled", "sso.enforced", "sso.linked"]
    [letter] = world.letters("sso_enforced")
    assert (letter.to_address, letter.data["what"]) == (acme.owner.email, "optional")


def test_A20_organization_on_github_is_kept_by_its_number(acme: Acme, browser: FlaskClient) -> None:
    assert choose(acme, browser, "github").endswith(CALLBACK.rpartition("/")[2])
    form = {"kind": "github", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    with running_github() as github:
        form |= {"issuer": github.address, "option_organization": ORGANIZATION}
        assert (
            browser.get(at_provider(departure(browser, post(browser, acme.address(SETUP), **form)))).status_code == 303
        )
        [made] = connections(acme)
        assert made.options == {"organization": ORGANIZATION, "organization_id": "88"}
        github.membership["organization"] = {**AT_GITHUB, "id": 89}
        visitor = acme.browser()
        back = at_provider(departure(visitor, post(visitor, acme.address("sso/login"))))
        assert visitor.get(back).status_code == 403


def test_form_says_that_it_takes_the_place_of_another_connection_only_where_there_is_one(
    acme: Acme, browser: FlaskClient, theirs: HostileProvider
) -> None:
    said = "It takes the place of the connection in use"
    choose(acme, browser)
    assert said not in browser.get(acme.address(SETUP)).text
    set_up(acme, browser, theirs)
    choose(acme, browser)
    assert said in browser.get(acme.address(SETUP)).text


def test_secret_that_is_kept_is_said_to_be_filled_in(acme: Acme, browser: FlaskClient, theirs: HostileProvider) -> None:
    choose(acme, browser)
    assert "Filled in" not in browser.get(acme.address(SETUP)).text
    post(browser, acme.address(SETUP), **entered(theirs))
    secret = Page(browser.get(acme.address(SETUP))).by_id("client_secret").attributes
    assert (secret["placeholder"], secret.get("value", "")) == ("Filled in", "")
