"""People of whom the worker asks while nobody waits whether the provider still vouches for them."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Response
from sqlalchemy import select, update

from tests.support.acme import Acme
from tests.support.identity_provider import ABSENT, HostileProvider, public, rsa_key
from tests.support.rounds import fails, rounds_of
from tests.support.sso import Desk
from tests.support.visitor import at_once
from tests.support.worlds import World, post
from webapp import clock
from webapp.db import db
from webapp.models import Enforcement, Identity, Session
from webapp.providers.http import ALL_SECONDS
from webapp.services.sso import connections, reverification
from webapp.services.sso.identities import Said

A_DAY = timedelta(days=1, minutes=1)
PATIENCE_SECONDS = 0.3


def identity_of(desk: Desk, subject: str = "u-1") -> Identity:
    theirs = select(Identity).where(Identity.provider_id == desk.provider_id, Identity.subject == subject)
    found: Identity = desk.acme.world.read(lambda: db.session.scalars(theirs).one())
    return found


def token_of(desk: Desk) -> str:
    """Return the refresh token that is kept, opened."""
    identity = identity_of(desk)
    return str(
        desk.acme.world.read(lambda: db.vault.open(connections.seal_name(identity), identity.refresh_token or ""))
    )


def says_no(theirs: HostileProvider) -> None:
    """Let a provider know none of its refresh tokens any more."""
    theirs._refresh.clear()


@pytest.fixture
def known(world: World, acme: Acme, desk: Desk) -> Desk:
    """Acme's connection, which Acme requires, and by which its member has just signed in."""
    desk.know(acme.member)
    desk.set(enforcement=Enforcement.REQUIRED)
    assert desk.sign_in(world.browser()).status_code == 303
    return desk


def later(world: World, days: float = 1.01, seconds: float = ALL_SECONDS) -> None:
    """Go round so many days from now."""
    with time_machine.travel(clock.now() + timedelta(days=days)):
        rounds_of(world.app, seconds).run_once()


def test_who_is_still_vouched_for_is_asked_about_once_a_day(world: World, acme: Acme, known: Desk) -> None:
    rounds_of(world.app).run_once()
    assert known.theirs.hits["token"] == 1, "they have just signed in"
    before, first = identity_of(known), token_of(known)
    known.theirs.people["u-1"]["groups"] = ["staff"]
    later(world)
    after = identity_of(known)
    assert known.theirs.hits["token"] == 2
    assert after.last_verified_at - before.last_verified_at > timedelta(days=1)
    assert (after.refreshed_at, after.invalid_since) == (after.last_verified_at, None)
    assert (before.claims["groups"], after.claims["groups"]) == (["staff", "desk"], ["staff"])
    assert token_of(known) != first
    assert token_of(known) not in (after.refresh_token or "")
    later(world, 1.5)
    assert known.theirs.hits["token"] == 2
    later(world, 2.1)
    assert known.theirs.hits["token"] == 3


def test_no_of_the_provider_takes_access_away(world: World, acme: Acme, known: Desk) -> None:
    browser = world.browser()
    known.sign_in(browser)
    assert browser.get(acme.address("members")).status_code == 200
    says_no(known.theirs)
    later(world, 1)
    identity = identity_of(known)
    assert identity.invalid_since is not None
    assert identity.refresh_token is None
    assert browser.get(acme.address("members")).status_code in (302, 303)
    [letter] = world.letters("sso_invalidated")
    assert (letter.to_address, letter.data["is_required"]) == (acme.member.email, True)
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name, entry.target_name) == ("sso.invalidated", "Vestibule", acme.member.name)
    page = acme.browser(acme.stranger)
    assert page.get(acme.address("members")).status_code == 404
    asked = known.theirs.hits["token"]
    later(world, 3)
    assert known.theirs.hits["token"] == asked
    assert len(world.letters("sso_invalidated")) == 1


def test_signing_in_again_makes_it_good(world: World, acme: Acme, known: Desk) -> None:
    says_no(known.theirs)
    later(world)
    browser = world.browser()
    assert known.sign_in(browser).status_code == 303
    assert browser.get(acme.address("members")).status_code == 200
    assert identity_of(known).invalid_since is None
    assert token_of(known)


