"""One emailed link, followed by many at the same moment: one membership, one account, and a sentence for the rest."""

import pytest

from tests.support.ledger import Ledger
from tests.support.server import Server
from tests.support.sizes import rounds
from tests.support.visitor import Answer, at_once, visitor_at
from tests.support.worlds import PASSWORD, Invited, Person, World

TABS = 8
ROUNDS = rounds(3)
REGISTER = {"name": "Mia Holm", "password": PASSWORD, "accept": "1"}
SENTENCES = (
    "This invitation was already accepted",
    "There is already an account with this address",
    "This invitation was revoked",
    "You declined this invitation",
)


@pytest.fixture
def owner(world: World) -> Person:
    """The owner of the organization `harbour-works`."""
    person = world.person("Ada Winter", "ada@example.com")
    world.organization("Harbour Works", person)
    return person


def assert_one_was_let_in(answers: list[Answer]) -> None:
    """One arrives on the members page; everybody else is told why not."""
    assert [a.location for a in answers if a.status == 303] == ["/orgs/harbour-works/members"]
    refused = [a for a in answers if a.status != 303]
    assert {a.status for a in refused} <= {409, 422}
    assert all(any(sentence in a.text for sentence in SENTENCES) for a in refused)


def assert_all_arrive_or_are_told(answers: list[Answer]) -> None:
    """Whoever is signed in as the one who accepted arrives, with every click; everybody else is told why not."""
    assert {a.location for a in answers if a.status == 303} == {"/orgs/harbour-works/members"}
    refused = [a for a in answers if a.status != 303]
    assert {a.status for a in refused} <= {409, 422}
    assert all(any(sentence in a.text for sentence in SENTENCES) for a in refused)


def assert_joined_once(ledger: Ledger, invited: Invited, people: int) -> None:
    """The invitation was accepted once, and the organization has the owner and `people` more."""
    [invitation] = ledger.rows("invitation", id=invited.id)
    assert invitation["status"] == "accepted"
    assert ledger.count("member") == 1 + people
    assert ledger.count("audit_entry", event="invitation.accepted", target_id=invited.id) == 1
    assert ledger.count("audit_entry", event="member.joined") == 1 + people


@pytest.mark.parametrize("number", ROUNDS)
def test_R04_tabs_that_register_at_once_make_one_account_and_one_membership(
    world: World, owner: Person, server: Server, ledger: Ledger, number: int
) -> None:
    invited = world.invite("harbour-works", owner, f"mia{number}@example.org")
    tabs = [visitor_at(server.url, invited.link) for _ in range(TABS)]
    assert_one_was_let_in(at_once(TABS, lambda index: tabs[index].send(invited.link, **REGISTER)))
    assert_joined_once(ledger, invited, people=1)
    assert ledger.count("user", name="Mia Holm") == ledger.count("email_address", canonical=invited.email) == 1
    assert ledger.count("session") == 1


@pytest.mark.parametrize("number", ROUNDS)
def test_C15_tabs_of_one_signed_in_person_make_one_membership(
    world: World, owner: Person, server: Server, ledger: Ledger, number: int
) -> None:
    mia = world.person("Mia Holm", f"mia{number}@example.org")
    invited = world.invite("harbour-works", owner, mia.email)
    tabs = [visitor_at(server.url, invited.link, world, mia) for _ in range(TABS)]
    assert_all_arrive_or_are_told(at_once(TABS, lambda index: tabs[index].send(invited.link, accept="1")))
    assert_joined_once(ledger, invited, people=1)


@pytest.mark.parametrize("number", ROUNDS)
def test_C15_registering_signing_in_and_being_signed_in_at_once_make_one_membership(
    world: World, owner: Person, server: Server, ledger: Ledger, number: int
) -> None:
    mia = world.person("Mia Holm", f"mia{number}@example.org")
    invited = world.invite("harbour-works", owner, mia.email)
    signed_in = visitor_at(server.url, invited.link, world, mia)
    ways = [
        (signed_in, {"accept": "1"}),
        (visitor_at(server.url, invited.link), {"email": mia.email, "password": PASSWORD, "accept": "1"}),
        (visitor_at(server.url, invited.link), REGISTER),
        (visitor_at(server.url, invited.link), REGISTER),
    ]
    assert_all_arrive_or_are_told(at_once(len(ways), lambda index: ways[index][0].send(invited.link, **ways[index][1])))
    assert_joined_once(ledger, invited, people=1)
    assert ledger.count("email_address", canonical=mia.email) == 1


def test_C15_eight_people_with_one_link_make_one_membership(
    world: World, owner: Person, server: Server, ledger: Ledger
) -> None:
    world.policy("harbour-works", address_match_required=False)
    invited = world.invite("harbour-works", owner, "mia@example.org")
    people = [world.person(f"Guest {number}", f"guest{number}@example.org") for number in range(TABS)]
    tabs = [visitor_at(server.url, invited.link, world, person) for person in people]
    assert_one_was_let_in(at_once(TABS, lambda index: tabs[index].send(invited.link, accept="1")))
    assert_joined_once(ledger, invited, people=1)


@pytest.mark.parametrize("number", ROUNDS)
@pytest.mark.parametrize("end", ["revoked", "declined"])
def test_C15_accepting_while_the_invitation_is_closed_ends_in_one_of_the_two(
    world: World, owner: Person, server: Server, ledger: Ledger, end: str, number: int
) -> None:
    mia = world.person("Mia Holm", f"mia{number}@example.org")
    invited = world.invite("harbour-works", owner, mia.email)
    guests = [visitor_at(server.url, invited.link, world, mia) for _ in range(4)]
    owners = [visitor_at(server.url, "/orgs/harbour-works/members/pending", world, owner) for _ in range(2)]
    revoke = f"/orgs/harbour-works/invitations/{invited.id}/revoke"

    def act(index: int) -> Answer:
        if index < 2:
            return guests[index].send(invited.link, accept="1")
        if end == "declined":
            return guests[index].send(invited.link, decline="1")
        return owners[index - 2].send(revoke)

    answers = at_once(4, act)
    [invitation] = ledger.rows("invitation", id=invited.id)
    assert invitation["status"] in ("accepted", end)
    was_accepted = invitation["status"] == "accepted"
    assert ledger.count("member", user_id=mia.user_id) == was_accepted
    assert ledger.count("audit_entry", event="invitation.accepted") == was_accepted
    assert ledger.count("audit_entry", event=f"invitation.{end}") == (not was_accepted)
    assert 1 <= [a.status for a in answers].count(303) <= 1 + was_accepted, "a guest's second click arrives too"
    assert {a.status for a in answers} <= {303, 409}
