"""Proving a domain by a TXT record, asked of a name server on loopback."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from sqlalchemy import select

from tests.support.acme import Acme, organization_of
from tests.support.identity_provider import HostileProvider
from tests.support.name_server import FAILING, NameServer, running_name_server
from tests.support.pages import Page
from tests.support.rounds import rounds_of
from tests.support.sso import Desk
from tests.support.transactions import clashes, transactions
from tests.support.visitor import at_once
from tests.support.worlds import Person, World, csrf_token, post
from webapp import clock
from webapp.config import Settings
from webapp.db import db
from webapp.errors import DomainProvenElsewhere
from webapp.http import sso, uow
from webapp.http.domains import MOST_CHECKS
from webapp.models import ProviderStatus, SsoDomain
from webapp.services.sso.domains import HANDED_OVER, TAKEN_OVER

MEETING_SECONDS = 60
DOMAIN = "corp.example.org"
NAME = f"_vestibule.{DOMAIN}"
THEIRS = f"vestibule-domain={64 * '0'}"
RULES = {"joining": "invited", "default_role": "member", "verification_days": "7"}


@pytest.fixture
def names() -> Iterator[NameServer]:
    """A name server that publishes nothing yet."""
    with running_name_server() as running:
        yield running


@pytest.fixture
def settings(environment: dict[str, str], names: NameServer) -> Settings:
    """Settings by which it is asked."""
    more = {"VESTIBULE_PRIVATE_PROVIDERS": "127.0.0.1", "VESTIBULE_DNS_RESOLVER": names.address}
    return Settings.from_environment({**environment, **more})


@pytest.fixture(autouse=True)
def listed(acme: Acme, desk: Desk) -> None:
    """Acme lists the domain."""
    listing(acme, DOMAIN)


def listing(acme: Acme, *domains: str) -> None:
    form = {**RULES, "domains": " ".join(domains)}
    assert post(acme.browser(acme.owner), acme.address("sso"), **form).status_code == 303


def value_shown(acme: Acme) -> str:
    return Page(acme.browser(acme.owner).get(acme.address("sso"))).by_id("domain-1-value").attributes["value"]


def records_shown(acme: Acme) -> dict[str, str]:
    """Return the record of each domain, as the page shows them."""
    page = Page(acme.browser(acme.owner).get(acme.address("sso")))
    found = {}
    for number, domain in enumerate(sorted(element.text for element in page.elements if element.tag == "h3"), 1):
        found[domain] = page.by_id(f"domain-{number}-value").attributes["value"]
    return found


def check(acme: Acme, domain: str = DOMAIN, by: Person | None = None) -> tuple[int, str]:
    """Press the button; return the status, and the page it leads to."""
    browser = acme.browser(by or acme.owner)
    answer = post(browser, acme.address("sso/domains"), domain=domain)
    return answer.status_code, Page(browser.get(acme.address("sso"))).text if answer.status_code == 303 else answer.text


def proven(world: World, slug: str) -> list[str]:
    found = select(SsoDomain.domain).where(SsoDomain.proven_at.is_not(None))
    return world.read(
        lambda: list(db.session.scalars(found.where(SsoDomain.organization_id == organization_of(slug).id)))
    )


def test_record_that_is_published_proves_the_domain_and_is_audited(world: World, acme: Acme, names: NameServer) -> None:
    page = Page(acme.browser(acme.owner).get(acme.address("sso")))
    assert page.by_id("domain-1").text == DOMAIN
    assert page.by_id("domain-1-name").attributes["value"] == NAME
    names.texts[NAME] = ["v=spf1 -all", value_shown(acme)]
    status, shown = check(acme)
    assert (status, f"{DOMAIN} is proven." in shown, "Proven since" in shown) == (303, True, True)
    assert names.asked == [NAME]
    entry = acme.entries()[-1]
    assert (entry.event, entry.after) == ("sso.domain_proven", {"domain": DOMAIN})
    log = acme.browser(acme.owner).get(acme.address("audit")).text
    assert "proved a domain for single sign-on" in log
    assert DOMAIN in log
    assert world.letters() == []


def test_E14_domain_is_proven_only_after_a_sign_in_of_just_now(acme: Acme, names: NameServer) -> None:
    names.texts[NAME] = [value_shown(acme)]
    browser = acme.browser(acme.owner)
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        with acme.unchanged("session", "member"):
            answer = post(browser, acme.address("sso/domains"), domain=DOMAIN)
        assert (answer.status_code, names.asked) == (403, [])
        assert f"/login?next={acme.address('sso')}&amp;again=1" in answer.text
        for who, is_offered in ((browser, False), (acme.world.browser(acme.owner), True)):
            [button] = Page(who.get(acme.address("sso"))).named("domain")
            assert ("disabled" not in button.attributes) is is_offered
    assert check(acme)[0] == 303


def test_proven_domain_stays_proven_and_is_asked_about_no_more(world: World, acme: Acme, names: NameServer) -> None:
    names.texts[NAME] = [value_shown(acme)]
    check(acme)
    names.texts.clear()
    with acme.unchanged():
        assert check(acme)[0] == 303
    assert (len(names.asked), proven(world, acme.slug)) == (1, [DOMAIN])
    listing(acme)
    listing(acme, DOMAIN)
    assert proven(world, acme.slug) == []


@pytest.mark.parametrize(
    ("texts", "trouble", "sentence"),
    [
        ({}, {}, "has no TXT record yet"),
        ({DOMAIN: ["elsewhere"]}, {}, "has no TXT record yet"),
        ({NAME: ["vestibule-domain=another"]}, {}, "but with another value"),
        ({}, {NAME: FAILING}, "do not answer, so nothing is known"),
    ],
)
def test_A20_what_proves_nothing_is_told_apart_and_changes_nothing(
    acme: Acme, names: NameServer, texts: dict[str, list[str]], trouble: dict[str, str], sentence: str
) -> None:
    names.texts, names.troubles = texts, trouble
    with acme.unchanged("attempts"):
        status, shown = check(acme)
    assert (status, sentence in shown, "Not proven yet" in shown) == (303, True, True)


@pytest.mark.parametrize("changed", ["{}x", "x{}", "{}\\000", " {} {}"])
def test_A20_value_that_only_looks_right_proves_nothing(
    world: World, acme: Acme, names: NameServer, changed: str
) -> None:
    value = value_shown(acme)
    names.texts[NAME] = [changed.format(value, value)]
    check(acme)
    names.texts[NAME] = [value.upper(), value.rpartition("=")[2]]
    check(acme)
    assert proven(world, acme.slug) == []


def test_A20_domain_that_another_organization_has_proven_is_refused_without_its_name(
    world: World, acme: Acme, theirs: HostileProvider, names: NameServer
) -> None:
    Desk(acme, theirs, acme.other_slug).prove_domain(DOMAIN)
    assert "has no TXT record yet" in check(acme)[1]
    names.texts[NAME] = [value_shown(acme), THEIRS]
    with acme.unchanged("attempts"):
        status, shown = check(acme)
    assert (status, "Another organization on this server has proven this domain" in shown) == (303, True)
    assert "Umbra" not in shown


def test_domain_whose_record_is_gone_is_handed_over_to_whoever_proves_it_now(
    world: World, acme: Acme, theirs: HostileProvider, names: NameServer
) -> None:
    Desk(acme, theirs, acme.other_slug).prove_domain(DOMAIN)
    names.texts[NAME] = [value_shown(acme), "v=spf1 -all"]
    assert f"{DOMAIN} is proven." in check(acme)[1]
    assert (proven(world, acme.slug), proven(world, acme.other_slug)) == ([DOMAIN], [])
    [letter] = world.letters("sso_domain")
    assert (letter.to_address, letter.data["what"]) == (acme.stranger.email, "handed_over")
    lost, won = acme.entries(acme.other_slug)[-1], acme.entries()[-1]
    assert (lost.event, lost.after) == ("sso.domain_lost", {"domain": DOMAIN, "reason": HANDED_OVER})
    assert lost.actor_user_id is None
    assert (won.event, won.after) == ("sso.domain_proven", {"domain": DOMAIN, "reason": TAKEN_OVER})
    assert "Acme" not in f"{lost.after} {letter.data}"
    form = {"email": f"mia@{DOMAIN}"}
    assert post(world.browser(), "/login/sso", **form).location.startswith(f"/orgs/{acme.slug}/sso/login")


def looked_at(world: World, names: NameServer, days: float) -> list[str]:
    """Let the worker go round so many days from now; return what was said to owners until then."""
    with time_machine.travel(clock.now() + timedelta(days=days), tick=False):
        rounds_of(world.app, name_server=names.address).run_once()
    return [letter.data["what"] for letter in world.letters("sso_domain")]


def test_proven_domain_is_looked_at_each_day_and_lost_when_its_record_stays_away(
    world: World, acme: Acme, names: NameServer
) -> None:
    names.texts[NAME] = [value_shown(acme)]
    check(acme)
    assert looked_at(world, names, 0.5) == looked_at(world, names, 1.1) == looked_at(world, names, 1.2) == []
    assert len(names.asked) == 2
    del names.texts[NAME]
    assert looked_at(world, names, 2.2) == ["missing"]
    names.texts[NAME] = [value_shown(acme)]
    assert looked_at(world, names, 3.3) == ["missing"]
    names.texts[NAME] = ["v=spf1 -all"]
    for day in range(5, 8):
        assert looked_at(world, names, day) == 2 * ["missing"]
        assert proven(world, acme.slug) == [DOMAIN]
    assert looked_at(world, names, 8.1) == ["missing", "missing", "lost"]
    assert proven(world, acme.slug) == []
    assert (acme.entries()[-1].event, acme.entries()[-1].actor_user_id) == ("sso.domain_lost", None)
    assert looked_at(world, names, 9.2) == ["missing", "missing", "lost"]


def test_name_servers_that_do_not_answer_take_no_domain_away(world: World, acme: Acme, names: NameServer) -> None:
    names.texts[NAME] = [value_shown(acme)]
    check(acme)
    names.troubles[NAME] = FAILING
    for day in range(2, 8):
        assert looked_at(world, names, day) == []
    assert proven(world, acme.slug) == [DOMAIN]


def test_R23_workers_at_once_look_once(world: World, acme: Acme, names: NameServer) -> None:
    names.texts[NAME] = [value_shown(acme)]
    check(acme)
    del names.texts[NAME]
    with time_machine.travel(clock.now() + timedelta(days=2), tick=False):
        at_once(3, lambda _index: rounds_of(world.app, name_server=names.address).run_once())
    assert len(names.asked) == 2
    assert len(world.letters("sso_domain")) == 1


def test_A20_database_lets_one_organization_have_a_domain(world: World, acme: Acme, theirs: HostileProvider) -> None:
    Desk(acme, theirs, acme.other_slug).prove_domain(DOMAIN)

    def prove() -> None:
        mine = select(SsoDomain).where(SsoDomain.organization_id == organization_of(acme.slug).id)
        db.session.scalars(mine).one().proven_at = organization_of(acme.slug).created_at
        db.session.flush()

    with world.app.test_request_context(), pytest.raises(DomainProvenElsewhere):
        uow.write(prove)


def test_two_organizations_prove_a_domain_at_once_and_one_has_it(
    world: World, acme: Acme, names: NameServer, umbra: Desk
) -> None:
    theirs = replace(acme, slug=acme.other_slug, owner=acme.stranger)
    listing(theirs, DOMAIN)
    names.texts[NAME] = [value_shown(acme), value_shown(theirs)]
    browsers = [one.browser(one.owner) for one in (acme, theirs)]
    tokens = [csrf_token(browser) for browser in browsers]

    def press(index: int) -> int:
        form = {"domain": DOMAIN, "csrf_token": tokens[index]}
        return browsers[index].post((acme, theirs)[index].address("sso/domains"), data=form).status_code

    assert set(at_once(2, press)) <= {303, 409}
    both = [proven(world, slug) for slug in (acme.slug, acme.other_slug)]
    assert sorted(both) == [[], [DOMAIN]]
    entries = acme.entries() + acme.entries(acme.other_slug)
    assert [entry.event for entry in entries].count("sso.domain_proven") == 1


def test_two_organizations_take_a_domain_from_each_other_at_once_without_a_deadlock(
    world: World, acme: Acme, names: NameServer, umbra: Desk
) -> None:
    """Each holds the locks of both, always the same first: neither ever waits for what waits for it."""
    theirs = replace(acme, slug=acme.other_slug, owner=acme.stranger)
    both, domains = (acme, theirs), (DOMAIN, "corp.example.net")
    for one in both:
        listing(one, *domains)
    values = [records_shown(one) for one in both]
    browsers = [one.browser(one.owner) for one in both]
    tokens = [csrf_token(browser) for browser in browsers]
    met = threading.Condition()

    def press(wanted: list[str], index: int) -> int:
        form = {"domain": wanted[index], "csrf_token": tokens[index]}
        return browsers[index].post(both[index].address("sso/domains"), data=form).status_code

    def meet(before: int) -> None:
        """Answer once both have asked, however often: who waits for two seconds asks again."""
        with met:
            met.notify_all()
            assert met.wait_for(lambda: len(set(names.asked[before:])) == len(domains), MEETING_SECONDS)

    with clashes(world.app) as found:
        for turn in range(6):
            wanted = [domains[turn % 2], domains[1 - turn % 2]]
            names.texts.update({f"_vestibule.{domain}": [values[index][domain]] for index, domain in enumerate(wanted)})
            names.before = partial(meet, len(names.asked)) if turn else None
            assert at_once(2, partial(press, wanted)) == [303, 303]
            assert [proven(world, one.slug) for one in both] == [[domain] for domain in wanted]
    assert found == []


def test_X09_name_server_is_asked_while_no_transaction_is_open(world: World, acme: Acme, names: NameServer) -> None:
    names.texts[NAME] = [value_shown(acme)]
    marks: list[int] = []
    with transactions(world.app) as seen:
        names.before = lambda: marks.append(len(seen))
        check(acme)
    [at] = marks
    assert not any(one.changes("sso_domain") for one in seen[:at])
    assert any(one.changes("sso_domain") and one.is_committed for one in seen[at:])


def test_everything_is_looked_at_again_after_the_question(
    world: World, acme: Acme, desk: Desk, theirs: HostileProvider, names: NameServer
) -> None:
    names.texts[NAME] = [value_shown(acme), THEIRS]
    other = Desk(acme, theirs, acme.other_slug)
    names.before = lambda: other.prove_domain(DOMAIN)
    assert "Another organization" in check(acme)[1]
    world.write(
        lambda: db.session.delete(db.session.scalars(select(SsoDomain).where(SsoDomain.proven_at.is_not(None))).one())
    )

    def relist() -> None:
        listing(acme)
        listing(acme, DOMAIN)

    names.before = relist
    assert "but with another value" in check(acme)[1]
    names.before, names.texts[NAME] = lambda: listing(acme), [value_shown(acme)]
    assert check(acme)[0] == 404
    names.before = lambda: desk.set(status=ProviderStatus.DISABLED)
    listing(acme, DOMAIN)
    names.texts[NAME] = [value_shown(acme)]
    assert check(acme)[0] == 404
    assert proven(world, acme.slug) == []


def test_only_owners_ask_about_domains_that_are_listed(acme: Acme, names: NameServer) -> None:
    for person, status in ((acme.manager, 403), (acme.member, 403), (acme.stranger, 404)):
        assert check(acme, by=person)[0] == status
    for domain in ("", "other.example.org", DOMAIN.upper(), f"{DOMAIN}.", f"it.{DOMAIN}", "x" * 9_000):
        assert check(acme, domain)[0] == 404
    assert names.asked == []


def test_X02_slow_name_servers_of_others_take_the_places_they_share(
    world: World, acme: Acme, names: NameServer
) -> None:
    patience = world.app.extensions[sso.SURROUNDINGS].patience
    with ExitStack() as stack:
        for number in range(4):
            stack.enter_context(patience.one_more(f"dns:{number} elsewhere"))
        assert "do not answer, so nothing is known" in check(acme)[1]
    assert names.asked == []


def test_X02_name_servers_are_asked_so_often_and_no_more(acme: Acme, names: NameServer) -> None:
    for _ in range(MOST_CHECKS):
        assert check(acme)[0] == 303
    assert check(acme)[0] == 429
    assert len(names.asked) == MOST_CHECKS
