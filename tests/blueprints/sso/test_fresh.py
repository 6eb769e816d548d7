"""Services of single sign-on ask themselves for a sign-in of just now: no page can forget it."""

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import import_module

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.sso import Desk, at_provider
from tests.support.teams import make_group, make_project, make_team
from tests.support.worlds import post
from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import SignInAgain
from webapp.models import AccessGroup, Enforcement, IdentityProvider, Joining, Member, Organization, Role, SsoMapping
from webapp.services import sso
from webapp.services.sso import (
    connections,
    disabling,
    domains,
    enforcement,
    identities,
    mappings,
    policy,
    recovery,
    reminders,
    replacing,
    taking_away,
)
from webapp.services.sso.connections import Answers
from webapp.services.sso.identities import Said
from webapp.services.sso.mappings import ClaimMapping
from webapp.services.sso.reminders import Whom

Step = Callable[[Actor, Organization], object]
ANSWERS = Answers("https://id.example.org", "hall", {}, "a secret")
DOMAIN = "corp.example.org"
RULES = policy.Policy(Role.MEMBER, Joining.INVITED, 9, ())


def nothing(_actor: Actor, _organization: Organization) -> None:
    """Prepare nothing."""


def draft_made(actor: Actor, organization: Organization) -> None:
    """Begin a draft, with a secret in it."""
    draft = connections.choose_kind(actor, organization, "oidc")
    connections.save_draft(actor, organization, draft, ANSWERS)


def linked(actor: Actor, organization: Organization) -> None:
    """Link the actor."""
    identities.link(actor, organization, connections.require_active(organization), Said("u-1"))


def member_linked(_actor: Actor, organization: Organization) -> None:
    """Link the one who is but a member."""
    member = db.session.get_one(Member, member_of(organization))
    identities.add(connections.require_active(organization), member.user_id, Said("u-2"))


def mapped(actor: Actor, organization: Organization) -> None:
    """Let a claim fill a group."""
    mappings.add(actor, organization, mapping(actor))


def listed(actor: Actor, organization: Organization) -> None:
    """List a domain that is to be proven."""
    policy.edit(actor, organization, connections.require_active(organization), replace(RULES, domains=(DOMAIN,)))


def prove_domain(actor: Actor, organization: Organization) -> None:
    """Prove it by what is published."""
    record = domains.record_of(organization, DOMAIN)
    domains.prove(actor, organization, connections.require_active(organization), DOMAIN, [record.value])


def mapping(_actor: Actor) -> ClaimMapping:
    return ClaimMapping("groups", "readers", db.session.scalars(select(AccessGroup.id)).one())


def draft_of(organization: Organization) -> IdentityProvider:
    draft = connections.draft_of(organization)
    assert draft
    return draft


def with_provider(verb: Callable[..., object], *more: object) -> Step:
    """Return a verb that concerns the connection in use."""
    return lambda actor, here: verb(actor, here, connections.require_active(here), *more)


def with_draft(verb: Callable[..., object], *more: object) -> Step:
    """Return a verb that concerns the draft."""
    return lambda actor, here: verb(actor, here, draft_of(here), *more)


@dataclass(frozen=True)
class Verb:
    """Something a service does for somebody, and what is there first; `may_be_old` as it sends letters only."""

    do: Step
    prepare: Step = nothing
    may_be_old: bool = False


VERBS = {
    "connections.choose_kind": Verb(lambda actor, here: connections.choose_kind(actor, here, "google"), draft_made),
    "connections.save_draft": Verb(with_draft(connections.save_draft, replace(ANSWERS, client_id="other")), draft_made),
    "connections.discard": Verb(connections.discard, draft_made),
    "connections.activate": Verb(with_draft(connections.activate, {}), draft_made),
    "connections.renew_secret": Verb(with_provider(connections.renew_secret, "another secret")),
    "disabling.disable": Verb(with_provider(disabling.disable)),
    "domains.prove": Verb(prove_domain, listed),
    "enforcement.enforce": Verb(
        lambda actor, here: enforcement.enforce(actor, here, enforcement.EnforcementPolicy(Enforcement.OPTIONAL), 1)
    ),
    "identities.link": Verb(with_provider(identities.link, Said("u-1"))),
    "identities.unlink": Verb(with_provider(identities.unlink), linked),
    "mappings.add": Verb(lambda actor, here: mappings.add(actor, here, mapping(actor))),
    "mappings.remove": Verb(
        lambda actor, here: mappings.remove(actor, here, db.session.scalars(select(SsoMapping)).one()), mapped
    ),
    "policy.edit": Verb(with_provider(policy.edit, RULES)),
    "recovery.make": Verb(lambda actor, here: recovery.make(actor, here, 1)),
    "reminders.remind": Verb(
        lambda actor, here: reminders.remind(
            actor, here, connections.require_active(here), Whom.UNLINKED, member_of(here)
        ),
        may_be_old=True,
    ),
    "reminders.remind_all": Verb(with_provider(reminders.remind_all, Whom.UNLINKED), may_be_old=True),
    "taking_away.take_away": Verb(
        lambda actor, here: taking_away.take_away(
            actor, here, connections.require_active(here), db.session.get_one(Member, member_of(here))
        ),
        member_linked,
    ),
    "replacing.activate": Verb(with_draft(replacing.activate, {}), draft_made),
}
NOT_ASKED = {
    "connections.note_mistake": "part of a flow that was begun by a sign-in of just then",
    "connections.respell": "part of one, too",
    "enforcement.begin_anew": "part of activating",
    "enforcement.bypass": "commands alone do it",
    "enforcement.record": "part of other verbs",
    "identities.is_last_linked_owner": "changes nothing",
    "joining.come_in": "whoever comes in has not signed in yet",
    "mappings.forget": "part of other verbs",
    "mappings.forget_some": "part of other verbs",
    "recovery.require_use": "changes nothing",
    "taking_away.require_may_take_away": "changes nothing",
    "recovery.use": "the code proves them",
    "refusals.note": "notes what was refused",
}


