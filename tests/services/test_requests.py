"""Asking to join and suggesting somebody: what is stored, who is told, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from tests.support.acme import Acme
from tests.support.asking import ask, row_of, suggest
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import AlreadyInvited, AlreadyMember, NotFound, RequestLimit
from webapp.models import Invitation, InvitationStatus, Role, User
from webapp.services import attempts, requests
from webapp.services.addresses import parse
from webapp.services.attempts import DAY, Limit
from webapp.services.request_letters import MOST_TOLD, MOST_TOLD_OF_A_DAY

VISITOR = Actor.visitor("127.0.0.1")
NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


def recipients(acme: Acme, kind: str) -> list[str]:
    return [letter.to_address for letter in acme.world.letters(kind)]


def use_up(acme: Acme, name: str, most: int) -> None:
    acme.world.write(lambda: attempts.raise_counters({Limit(name, most, DAY): most}))


def set_language(actor: Actor, language: str) -> None:
    db.session.get_one(User, actor.user_id).language = language


def organization_id(acme: Acme) -> int:
    return int(acme.world.read(lambda: acme.organization().id))


def test_request_of_a_visitor_waits_thirty_days_as_nobodys_suggestion(acme: Acme) -> None:
    with time_machine.travel(NOON, tick=False):
        row = row_of(acme, ask(acme, "Bob@Example.org"))
    assert (row.email, row.canonical) == ("Bob@Example.org", "bob@example.org")
    assert (row.status, row.role, row.invited_by_id) == (InvitationStatus.REQUESTED, Role.MEMBER, None)
    assert (row.created_at, row.expires_at, row.closed_at) == (NOON, NOON + timedelta(days=30), None)


def test_request_of_a_visitor_is_in_the_audit_log_and_tells_whoever_may_approve(acme: Acme) -> None:
    number = ask(acme, "Bob@Example.org")
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_kind, entry.actor_user_id) == ("request.made", "visitor", None)
    assert (entry.target_kind, entry.target_id, entry.target_name) == ("invitation", number, "Bob@Example.org")
    assert entry.after
    assert (entry.after["email"], entry.after["status"]) == ("Bob@Example.org", "requested")
    assert recipients(acme, "request_received") == ["olive@example.com", "mona@example.com"]
    assert len(acme.world.letters()) == 2, "none goes to the address, which a stranger may have typed"


def test_suggestion_names_the_member(acme: Acme) -> None:
    row = row_of(acme, suggest(acme, acme.member, "bob@example.org"))
    assert (row.status, row.invited_by_id) == (InvitationStatus.REQUESTED, acme.member.user_id)
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name) == ("request.made", "Mina Member")
    [letter, _other] = acme.world.letters("request_received")
    assert (letter.data["suggested_by"], letter.data["requested"]) == ("Mina Member", "bob@example.org")


def test_letters_are_in_the_language_of_their_readers(acme: Acme) -> None:
    acme.act(acme.manager, lambda actor, _organization: set_language(actor, "de"))
    ask(acme, "bob@example.org")
    assert {letter.to_address: letter.language for letter in acme.world.letters()} == {
        "olive@example.com": None,
        "mona@example.com": "de",
    }


def test_C14_at_most_twenty_are_told(acme: Acme) -> None:
    for number in range(MOST_TOLD):
        acme.world.member(acme.slug, acme.world.person("Max", f"max{number}@example.com"), Role.MANAGER)
    ask(acme, "bob@example.org")
    told = recipients(acme, "request_received")
    assert (len(told), told[0]) == (MOST_TOLD, "olive@example.com")


def test_suspended_and_inactive_are_not_told(acme: Acme) -> None:
    acme.deactivate(acme.manager)
    ask(acme, "bob@example.org")
    assert recipients(acme, "request_received") == ["olive@example.com"]


def test_asking_where_it_is_not_allowed_finds_nothing(acme: Acme) -> None:
    ask(acme, "bob@example.org")
    acme.world.policy(acme.slug, join_requests_allowed=False)
    with acme.unchanged(), pytest.raises(NotFound):
        acme.world.write(lambda: requests.ask_to_join(VISITOR, acme.organization().id, parse("eve@example.org")))


def test_F06_nothing_is_stored_for_whom_there_is_nothing_to_ask(acme: Acme) -> None:
    ask(acme, "bob@example.org")
    acme.world.invite(acme.slug, acme.owner, "ivy@example.org")
    events = acme.events()
    for email in ("mina@example.com", "SAM@example.com", "ivy@example.org", "Bob@Example.org"):
        with acme.unchanged():
            acme.world.write(lambda to=email: requests.ask_to_join(VISITOR, acme.organization().id, parse(to)))
    assert acme.events() == events


def test_two_requests_for_one_address_are_one(acme: Acme) -> None:
    suggest(acme, acme.member, "bob@example.org")
    with acme.unchanged():
        suggest(acme, acme.member, "BOB@example.org")


def test_suggestions_of_members_and_of_the_invited_are_refused_by_name(acme: Acme) -> None:
    acme.world.invite(acme.slug, acme.owner, "ivy@example.org")
    for email, error in (("mona@example.com", AlreadyMember), ("Ivy@example.org", AlreadyInvited)):
        with acme.unchanged(), pytest.raises(error, match=email) as refused:
            suggest(acme, acme.member, email)
        assert refused.value.field == "email"


@pytest.mark.parametrize("outsider", ["suspended", "stranger"])
def test_D06_outsiders_suggest_nobody(acme: Acme, outsider: str) -> None:
    with acme.unchanged(), pytest.raises(NotFound):
        suggest(acme, getattr(acme, outsider), "bob@example.org")


def test_expired_request_makes_room_and_is_closed_in_the_audit_log(acme: Acme) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        first = ask(acme, "bob@example.org")
        clock.shift(requests.LIFETIME)
        second = ask(acme, "bob@example.org")
    assert (row_of(acme, first).status, row_of(acme, second).status) == ("revoked", "requested")
    assert acme.events()[-2:] == ["invitation.expired", "request.made"]


def test_C14_visitors_ask_an_organization_so_often_a_day(acme: Acme) -> None:
    use_up(acme, f"request:join:{organization_id(acme)}", requests.TO_JOIN_A_DAY - 1)
    ask(acme, "bob@example.org")
    with acme.unchanged():
        acme.world.write(lambda: requests.ask_to_join(VISITOR, acme.organization().id, parse("eve@example.org")))
    suggest(acme, acme.member, "eve@example.org")


def test_F06_C14_network_asks_so_often_a_day_whether_anything_is_stored_or_not(acme: Acme) -> None:
    asked = ["bob@example.org", "mina@example.com", "eve@example.org"]
    use_up(acme, f"request:join:{organization_id(acme)}:127.0.0.0/24", requests.TO_JOIN_BY_NETWORK_A_DAY - len(asked))
    acme.world.policy(acme.slug, join_requests_allowed=True)
    for email in asked:
        acme.world.write(lambda to=email: requests.ask_to_join(VISITOR, acme.organization().id, parse(to)))
    for email in ("kim@example.org", "mina@example.com", "bob@example.org"):
        with (
            acme.unchanged(),
            pytest.raises(RequestLimit, match="Your network has asked this organization often today"),
        ):
            ask(acme, email)
    elsewhere = Actor.visitor("198.51.100.7")
    acme.world.write(lambda: requests.ask_to_join(elsewhere, acme.organization().id, parse("kim@example.org")))


def test_C14_only_stored_requests_count(acme: Acme) -> None:
    use_up(acme, f"request:join:{organization_id(acme)}", requests.TO_JOIN_A_DAY - 2)
    ask(acme, "bob@example.org")
    for number in range(3):
        somebody = Actor.visitor(f"10.0.{number}.1")
        acme.world.write(lambda by=somebody: requests.ask_to_join(by, acme.organization().id, parse("bob@example.org")))
    ask(acme, "eve@example.org")


def test_C14_so_many_requests_of_a_day_are_told_and_the_others_stored(acme: Acme) -> None:
    use_up(acme, f"request:told:{organization_id(acme)}:visitor", MOST_TOLD_OF_A_DAY - 1)
    ask(acme, "bob@example.org")
    letters = acme.world.letters()
    assert len(letters) == 2
    assert row_of(acme, ask(acme, "eve@example.org")).status is InvitationStatus.REQUESTED
    assert len(acme.world.letters()) == len(letters)
    suggest(acme, acme.member, "kim@example.org")
    assert len(acme.world.letters()) == 4, "visitors use up the letters of visitors' requests alone"


def test_letter_is_not_in_the_language_of_a_visitors_browser(acme: Acme) -> None:
    visitor = Actor.visitor("127.0.0.1", "de")
    acme.world.policy(acme.slug, join_requests_allowed=True)
    acme.world.write(lambda: requests.ask_to_join(visitor, acme.organization().id, parse("bob@example.org")))
    assert {letter.language for letter in acme.world.letters()} == {None}


def test_F06_member_does_not_learn_who_asked_to_join(acme: Acme) -> None:
    ask(acme, "bob@example.org")
    suggest(acme, acme.admin, "eve@example.org")
    events = acme.events()
    for email in ("bob@example.org", "eve@example.org"):
        with acme.unchanged():
            suggest(acme, acme.member, email)
    assert acme.events() == events


def test_C14_member_suggests_so_often_a_day(acme: Acme) -> None:
    number = organization_id(acme)
    use_up(acme, f"request:invite:{number}:{acme.member.user_id}", requests.TO_INVITE_BY_MEMBER_A_DAY)
    with acme.unchanged(), pytest.raises(RequestLimit):
        suggest(acme, acme.member, "eve@example.org")
    suggest(acme, acme.admin, "eve@example.org")


def test_C14_members_suggest_so_often_a_day_together(acme: Acme) -> None:
    use_up(acme, f"request:invite:{organization_id(acme)}", requests.TO_INVITE_A_DAY)
    with acme.unchanged(), pytest.raises(RequestLimit):
        suggest(acme, acme.member, "eve@example.org")


def test_two_organizations_have_requests_for_one_address(acme: Acme) -> None:
    ask(acme, "bob@example.org")
    acme.act(acme.stranger, lambda actor, org: requests.ask_to_invite(actor, org, parse("bob@example.org")), "umbra")
    count = select(func.count()).where(Invitation.status == InvitationStatus.REQUESTED)
    assert acme.world.read(lambda: db.session.scalar(count)) == 2
