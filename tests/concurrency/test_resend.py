"""An invitation that is resent while it is answered: one membership, or none and a living link."""

import pytest

from tests.support.ledger import Ledger
from tests.support.server import Server
from tests.support.visitor import Answer, at_once, visitor_at
from tests.support.worlds import Person, World

PENDING = "/orgs/harbour-works/members/pending"


@pytest.fixture
def owner(world: World) -> Person:
    """The owner of the organization `harbour-works`."""
    person = world.person("Ada Winter", "ada@example.com")
    world.organization("Harbour Works", person)
    return person


@pytest.mark.parametrize("number", range(4))
def test_C15_accepting_while_it_is_resent_either_joins_or_finds_the_link_dead(
    world: World, owner: Person, server: Server, ledger: Ledger, number: int
) -> None:
    mia = world.person("Mia Holm", f"mia{number}@example.org")
    invited = world.invite("harbour-works", owner, mia.email)
    guests = [visitor_at(server.url, invited.link, world, mia) for _ in range(2)]
    owners = [visitor_at(server.url, PENDING, world, owner) for _ in range(2)]

    def act(index: int) -> Answer:
        if index < 2:
            return guests[index].send(invited.link, accept="1")
        return owners[index - 2].send(f"/orgs/harbour-works/invitations/{invited.id}/resend")

    answers = at_once(4, act)
    [invitation] = ledger.rows("invitation")
    was_accepted = invitation["status"] == "accepted"
    assert invitation["status"] in ("accepted", "pending")
    assert ledger.count("member", user_id=mia.user_id) == was_accepted
    assert ledger.count("audit_entry", event="invitation.accepted") == was_accepted
    resent = [answer.status for answer in answers[2:]].count(303)
    assert ledger.count("audit_entry", event="invitation.resent") == resent
    assert ledger.count("outbox_message") == 1 + resent
    if was_accepted:
        assert {answer.status for answer in answers[:2]} == {303}
        assert {answer.status for answer in answers[2:]} <= {409}
    else:
        assert {answer.status for answer in answers[:2]} == {404}
        assert resent == 2
    assert ledger.count("invitation_token") == 1


def test_C15_resent_by_several_at_once_one_link_lives_and_each_letter_is_counted(
    world: World, owner: Person, server: Server, ledger: Ledger
) -> None:
    invited = world.invite("harbour-works", owner, "mia@example.org")
    owners = [visitor_at(server.url, PENDING, world, owner) for _ in range(12)]
    answers = at_once(12, lambda index: owners[index].send(f"/orgs/harbour-works/invitations/{invited.id}/resend"))
    assert sorted(answer.status for answer in answers) == [303] * 10 + [429] * 2
    assert ledger.count("invitation_token") == 1
    assert ledger.count("outbox_message", kind="invitation") == 11
