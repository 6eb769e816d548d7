"""Proving an address: once, in time, and for the account that asked alone."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.services.test_copied_links import followed
from tests.support.acme import Acme
from tests.support.unproven import copied, unproven
from tests.support.worlds import Person, World
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import AddressProven, LetterLimit, LinkNotValid
from webapp.models import AddressToken, AuditEntry, EmailAddress, Role, User
from webapp.services import accounts, addresses, invitations, verification
from webapp.services.accounts import NewAccount
from webapp.services.tokens import digest
from webapp.services.verification import LETTERS_A_DAY, RESERVED_A_DAY

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


def verify(world: World, person: Person, token: str) -> None:
    world.write(lambda: verification.verify(token, person.user_id, ip="192.0.2.7"))


def is_verified(world: World, person: Person) -> bool:
    statement = select(EmailAddress.verified_at).where(EmailAddress.user_id == person.user_id)
    return world.read(lambda: db.session.scalars(statement).one()) is not None


def test_verifying_opens_sign_in_and_is_in_the_audit_log(world: World) -> None:
    una, token = unproven(world, "Una@example.org")
    assert world.read(accounts.with_verified_address, "una@example.org") is None
    verify(world, una, token)
    account = world.read(accounts.with_verified_address, "una@example.org")
    assert account.user.id == una.user_id
    newest = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)
    entry = world.read(lambda: db.session.scalars(newest).one())
    assert (entry.event, entry.organization_id, entry.actor_name, entry.ip, entry.target_id, entry.after) == (
        "account.address_verified",
        None,
        "Una Unproven",
        "192.0.2.7",
        una.user_id,
        {"email": "Una@example.org"},
    )


def test_only_the_hash_of_the_token_is_stored(world: World) -> None:
    _, token = unproven(world, "una@example.org")
    [row] = world.read(lambda: db.session.scalars(select(AddressToken)).all())
    assert row.token_hash == digest(token)
    assert token not in repr(world.dump())


def test_C05_link_works_once_and_takes_the_other_links_of_the_address_with_it(world: World) -> None:
    una, first = unproven(world, "una@example.org")
    world.write(verification.send_again, Actor.system(), una.user_id)
    second = world.token_of(world.letters("verify_address")[-1])
    verify(world, una, second)
    before = world.dump()
    for token in (first, second):
        with pytest.raises(LinkNotValid):
            verify(world, una, token)
    assert world.dump() == before


def test_C06_link_works_for_24_hours_without_any_cleaner(world: World) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        una, token = unproven(world, "una@example.org")
        clock.shift(timedelta(hours=24))
        with pytest.raises(LinkNotValid):
            verify(world, una, token)
        clock.shift(timedelta(seconds=-1))
        verify(world, una, token)


def test_link_proves_nothing_for_another_account(world: World) -> None:
    una, token = unproven(world, "una@example.org")
    eve, _ = unproven(world, "eve@example.org", "Eve")
    with pytest.raises(LinkNotValid):
        verify(world, eve, token)
    assert not is_verified(world, una)


def test_link_of_an_inactive_account_proves_nothing(world: World) -> None:
    una, token = unproven(world, "una@example.org")

    def close() -> None:
        db.session.get_one(User, una.user_id).is_active = False

    world.write(close)
    with pytest.raises(LinkNotValid):
        verify(world, una, token)


def test_address_that_another_account_has_proven_meanwhile_stays_theirs(world: World) -> None:
    una, token = unproven(world, "una@example.org")
    eve, other = unproven(world, "UNA@example.org", "Eve")
    verify(world, eve, other)
    before = world.dump()
    with pytest.raises(AddressProven, match="Another account has proven this address"):
        verify(world, una, token)
    assert world.dump() == before


def test_letter_is_sent_again_only_while_it_is_needed(world: World) -> None:
    una, token = unproven(world, "una@example.org")
    assert world.write(verification.send_again, Actor.system(), una.user_id) is not None
    verify(world, una, token)
    assert world.write(verification.send_again, Actor.system(), una.user_id) is None
    assert len(world.letters("verify_address")) == 2


def joined(acme: Acme, email: str, slug: str | None = None) -> Person:
    """Let somebody with an unproven address, and no letter yet, be a member of Acme or another organization."""
    new = NewAccount("Una Unproven", addresses.parse(email), None)
    person = Person(acme.world.write(lambda: accounts.create(Actor.system(), new, is_proven=False).id), new.name, email)
    acme.world.member(slug or acme.slug, person, Role.MEMBER)
    return person


def letters(acme: Acme) -> int:
    return len(acme.world.letters("verify_address"))


def ask(acme: Acme, person: Person, times: int = 1) -> int:
    """Ask for so many letters; return how many left."""
    before = letters(acme)
    for _ in range(times):
        with suppress(LetterLimit):
            acme.world.write(verification.send_again, Actor.system(), person.user_id)
    return letters(acme) - before


def test_F04_C14_tags_of_one_mailbox_share_its_letters(acme: Acme) -> None:
    people = [joined(acme, f"una+{number}@example.net") for number in range(10)]
    assert [ask(acme, person, 4) for person in people] == [4, 4, 2, 1, 1, 1, 0, 0, 0, 0]


def test_F08_C14_organization_uses_up_no_letters_of_people_elsewhere(acme: Acme) -> None:
    theirs = [joined(acme, f"una+{number}@example.net", acme.other_slug) for number in range(16)]
    una = joined(acme, "una@example.net")
    assert sum(ask(acme, person, 3) for person in theirs) == LETTERS_A_DAY + RESERVED_A_DAY
    assert ask(acme, una, 12) == LETTERS_A_DAY


def test_F08_C14_letter_is_left_where_many_organizations_have_filled_the_mailbox(acme: Acme) -> None:
    una = joined(acme, "una@example.net")
    others = [acme.world.organization(f"Other {number}", acme.stranger) for number in range(5)]
    sent = [ask(acme, joined(acme, "una@example.net", slug), 20) for slug in others]
    assert sent == [LETTERS_A_DAY, LETTERS_A_DAY, LETTERS_A_DAY, 1, 1], "an account with a link that works gets no more"
    assert ask(acme, una, 5) == 1
    with acme.unchanged(), pytest.raises(LetterLimit):
        acme.world.write(verification.send_again, Actor.system(), una.user_id)


def test_F08_new_letter_leaves_once_the_link_before_has_expired(acme: Acme) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        una, other = joined(acme, "una@example.net"), joined(acme, "una+1@example.net")
        assert ask(acme, una) == 1
        clock.shift(timedelta(hours=25))
        assert ask(acme, other, 12) == LETTERS_A_DAY
        assert ask(acme, una, 3) == 1


def test_F04_C14_copied_links_send_no_more_first_letters_than_a_mailbox_may_have(acme: Acme) -> None:
    sent = []
    for number in range(LETTERS_A_DAY + RESERVED_A_DAY + 1):
        link = followed(acme, copied(acme, acme.world.invite(acme.slug, acme.owner, f"una+{number}@example.net")))
        new = NewAccount("Una Unproven", addresses.parse(f"una+{number}@example.net"), "hash")
        acme.world.write(invitations.accept_as_new, Actor.visitor("192.0.2.7"), link, new)
        sent.append(letters(acme))
    assert sent == [*range(1, LETTERS_A_DAY + RESERVED_A_DAY + 1), LETTERS_A_DAY + RESERVED_A_DAY]


def test_expired_link_still_says_which_account_it_was_for(world: World) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        una, token = unproven(world, "una@example.org")
        assert not world.read(verification.unproven_by, token).is_expired
        clock.shift(timedelta(hours=24))
        address = world.read(verification.unproven_by, token)
        assert (address.user.id, address.is_expired) == (una.user_id, True)


def test_invitations_to_an_address_end_where_whoever_proves_it_is_a_member(acme: Acme) -> None:
    bob, token = unproven(acme.world, "bob@example.org")
    acme.world.member(acme.slug, bob, Role.MEMBER)
    here = acme.world.invite(acme.slug, acme.owner, "Bob@Example.org", Role.MANAGER)
    elsewhere = acme.world.invite(acme.other_slug, acme.stranger, "bob@example.org")
    verify(acme.world, bob, token)
    assert (acme.world.status_of(here), acme.world.status_of(elsewhere)) == ("revoked", "pending")
    entry = acme.entries()[-1]
    assert (entry.event, entry.target_id, entry.actor_user_id) == ("invitation.superseded", here.id, bob.user_id)