def member_of(organization: Organization) -> int:
    found = select(Member.id).where(Member.organization_id == organization.id, Member.role == Role.MEMBER)
    return db.session.scalars(found).one()


def test_every_verb_of_single_sign_on_is_tried_or_says_why_it_asks_nothing() -> None:
    found = set()
    for module in pkgutil.iter_modules(sso.__path__):
        there = import_module(f"{sso.__name__}.{module.name}")
        for name, function in inspect.getmembers(there, inspect.isfunction):
            takes_actor = next(iter(inspect.signature(function).parameters), "") == "actor"
            if takes_actor and function.__module__ == there.__name__ and not name.startswith("_"):
                found.add(f"{module.name}.{name}")
    assert found == {*VERBS, *NOT_ASKED}


@pytest.fixture(params=VERBS)
def verb(request: pytest.FixtureRequest, acme: Acme, desk: Desk) -> Verb:
    """Each verb, with what it needs."""
    if request.param.startswith("mappings."):
        red = make_team(acme, "Red")
        make_group(acme, red, "Readers", Role.MEMBER, ([make_project(acme, "Payroll", red)], [acme.member]))
    found = VERBS[request.param]
    acme.act(acme.owner, found.prepare)
    return found


@pytest.mark.parametrize("is_confined", [False, True], ids=["eleven minutes ago", "at the provider's word"])
def test_E14_A01_no_verb_is_for_a_session_that_is_old_or_confined(acme: Acme, verb: Verb, is_confined: bool) -> None:
    def stale(actor: Actor, here: Organization) -> object:
        return verb.do(replace(actor, is_fresh=False, is_confined=is_confined), here)

    if is_confined or not verb.may_be_old:
        with acme.unchanged(), pytest.raises(SignInAgain) as refused:
            acme.act(acme.owner, stale)
        assert (refused.value.status, "single sign-on alone" in str(refused.value)) == (403, is_confined)
    acme.act(acme.owner, verb.do)


@pytest.fixture
def old(acme: Acme) -> Iterator[FlaskClient]:
    """The browser of an owner who signed in eleven minutes ago."""
    browser = acme.browser(acme.owner)
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        yield browser


@pytest.fixture
def confined(acme: Acme, desk: Desk) -> FlaskClient:
    """The browser of an owner whom the provider alone names."""
    desk.know(acme.owner)
    browser = acme.world.browser()
    desk.sign_in(browser)
    return browser


@pytest.mark.parametrize("whose", ["old", "confined"])
@pytest.mark.parametrize(("path", "form"), [("setup/kind", {"kind": "google"}), ("setup/discard", {})])
def test_E14_A23_draft_with_a_secret_is_thrown_away_only_after_a_sign_in_of_just_now(
    acme: Acme, desk: Desk, request: pytest.FixtureRequest, whose: str, path: str, form: dict[str, str]
) -> None:
    acme.act(acme.owner, draft_made)
    browser = request.getfixturevalue(whose)
    with acme.unchanged("session", "member"):
        answer = post(browser, desk.address(path), **form)
    assert answer.status_code == 403, answer.text
    assert "again=1" in answer.text


@pytest.mark.parametrize("whose", ["old", "confined"])
def test_E14_A23_link_is_taken_away_only_after_a_sign_in_of_just_now(
    acme: Acme, desk: Desk, request: pytest.FixtureRequest, whose: str
) -> None:
    browser = request.getfixturevalue(whose)
    if whose == "old":
        desk.know(acme.owner)
    with acme.unchanged("session", "member"):
        for answer in (browser.get(desk.address("unlink")), post(browser, desk.address("unlink"), confirm="1")):
            assert answer.status_code == 403, answer.text
    assert post(acme.world.browser(acme.owner), desk.address("unlink"), confirm="1").status_code == 303


def test_A01_letters_do_not_leave_at_the_word_of_a_provider(acme: Acme, desk: Desk, confined: FlaskClient) -> None:
    with acme.unchanged("session", "member"):
        assert post(confined, desk.address("remind"), whom="unlinked", all="1").status_code == 403


def test_letters_leave_however_long_ago_somebody_signed_in(acme: Acme, desk: Desk, old: FlaskClient) -> None:
    assert post(old, desk.address("remind"), whom="unlinked", all="1").status_code == 303


def test_kind_that_was_chosen_comes_back_with_whoever_signs_in_again(acme: Acme, desk: Desk, old: FlaskClient) -> None:
    answer = post(old, desk.address("setup/kind"), kind="google")
    assert Page(answer).checked("kind") == ["google"]
    assert "What you typed comes back with you." in answer.text


def test_notice_leads_to_signing_in_and_back_to_a_page(acme: Acme, desk: Desk, old: FlaskClient) -> None:
    """What only forms are sent to is no page."""
    for path, page in (("recovery-codes", "sso/recovery-codes"), ("setup/discard", "sso")):
        assert f"/login?next={acme.address(page)}&amp;again=1" in post(old, desk.address(path)).text


def test_whoever_left_for_the_provider_in_time_is_not_asked_again_when_they_come_back(acme: Acme, desk: Desk) -> None:
    browser = acme.browser(acme.owner)
    began = clock.now()
    with time_machine.travel(began + timedelta(minutes=9), tick=False):
        way = desk.way_out(browser, "link")
    with time_machine.travel(began + timedelta(minutes=12), tick=False):
        assert browser.get(at_provider(way)).location == "/account/"
    assert len(desk.identities()) == 1