@pytest.mark.parametrize("endpoint", ["token", "userinfo"])
@pytest.mark.parametrize("status", [500, 429, 404, 302])
def test_R19_no_answer_changes_nothing(world: World, acme: Acme, known: Desk, endpoint: str, status: int) -> None:
    """Nor is the next token lost, where the provider exchanges it and only then has nothing to say."""
    before = identity_of(known)
    fails(known.theirs, endpoint, status)
    later(world)
    after = identity_of(known)
    assert (after.claims, after.last_verified_at, after.invalid_since) == (before.claims, before.last_verified_at, None)
    known.theirs.replies.clear()
    later(world, 1.1)
    assert identity_of(known).refreshed_at is not None
    assert "sso.invalidated" not in acme.events()


def test_R19_silence_changes_nothing_and_is_tried_again_within_the_day(world: World, acme: Acme, known: Desk) -> None:
    over = threading.Event()

    def wait() -> Response:
        over.wait(60)
        return Response("", 500)

    known.theirs.replies["token"] = wait
    known.set(next_probe_at=clock.now() + timedelta(days=9))
    first = token_of(known)
    later(world, seconds=PATIENCE_SECONDS)
    over.set()
    known.theirs.replies.clear()
    assert (identity_of(known).invalid_since, token_of(known)) == (None, first)
    later(world, 1.1)
    assert identity_of(known).refreshed_at is not None


@pytest.mark.parametrize("kid", ["k-2", "k-1", None])
def test_R20_new_keys_of_the_provider_are_no_no(world: World, acme: Acme, known: Desk, kid: str | None) -> None:
    known.theirs.signing_key = rsa_key("next", kid)
    known.theirs.key_set = public(rsa_key("next", kid))
    later(world)
    identity = identity_of(known)
    assert (identity.invalid_since, identity.refreshed_at) == (None, identity.last_verified_at)


CHANGES: list[Callable[[HostileProvider], None]] = [
    lambda theirs: theirs.claims_changes.update(sub="u-2"),
    lambda theirs: theirs.userinfo_changes.update(sub="u-2"),
    lambda theirs: theirs.claims_changes.update(aud="somebody else"),
    lambda theirs: theirs.claims_changes.update(iss="https://id.example.org"),
    lambda theirs: theirs.userinfo_changes.update(email=["many"]),
    lambda theirs: theirs.token_changes.update(access_token=7),
    lambda theirs: setattr(theirs, "signing_key", rsa_key("evil", "k-1")),
]


@pytest.mark.parametrize("change", CHANGES, ids=["sub", "userinfo", "aud", "iss", "claims", "token", "signature"])
def test_A15_what_is_not_believed_changes_nothing(
    world: World, acme: Acme, known: Desk, change: Callable[[HostileProvider], None]
) -> None:
    before = identity_of(known)
    change(known.theirs)
    later(world)
    after = identity_of(known)
    assert (after.claims, after.last_verified_at, after.invalid_since) == (before.claims, before.last_verified_at, None)


def test_client_that_the_provider_refuses_says_nothing_about_people(world: World, acme: Acme, known: Desk) -> None:
    known.theirs.clients.clear()
    later(world)
    assert identity_of(known).invalid_since is None


def test_K02_token_that_cannot_be_read_is_not_asked_with(world: World, acme: Acme, known: Desk) -> None:
    world.write(lambda: setattr(db.session.get_one(Identity, identity_of(known).id), "refresh_token", "of other keys"))
    later(world)
    assert known.theirs.hits["token"] == 1
    assert identity_of(known).invalid_since is None


def test_session_counts_as_long_as_the_provider_vouches(world: World, acme: Acme, known: Desk) -> None:
    """A browser that came through it need not come again while the provider is asked and says yes."""
    browser, other = world.browser(), world.browser()
    known.sign_in(browser)
    known.sign_in(other)
    began = clock.now()
    known.set(verification_days=2)
    for day in range(1, 5):
        with time_machine.travel(began + timedelta(days=day, minutes=day), tick=False):
            rounds_of(world.app).run_once()
            world.write(keep_awake)
            assert browser.get(acme.address("members")).status_code == 200, day
    for days, status in ((5.9, 200), (6.1, 303)):
        with time_machine.travel(began + timedelta(days=days), tick=False):
            world.write(keep_awake)
            assert browser.get(acme.address("members")).status_code == status


