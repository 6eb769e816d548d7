"""Ways to a provider from the sign-in page: by the domain of an address, or by where somebody wants to go."""

from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.identity_provider import HostileProvider
from tests.support.pages import Page
from tests.support.sso import Desk, at_provider, departure, signed_in_as
from tests.support.worlds import World, csrf_token, post
from webapp.models import Joining, ProviderStatus

DOMAIN = "corp.example.org"
NOWHERE = ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "/x\r\nLocation: /y"]


@pytest.fixture
def proven(desk: Desk) -> Desk:
    """Acme's connection, with a proven domain."""
    desk.prove_domain(DOMAIN)
    return desk


def enter(browser: FlaskClient, email: str, path: str = "/login/sso") -> tuple[int, str]:
    answer = post(browser, path, email=email)
    return answer.status_code, answer.headers.get("Location", "") or Page(answer).text


def login_page(browser: FlaskClient, wanted: str) -> Page:
    return Page(browser.get("/login", query_string={"next": wanted}))


def test_address_of_a_proven_domain_leads_to_the_page_of_the_organization(acme: Acme, proven: Desk) -> None:
    browser = acme.browser()
    assert enter(browser, f"Mia@{DOMAIN.title()}") == (303, proven.address("login"))
    assert "Sign in to Acme" in browser.get(proven.address("login")).text


def test_whole_way_from_the_sign_in_page_comes_back_to_what_was_wanted(
    world: World, acme: Acme, proven: Desk, theirs: HostileProvider
) -> None:
    theirs.people["u-1"]["email"] = f"mia@{DOMAIN}"
    proven.set(joining=Joining.ALLOWED)
    browser = world.browser()
    assert Page(browser.get("/login")).by_id("sso-by-domain").attributes["formaction"] == "/login/sso"
    wanted = acme.address("members?q=a%20b")
    led = enter(browser, f"mia@{DOMAIN}", f"/login/sso?next={quote(wanted)}")[1]
    button = next(one for one in Page(browser.get(led)).elements if one.tag == "form")
    back = at_provider(departure(browser, post(browser, button.attributes["action"])))
    assert browser.get(back).location == wanted
    assert signed_in_as(browser) == "Mia Sommer"


def test_C13_answer_is_the_same_for_every_name_of_a_domain(world: World, acme: Acme, proven: Desk) -> None:
    world.person("Known Person", f"known@{DOMAIN}")
    world.invite(acme.slug, acme.owner, f"invited@{DOMAIN}")
    known = {enter(acme.browser(), f"{name}@{DOMAIN}") for name in ("known", "invited", "nobody")}
    assert known == {(303, proven.address("login"))}
    world.person("Elsewhere", "known@other.example.org")
    pages = [enter(acme.browser(), f"{name}@other.example.org") for name in ("known", "nobody")]
    assert pages[0] == pages[1]
    assert pages[0][0] == 422


@pytest.mark.parametrize(
    "email",
    [
        "mia@evilcorp.example.org",
        "mia@it.corp.example.org",
        "mia@example.org",
        "mia@corp.example.org.",
        "mia@corp.example.org.evil.example",
        "x@corp.example.org@evil.example",
        "x@evil.example@corp.example.org",
        "mia@cor\u0440.example.org",
        "mia@\u24d2orp.example.org",
        "corp.example.org",
        "",
    ],
)
def test_A20_address_that_only_looks_like_the_domain_leads_nowhere(acme: Acme, proven: Desk, email: str) -> None:
    with acme.unchanged("attempts"):
        assert enter(acme.browser(), email)[0] == 422


def test_A20_domain_that_is_listed_and_not_proven_leads_nowhere(acme: Acme, desk: Desk) -> None:
    rules = {"joining": "allowed", "domains": DOMAIN, "default_role": "member", "verification_days": "7"}
    assert post(acme.browser(acme.owner), acme.address("sso"), **rules).status_code == 303
    status, page = enter(acme.browser(), f"mia@{DOMAIN}")
    assert (status, f"Nobody signs in here through a provider by addresses of {DOMAIN}" in page) == (422, True)
    assert "sso-by-domain" not in Page(acme.browser().get("/login")).ids


def test_A18_connection_that_is_off_is_as_if_the_domain_were_unknown(acme: Acme, proven: Desk) -> None:
    page = enter(acme.browser(), "mia@unknown.example.org")[1]
    proven.set(status=ProviderStatus.DISABLED)
    assert enter(acme.browser(), f"mia@{DOMAIN}") == (422, page.replace("unknown.example.org", DOMAIN))
    assert {"sso-by-domain", "sso-continue"} & {*login_page(acme.browser(), acme.address("members")).ids} == set()


def test_attempts_of_one_network_are_limited(acme: Acme, proven: Desk) -> None:
    browser = acme.browser()
    token = csrf_token(browser)
    form = {"email": f"mia@{DOMAIN}", "csrf_token": token}
    statuses = [browser.post("/login/sso", data=form).status_code for _ in range(101)]
    assert statuses == [303] * 100 + [429]


@pytest.mark.parametrize("wanted", NOWHERE)
def test_A24_way_by_the_domain_leads_to_no_other_server(acme: Acme, proven: Desk, wanted: str) -> None:
    browser = acme.browser()
    form = {"email": f"mia@{DOMAIN}", "csrf_token": csrf_token(browser)}
    answer = browser.post("/login/sso", query_string={"next": wanted}, data=form)
    assert (answer.status_code, answer.location) == (303, proven.address("login"))


def test_password_that_is_sent_along_is_neither_looked_at_nor_shown(acme: Acme, proven: Desk) -> None:
    answer = post(acme.browser(), "/login/sso", email="mia@unknown.example.org", password="a secret of hers")
    assert answer.status_code == 422
    assert "a secret of hers" not in answer.text


def test_organization_that_is_wanted_offers_its_provider(world: World, acme: Acme, desk: Desk) -> None:
    number = desk.know(acme.member)
    wanted = acme.address("members?q=a")
    browser = acme.browser()
    page = login_page(browser, wanted)
    host = desk.theirs.issuer.removeprefix("http://")
    assert page.by_id("sso-continue").text == f"Continue with {host}"
    action = next(one.attributes["action"] for one in page.elements if "sso/login" in one.attributes.get("action", ""))
    back = at_provider(departure(browser, post(browser, action)))
    assert browser.get(back).location == wanted
    assert number


@pytest.mark.parametrize("of_organization", ["", "/", "/members", "?x=1"])
def test_organization_is_read_from_the_path_alone(acme: Acme, desk: Desk, of_organization: str) -> None:
    assert "sso-continue" in login_page(acme.browser(), f"/orgs/{acme.slug}{of_organization}").ids


def test_C13_nothing_is_offered_that_the_page_of_the_organization_does_not_tell(acme: Acme, desk: Desk) -> None:
    browser = acme.browser()
    pages = [
        login_page(browser, f"/orgs/{slug}/members").text
        for slug in (acme.other_slug, "nowhere", f"{acme.slug}x", f"{acme.slug}%2Fx", "..%2Facme")
    ]
    assert len({*pages}) == 1
    assert "Continue with" not in pages[0]
    for elsewhere in (f"//evil.example/orgs/{acme.slug}/members", f"/x?next=/orgs/{acme.slug}/members"):
        assert "Continue with" not in login_page(browser, elsewhere).text


def test_whoever_has_to_enter_their_password_again_is_offered_no_provider(acme: Acme, desk: Desk) -> None:
    page = acme.browser(acme.owner).get("/login", query_string={"next": acme.address("sso"), "again": "1"}).text
    assert "Continue with" not in page
