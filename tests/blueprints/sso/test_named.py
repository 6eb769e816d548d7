"""A provider that names the address of somebody's account: they are told, and it learns only a few such addresses."""

import re

import pytest

from tests.support.acme import Acme, organization_of
from tests.support.identity_provider import HostileProvider
from tests.support.sso import Desk, at_provider, let_all_ask
from tests.support.visitor import at_once
from tests.support.worlds import World
from webapp.db import db
from webapp.models import Joining, SsoDomain
from webapp.services import attempts
from webapp.services.attempts import DAY, Limit
from webapp.services.sso.named import LETTERS_OF_ALL_A_DAY, MOST_NAMED_A_DAY

REFERENCE = re.compile(r"<span class=\"code\">[0-9a-f]+</span>")


@pytest.fixture
def open_umbra(world: World, umbra: Desk) -> Desk:
    """Umbra, which everybody of a domain may join that it lists and has not proven."""
    umbra.prove_domain("example.com")
    umbra.set(joining=Joining.ALLOWED)
    world.write(lambda: db.session.query(SsoDomain).update({"proven_at": None}))
    return umbra


def come(umbra: Desk, email: str, subject: str) -> tuple[int, str]:
    """Come in for the first time as whoever the provider says; return what is seen, without reference and address."""
    umbra.theirs.people[subject] = {"email": email, "email_verified": True}
    umbra.theirs.person = subject
    answer = umbra.sign_in(umbra.acme.world.browser())
    return answer.status_code, REFERENCE.sub("", answer.text).replace(email, "")


def test_A01_whoever_has_the_account_is_told_once_a_day_that_it_was_named(
    world: World, acme: Acme, open_umbra: Desk
) -> None:
    for subject in ("x-1", "x-2"):
        status, text = come(open_umbra, acme.owner.email, subject)
        assert (status, "An account here has the address your provider names" in text) == (403, True)
    [letter] = world.letters("sso_named")
    assert (letter.to_address, letter.data["organization"]) == (acme.owner.email, "Umbra")
    assert come(open_umbra, "new@example.com", "x-3")[0] == 303
    assert len(world.letters("sso_named")) == 1


def test_A01_provider_that_named_many_accounts_learns_of_no_more(world: World, acme: Acme, open_umbra: Desk) -> None:
    number = world.read(lambda: organization_of(acme.other_slug).id)
    world.write(attempts.raise_counters, {Limit(f"sso:named:{number}", 1, DAY): MOST_NAMED_A_DAY - 1})
    assert "An account here has the address" in come(open_umbra, acme.owner.email, "x-1")[1]
    with acme.unchanged("sso_flow"):
        seen = [come(open_umbra, email, "x-9") for email in (acme.owner.email, "new@example.com")]
    assert seen[0] == seen[1]
    assert (seen[0][0], "Nobody new can come in this way today" in seen[0][1]) == (403, True)


def test_A01_of_twenty_accounts_named_at_once_a_provider_learns_of_so_many_as_were_left(
    world: World, acme: Acme, open_umbra: Desk
) -> None:
    number = world.read(lambda: organization_of(acme.other_slug).id)
    world.write(attempts.raise_counters, {Limit(f"sso:named:{number}", 1, DAY): MOST_NAMED_A_DAY - 5})
    browsers, ways_back = [], []
    for index in range(20):
        email = f"named{index}@example.com"
        world.person(f"Named {index}", email)
        open_umbra.theirs.people[f"x-{index}"] = {"email": email, "email_verified": True}
        open_umbra.theirs.person = f"x-{index}"
        browsers.append(world.browser())
        ways_back.append(at_provider(open_umbra.way_out(browsers[-1])))
    let_all_ask(world.app, 20)
    seen = at_once(20, lambda index: browsers[index].get(ways_back[index]).text)
    assert sum("An account here has the address your provider names" in text for text in seen) == 5
    assert sum("Nobody new can come in this way today" in text for text in seen) == 15
    assert len(world.letters("sso_named")) == 5


def test_whoever_has_proven_a_domain_may_know_its_accounts(
    world: World, acme: Acme, umbra: Desk, evil: HostileProvider
) -> None:
    umbra.prove_domain("example.com")
    umbra.set(joining=Joining.ALLOWED)
    number = world.read(lambda: organization_of(acme.other_slug).id)
    world.write(attempts.raise_counters, {Limit(f"sso:named:{number}", 1, DAY): MOST_NAMED_A_DAY})
    assert "An account here has the address" in come(umbra, acme.owner.email, "x-1")[1]
    assert come(umbra, "new@example.com", "x-2")[0] == 303
    assert world.letters("sso_named") == []


def test_account_that_is_named_again_and_again_shuts_nobody_out(world: World, acme: Acme, open_umbra: Desk) -> None:
    number = world.read(lambda: organization_of(acme.other_slug).id)
    world.write(attempts.raise_counters, {Limit(f"sso:named:{number}", 1, DAY): MOST_NAMED_A_DAY - 2})
    for _ in range(2):
        assert "An account here has the address" in come(open_umbra, acme.owner.email, "x-1")[1]
    assert come(open_umbra, "new@example.com", "x-9")[0] == 303


def test_A01_closed_account_counts_as_named_and_gets_no_letter(world: World, acme: Acme, open_umbra: Desk) -> None:
    number = world.read(lambda: organization_of(acme.other_slug).id)
    world.write(attempts.raise_counters, {Limit(f"sso:named:{number}", 1, DAY): MOST_NAMED_A_DAY - 1})
    acme.deactivate(acme.owner)
    assert "An account here has the address" in come(open_umbra, acme.owner.email, "x-1")[1]
    assert "Nobody new can come in this way today" in come(open_umbra, "new@example.com", "x-9")[1]
    assert world.letters("sso_named") == []


def test_many_organizations_do_not_fill_a_mailbox(world: World, acme: Acme, open_umbra: Desk) -> None:
    of_all = Limit(f"sso:named:user:{acme.owner.user_id}", 1, DAY)
    world.write(attempts.raise_counters, {of_all: LETTERS_OF_ALL_A_DAY})
    assert come(open_umbra, acme.owner.email, "x-1")[0] == 403
    assert world.letters("sso_named") == []