def test_A22_word_that_the_provider_gave_unasked_is_no_sign_in_of_just_now(
    world: World, acme: Acme, desk: Desk
) -> None:
    desk.know(acme.owner)
    browser = acme.browser(acme.owner)
    desk.sign_in(browser)
    with time_machine.travel(clock.now() + A_DAY):
        rounds_of(world.app).run_once()
        world.write(keep_awake)
        with acme.unchanged("session", "member"):
            answer = post(browser, desk.address("enforce"), enforcement="required", from_date="")
    assert answer.status_code == 422


def keep_awake() -> None:
    day = timedelta(days=14)
    db.session.execute(update(Session).values(last_seen_at=clock.now(), expires_at=clock.now() + day))


@pytest.mark.parametrize("brings_token", [True, False])
@pytest.mark.parametrize("is_no", [True, False])
def test_sign_in_while_the_provider_is_asked_is_the_newer_word(
    world: World, acme: Acme, known: Desk, brings_token: bool, is_no: bool
) -> None:
    with time_machine.travel(clock.now() + A_DAY):
        asked = world.write(reverification.take, known.provider_id)
        if not brings_token:
            known.theirs.token_changes["refresh_token"] = ABSENT
        known.theirs.people["u-1"]["name"] = "Mia Winter"
        known.sign_in(world.browser())
        brought = token_of(known)
        if is_no:
            assert world.write(reverification.invalidate, asked) is False
        else:
            world.write(reverification.confirm, asked, Said("u-1", name="Mia Sommer", refresh_token="rotated"))
    identity = identity_of(known)
    assert identity.invalid_since is None
    if brings_token:
        assert (token_of(known), identity.claims["name"]) == (brought, "Mia Winter")
    elif is_no:
        assert identity.refresh_token is None
    else:
        assert token_of(known) == "rotated"
    assert world.letters("sso_invalidated") == []


def test_R23_workers_at_once_ask_about_everybody_once(world: World, acme: Acme, known: Desk) -> None:
    """A token that rotates is sent once: a second time, many a provider would take it for stolen."""
    people = [acme.owner, acme.manager, acme.admin]
    for number, person in enumerate(people):
        subject = f"p-{number}"
        known.theirs.people[subject] = {"email": person.email, "email_verified": True}
        known.theirs.person = subject
        known.know(person, subject)
        known.sign_in(world.browser())
    before = known.theirs.hits["token"]
    with time_machine.travel(clock.now() + A_DAY):
        at_once(4, lambda _index: rounds_of(world.app).run_once())
    assert known.theirs.hits["token"] - before == len(people) + 1
    found = world.read(lambda: db.session.scalars(select(Identity)).all())
    assert all(identity.invalid_since is None and identity.refreshed_at for identity in found)


def test_worker_that_died_while_it_asked_is_followed_by_another(world: World, acme: Acme, known: Desk) -> None:
    with time_machine.travel(clock.now() + A_DAY):
        assert world.write(reverification.take, known.provider_id)
        assert world.write(reverification.take, known.provider_id) is None
    later(world, 1.01)
    assert identity_of(known).refreshed_at is not None


def test_who_unlinked_or_left_meanwhile_stays_as_they_are(world: World, acme: Acme, known: Desk) -> None:
    with time_machine.travel(clock.now() + A_DAY):
        asked = world.write(reverification.take, known.provider_id)
    world.write(lambda: db.session.delete(db.session.get_one(Identity, identity_of(known).id)))
    with acme.unchanged():
        world.write(reverification.confirm, asked, Said("u-1", refresh_token="rotated"))
        assert world.write(reverification.invalidate, asked) is False
        world.write(reverification.postpone, asked, None)


@pytest.mark.parametrize("values", [{"version": 2}, {"status": "disabled"}])
def test_no_to_a_connection_that_is_another_by_now_counts_for_nothing(
    world: World, acme: Acme, known: Desk, values: dict[str, object]
) -> None:
    with time_machine.travel(clock.now() + A_DAY):
        asked = world.write(reverification.take, known.provider_id)
        known.set(**values)
        assert world.write(reverification.invalidate, asked) is False
    assert identity_of(known).invalid_since is None
    assert identity_of(known).refresh_token


def test_worker_that_is_asked_to_stop_asks_about_nobody_else(world: World, acme: Acme, known: Desk) -> None:
    stop = threading.Event()
    stop.set()
    with time_machine.travel(clock.now() + A_DAY):
        rounds_of(world.app, stop=stop).run_once()
    assert known.theirs.hits["token"] == 1
