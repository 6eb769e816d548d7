"""What changes of single sign-on owe to many people: noted by the change, done by the worker, each person once."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import insert, select, update

from tests.support import crowds
from tests.support.acme import Acme, organization_of
from tests.support.sso import connection, rows, work
from tests.support.visitor import at_once
from webapp import clock
from webapp.db import db
from webapp.mail import errands as worker
from webapp.mail import rehearsals
from webapp.models import (
    Attempts,
    EmailAddress,
    Enforcement,
    Identity,
    IdentityProvider,
    Member,
    Organization,
    ProviderStatus,
    Role,
    Session,
    SessionIdentity,
    SsoErrand,
)
from webapp.services import attempts, invitation_batches
from webapp.services.attempts import DAY, Limit
from webapp.services.invitation_limits import PER_ADDRESS_A_DAY
from webapp.services.invitations import Offer
from webapp.services.sso import disabling, errands, replacing
from webapp.services.sso.disabling import MOST_UNPROVEN_A_DAY
from webapp.services.sso.errands import BATCH, MOST_AT_ONCE, Owed

MANY = 2 * BATCH + 10


def linked(acme: Acme, number: int, *more: str) -> list[str]:
    """Let Acme have a connection in use that knows so many people, and these; return their addresses."""
    people = [(f"Person {n}", f"p{n}@example.net") for n in range(number)] + [("Person More", one) for one in more]
    members = crowds.join(acme, people)

    def link() -> None:
        provider = connection(acme.organization(), "https://id.example.org")
        users = db.session.scalars(select(Member.user_id).where(Member.id.in_(members)))
        of = {"organization_id": provider.organization_id, "provider_id": provider.id, "claims": {}}
        rows = [{**of, "user_id": user, "subject": f"u-{user}"} for user in users]
        db.session.execute(insert(Identity), rows)

    acme.world.write(link)
    return [address for _, address in people]


def in_use() -> IdentityProvider:
    """Return the connection in use, within a transaction."""
    return db.session.scalars(select(IdentityProvider).where(IdentityProvider.status == ProviderStatus.ACTIVE)).one()


def switch_off(acme: Acme) -> None:
    acme.act(acme.owner, lambda actor, here: disabling.disable(actor, here, in_use()))


def told(acme: Acme, kind: str = "sso_disabled") -> Counter[str]:
    return Counter(letter.to_address for letter in acme.world.letters(kind))


def once(acme: Acme, *, stop: bool = False) -> None:
    """Let the worker do one batch of each errand, or none where it is asked to stop."""
    asked = threading.Event()
    if stop:
        asked.set()
    with acme.world.app.app_context():
        worker.go_on(asked)


def test_change_writes_to_nobody_and_the_worker_to_each_person_once_in_batches(acme: Acme) -> None:
    people = linked(acme, MANY)
    switch_off(acme)
    written = [told(acme).total()]
    once(acme, stop=True)
    written.append(told(acme).total())
    while rows(acme, SsoErrand):
        once(acme)
        written.append(told(acme).total())
    assert written == [0, 0, BATCH, 2 * BATCH, MANY]
    assert told(acme) == Counter(people)


def test_sessions_of_everybody_end_in_batches_and_the_first_at_once(acme: Acme) -> None:
    linked(acme, MANY)
    others = rows(acme, Session)

    def sign_in() -> None:
        for identity in db.session.scalars(select(Identity)):
            theirs = {"user_id": identity.user_id, "token_hash": f"{identity.id}", "is_confined": True}
            now = {"created_at": clock.now(), "last_seen_at": clock.now(), "expires_at": clock.now() + DAY}
            theirs |= {"ip": "192.0.2.1", "user_agent": "Browser"}
            number = db.session.scalar(insert(Session).values(**theirs, **now).returning(Session.id))
            db.session.add(SessionIdentity(session_id=number, identity_id=identity.id))

    acme.world.write(sign_in)
    switch_off(acme)
    assert rows(acme, Session) == others + MANY - BATCH
    work(acme.world.app)
    assert rows(acme, Session) == others


def test_R23_two_workers_at_once_tell_each_person_once(acme: Acme) -> None:
    people = linked(acme, MANY)
    switch_off(acme)
    at_once(2, lambda _index: work(acme.world.app))
    assert told(acme) == Counter(people)
    assert rows(acme, SsoErrand) == 0


def test_everybody_who_would_be_kept_out_is_reminded_in_batches(acme: Acme) -> None:
    people = linked(acme, BATCH)
    before = datetime.now(UTC) - timedelta(days=30)
    values = {"enforcement": Enforcement.REQUIRED, "required_from": clock.now() + DAY, "rehearsed_since": before}
    acme.world.write(lambda: db.session.execute(update(IdentityProvider).values(values)))
    acme.world.write(lambda: db.session.execute(update(Identity).values(last_verified_at=before)))
    with acme.world.app.app_context():
        rehearsals.go_on(threading.Event())
    assert told(acme, "sso_required_soon").total() == 0
    [summary] = acme.world.letters("sso_rehearsal")
    acme_people = [one.email for one in (acme.owner, acme.manager, acme.admin, acme.member)]
    assert summary.data["people"] == BATCH + len(acme_people)
    once(acme)
    assert told(acme, "sso_required_soon").total() <= BATCH
    work(acme.world.app)
    assert told(acme, "sso_required_soon") == Counter([*people, *acme_people])


def test_reminders_of_a_day_that_was_moved_end(acme: Acme) -> None:
    linked(acme, 3)
    values = {"enforcement": Enforcement.REQUIRED, "required_from": clock.now() + DAY, "rehearsed_since": clock.now()}
    acme.world.write(lambda: db.session.execute(update(IdentityProvider).values(values)))
    with acme.world.app.app_context():
        rehearsals.go_on(threading.Event())
    later = clock.now() + 20 * DAY
    acme.world.write(lambda: db.session.execute(update(IdentityProvider).values(required_from=later)))
    work(acme.world.app)
    assert (told(acme, "sso_required_soon").total(), rows(acme, SsoErrand)) == (0, 0)


def test_unproven_addresses_beyond_those_of_a_day_are_written_to_on_the_next(acme: Acme) -> None:
    people = linked(acme, 5)
    theirs = update(EmailAddress).where(EmailAddress.canonical.in_(people)).values(verified_at=None)
    acme.world.write(lambda: db.session.execute(theirs))
    bucket = Limit(f"sso_disabled:unproven:{acme.world.read(lambda: acme.organization().id)}", MOST_UNPROVEN_A_DAY, DAY)
    with time_machine.travel(clock.now(), tick=False) as now:
        acme.world.write(lambda: attempts.raise_counters({bucket: MOST_UNPROVEN_A_DAY - 3}))
        switch_off(acme)
        work(acme.world.app)
        assert told(acme) == Counter(people[:3])
        now.shift(DAY + timedelta(minutes=1))
        work(acme.world.app)
    assert told(acme) == Counter(people)
    assert all(letter.secret for letter in acme.world.letters("sso_disabled"))


def test_F04_C14_tags_of_one_mailbox_get_no_more_than_it_may_and_keep_nobody_waiting(acme: Acme) -> None:
    tags = [f"v+{n}@victim.example" for n in range(2 * PER_ADDRESS_A_DAY + 3)]
    people = linked(acme, 0, *tags, "pia@example.net")
    theirs = update(EmailAddress).where(EmailAddress.canonical.in_(people)).values(verified_at=None)
    acme.world.write(lambda: db.session.execute(theirs))
    written = []
    with time_machine.travel(clock.now(), tick=False) as now:
        switch_off(acme)
        for _ in range(3):
            work(acme.world.app)
            written.append(told(acme))
            now.shift(DAY + timedelta(minutes=1))
    expected = [Counter([*tags[:most], "pia@example.net"]) for most in (PER_ADDRESS_A_DAY, 2 * PER_ADDRESS_A_DAY)]
    assert written == [*expected, Counter(people)]
    assert rows(acme, SsoErrand) == 0


def test_F04_letters_that_a_full_mailbox_is_spared_count_for_nobody(acme: Acme) -> None:
    """The organization may write as many others instead, on the same day."""
    people = linked(acme, 0, *(f"v+{n}@victim.example" for n in range(PER_ADDRESS_A_DAY + 3)))
    theirs = update(EmailAddress).where(EmailAddress.canonical.in_(people)).values(verified_at=None)
    acme.world.write(lambda: db.session.execute(theirs))
    switch_off(acme)
    work(acme.world.app)
    bucket = f"sso_disabled:unproven:{acme.world.read(lambda: acme.organization().id)}"
    counted = acme.world.read(lambda: db.session.get_one(Attempts, bucket).count)
    assert counted == told(acme).total() == PER_ADDRESS_A_DAY


def test_F04_invitations_of_the_day_count_for_the_mailbox_too(acme: Acme) -> None:
    people = linked(acme, 0, *(f"v+{n}@victim.example" for n in range(3)))
    theirs = update(EmailAddress).where(EmailAddress.canonical.in_(people)).values(verified_at=None)
    acme.world.write(lambda: db.session.execute(theirs))
    typed, offer = " ".join(f"v+i{n}@victim.example" for n in range(PER_ADDRESS_A_DAY - 1)), Offer(Role.MEMBER, 7)
    acme.act(acme.owner, lambda actor, here: invitation_batches.invite_all(actor, here, typed, offer))
    switch_off(acme)
    work(acme.world.app)
    assert told(acme) == Counter(people[:1])


def test_whoever_has_linked_anew_meanwhile_is_not_asked_to(acme: Acme) -> None:
    """Unless the provider has taken its word back since."""
    people = linked(acme, 3)

    def replace() -> None:
        before, organization = in_use(), acme.organization()
        before.status = ProviderStatus.DISABLED
        db.session.flush()
        after = connection(organization, "https://new.example.org")
        said = {"letter": replacing.KIND, "host": "new.example.org"}
        errands.owe(organization, errands.Owed.LINKED_ARE_TOLD, before, **said)
        first, second, _third = db.session.scalars(select(Identity).order_by(Identity.user_id)).all()
        of_provider = {"organization_id": organization.id, "provider_id": after.id, "claims": {}}
        gone = Identity(**of_provider, user_id=second.user_id, subject="gone", invalid_since=clock.now())
        db.session.add_all([gone, Identity(**of_provider, user_id=first.user_id, subject="new")])

    acme.world.write(replace)
    work(acme.world.app)
    assert told(acme, "sso_replaced") == Counter(people[1:])


def test_errand_that_fails_is_put_off_and_holds_up_no_other(acme: Acme) -> None:
    people = linked(acme, 3)
    acme.world.write(lambda: errands.owe(acme.organization(), errands.Owed.LINKED_ARE_TOLD, in_use()))
    switch_off(acme)
    once(acme)  # the turn of the one that fails
    once(acme)
    assert told(acme) == Counter(people)
    [left] = acme.world.read(lambda: list(db.session.scalars(select(SsoErrand))))
    assert left.not_before > clock.now() + timedelta(minutes=4)


def test_errands_that_only_a_newer_version_knows_hold_up_no_other(acme: Acme) -> None:
    people = linked(acme, 3)
    newer = {"organization_id": acme.world.read(lambda: acme.organization().id), "kind": "newer", "data": {}}
    rows_of_newer = [newer] * errands.MOST_AT_ONCE
    acme.world.write(lambda: db.session.execute(insert(SsoErrand), rows_of_newer))
    switch_off(acme)
    once(acme)
    assert told(acme) == Counter(people)
    assert rows(acme, SsoErrand) >= errands.MOST_AT_ONCE


def test_rehearsal_that_fails_holds_up_no_other(acme: Acme) -> None:
    world = acme.world
    now = clock.now()

    def rehearse(slug: str, issuer: str) -> None:
        provider = connection(organization_of(slug), issuer)
        provider.enforcement, provider.rehearsed_since = Enforcement.REQUIRED, now
        provider.required_from = now + DAY

    world.write(rehearse, acme.slug, "http://[broken")
    owner = world.person("Olga Other", "olga@example.org")
    world.organization("Later", owner)
    world.write(rehearse, "later", "https://id.example.org")
    with world.app.app_context():
        rehearsals.go_on(threading.Event())
    assert [letter.to_address for letter in world.letters("sso_rehearsal")] == [owner.email]


@pytest.mark.parametrize("kind", list(errands.Owed))
def test_worker_knows_how_to_do_whatever_is_owed(kind: errands.Owed) -> None:
    assert kind in worker.STEPS


def test_organizations_take_turns_however_much_one_of_them_owes(acme: Acme) -> None:
    def owe() -> list[int]:
        here, there = acme.organization(), organization_of(acme.other_slug)
        many = [errands.owe(here, Owed.GROUP_IS_REFILLED, group_id=0).id for _ in range(2 * MOST_AT_ONCE)]
        return [many[0], errands.owe(there, Owed.GROUP_IS_REFILLED, group_id=0).id]

    assert acme.world.write(owe) == acme.world.read(errands.due, list(Owed))


def test_whoever_has_had_their_turn_waits_for_the_others(acme: Acme) -> None:
    """More organizations than have a turn at once, with two batches each: none is forgotten for a second batch."""
    slugs = [acme.world.organization(f"Number {number}", acme.stranger) for number in range(MOST_AT_ONCE + 1)]

    def owe() -> list[int]:
        return [errands.owe(organization_of(slug), Owed.GROUP_IS_REFILLED, group_id=0).id for slug in slugs]

    def one_batch_of_two(_organization: Organization, errand: SsoErrand) -> bool:
        errand.after += 1
        return errand.after < 2

    def turn() -> list[int]:
        numbers = acme.world.read(errands.due, list(Owed))
        for number in numbers:
            acme.world.write(errands.go_on, number, dict.fromkeys(Owed, one_batch_of_two))
        return list(numbers)

    with time_machine.travel(clock.now(), tick=False) as now:
        owed = acme.world.write(owe)
        now.shift(1)
        first = turn()
        now.shift(1)
        assert [first, turn()] == [owed[:-1], [owed[-1], *owed[: MOST_AT_ONCE - 1]]]
