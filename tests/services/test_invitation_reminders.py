"""Reminders: two days before the end, once, and only while somebody stands behind the offer."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.support.acme import Acme, build
from tests.support.crowds import invite
from tests.support.plugins import Keeper, installed
from tests.support.unproven import resent
from tests.support.worlds import Invited, Person, World
from webapp.access.roles import Scope
from webapp.db import db, perform
from webapp.mail import reminders
from webapp.models import Invitation, InvitationStatus, InvitationToken, MemberStatus, Role
from webapp.services import invitation_reminders
from webapp.services.tokens import digest

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
DUE = timedelta(days=5)

Loss = Callable[[Acme, Person], None]


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Noon, which stands still."""
    with time_machine.travel(NOON, tick=False) as found:
        yield found


@pytest.fixture
def acme(world: World, clock: time_machine.Traveller) -> Acme:
    return build(world)


@pytest.fixture
def invited(acme: Acme) -> Invited:
    """An invitation of the admin's that lives for seven days."""
    return acme.world.invite(acme.slug, acme.admin, "Bob@example.org")


def sweep(acme: Acme) -> None:
    with acme.world.app.app_context():
        reminders.queue_due()


def sweep_in_vain(acme: Acme) -> None:
    """Sweep where no reminder is worth it, which is looked at once."""
    events = acme.events()
    sweep(acme)
    assert (reminded(acme), acme.events()) == ([], events)
    with acme.world.app.app_context():
        assert perform(invitation_reminders.organizations_to_remind, write=False) == []


def reminded(acme: Acme) -> list[str]:
    return [letter.to_address for letter in acme.world.letters("invitation_reminder")]


def test_reminder_leaves_two_days_before_the_end_and_once(
    acme: Acme, invited: Invited, clock: time_machine.Traveller
) -> None:
    clock.shift(DUE - timedelta(seconds=1))
    with acme.unchanged():
        sweep(acme)
    clock.shift(timedelta(seconds=1))
    for _ in range(3):
        sweep(acme)
    assert reminded(acme) == ["Bob@example.org"]
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_kind, entry.target_id) == ("invitation.reminded", "system", invited.id)
    assert acme.events().count("invitation.reminded") == 1


def test_reminder_carries_another_mailed_link_and_leaves_the_first_alive(
    acme: Acme, invited: Invited, clock: time_machine.Traveller
) -> None:
    clock.shift(DUE)
    sweep(acme)
    [letter] = acme.world.letters("invitation_reminder")
    statement = select(InvitationToken).where(InvitationToken.invitation_id == invited.id)
    tokens = acme.world.read(lambda: db.session.scalars(statement).all())
    assert {token.token_hash for token in tokens} == {digest(invited.token), digest(acme.world.token_of(letter))}
    assert not any(token.is_copied for token in tokens)
    row = acme.world.read(lambda: db.session.get_one(Invitation, invited.id))
    assert (row.letter_id, row.reminded_at) == (letter.id, NOON + DUE)
    assert letter.data["inviter"] == "Adam Admin"


def test_expired_one_is_not_reminded(acme: Acme, invited: Invited, clock: time_machine.Traveller) -> None:
    clock.shift(timedelta(days=7))
    with acme.unchanged():
        sweep(acme)


@pytest.mark.parametrize("days", [1, 2])
def test_short_lived_one_is_not_reminded(acme: Acme, clock: time_machine.Traveller, days: int) -> None:
    acme.world.invite(acme.slug, acme.admin, "bob@example.org", days=days)
    clock.shift(timedelta(hours=1))
    sweep_in_vain(acme)


@pytest.mark.parametrize("status", [status for status in InvitationStatus if status is not InvitationStatus.PENDING])
def test_only_open_ones_are_reminded(
    acme: Acme, invited: Invited, clock: time_machine.Traveller, status: InvitationStatus
) -> None:
    acme.close(invited, status)
    clock.shift(DUE)
    with acme.unchanged():
        sweep(acme)


def test_organization_that_wants_no_reminders_has_none(
    acme: Acme, invited: Invited, clock: time_machine.Traveller
) -> None:
    acme.world.policy(acme.slug, invitation_reminders=False)
    other = acme.world.invite(acme.other_slug, acme.stranger, "eve@example.org")
    clock.shift(DUE)
    sweep(acme)
    assert reminded(acme) == [other.email]


def demote(acme: Acme, person: Person) -> None:
    acme.change(person, role=Role.MEMBER)


def suspend(acme: Acme, person: Person) -> None:
    acme.change(person, status=MemberStatus.SUSPENDED)


@pytest.mark.parametrize("loss", [demote, suspend, Acme.remove, Acme.deactivate])
def test_C07_offer_of_who_may_invite_no_more_is_not_reminded(
    acme: Acme, invited: Invited, clock: time_machine.Traveller, loss: Loss
) -> None:
    loss(acme, acme.admin)
    clock.shift(DUE)
    sweep_in_vain(acme)


def test_C07_offer_of_somebody_whom_a_plug_in_denies_is_not_reminded(
    acme: Acme, invited: Invited, clock: time_machine.Traveller
) -> None:
    clock.shift(DUE)
    with installed(strict=Keeper(Scope.MEMBER_INVITE, acme.slug)):
        sweep_in_vain(acme)


def test_resent_one_is_reminded_anew(acme: Acme, invited: Invited, clock: time_machine.Traveller) -> None:
    clock.shift(DUE)
    sweep(acme)
    resent(acme, invited)
    with acme.unchanged():
        sweep(acme)
    clock.shift(DUE)
    sweep(acme)
    assert reminded(acme) == ["Bob@example.org"] * 2


def test_many_are_reminded_in_one_sweep(acme: Acme, clock: time_machine.Traveller) -> None:
    emails = [f"guest{number}@example.net" for number in range(205)]
    invite(acme, emails)
    clock.shift(DUE)
    sweep(acme)
    assert sorted(reminded(acme)) == sorted(emails)
