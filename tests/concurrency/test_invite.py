"""One address, invited many times at the same moment: one open invitation, one letter, and a sentence for the rest."""

import pytest

from tests.support.ledger import Ledger
from tests.support.server import Server
from tests.support.sizes import rounds
from tests.support.visitor import Answer, Visitor, at_once, visitor_at
from tests.support.worlds import Person, World
from webapp.models import Role

FORM = "/orgs/harbour-works/members/new"
POSTS = 8


@pytest.fixture
def inviters(world: World, server: Server) -> list[Visitor]:
    """Eight browsers with the invitation form open: of the owner and of an admin."""
    owner = world.person("Ada Winter", "ada@example.com")
    world.organization("Harbour Works", owner)
    admin = world.person("Ben Okafor", "ben@example.com")
    world.member("harbour-works", admin, Role.ADMIN)
    people: list[Person] = [owner, admin] * (POSTS // 2)
    return [visitor_at(server.url, FORM, world, person) for person in people]


def send(visitor: Visitor, emails: str) -> Answer:
    return visitor.send(FORM, emails=emails, role="member", lifetime_days="7")


@pytest.mark.parametrize("number", rounds(3))
def test_C15_one_address_invited_at_once_has_one_open_invitation_and_one_letter(
    inviters: list[Visitor], ledger: Ledger, number: int
) -> None:
    spellings = [f"mia{number}@example.org", f"Mia{number}@Example.ORG"]
    answers = at_once(POSTS, lambda index: send(inviters[index], spellings[index % 2]))
    assert sorted(a.status for a in answers) == [303] + [422] * (POSTS - 1)
    assert all("Already invited" in a.text for a in answers if a.status == 422)
    assert ledger.count("invitation") == ledger.count("outbox_message") == ledger.count("invitation_token") == 1
    assert ledger.count("audit_entry", event="invitation.sent") == 1


@pytest.mark.parametrize("number", rounds(3))
def test_R25_double_click_on_send_invites_everybody_once(inviters: list[Visitor], ledger: Ledger, number: int) -> None:
    emails = [f"guest{guest}@example.org" for guest in range(20 + number)]
    answers = at_once(2, lambda _: send(inviters[0], ", ".join(emails)))
    assert sorted(a.status for a in answers) == [303, 422]
    assert sorted(row["canonical"] for row in ledger.rows("invitation")) == sorted(emails)
    assert sorted(row["to_address"] for row in ledger.rows("outbox_message")) == sorted(emails)


def test_C15_lists_that_overlap_crosswise_invite_everybody_once(inviters: list[Visitor], ledger: Ledger) -> None:
    emails = [f"guest{guest}@example.org" for guest in range(20)]
    lists = [emails, emails[::-1]] * (POSTS // 2)
    answers = at_once(POSTS, lambda index: send(inviters[index], "\n".join(lists[index])))
    assert {a.status for a in answers} == {303, 422}
    assert sorted(row["canonical"] for row in ledger.rows("invitation", status="pending")) == sorted(emails)
    assert ledger.count("outbox_message") == len(emails)
