"""The two races that naive code loses every time, on the real server: one invitation, and the last owner."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import cycle

import pytest

from tests.support.ledger import Ledger
from tests.support.server import Server
from tests.support.sizes import Figures, short_and_long
from tests.support.visitor import Answer, Visitor, at_once, visitor_at
from tests.support.worlds import Person, World
from webapp.models import MemberStatus, Role

MOST_AT_ONCE = 32


def accept(visitors: list[Visitor], link: str, index: int) -> Answer:
    """Let one of the people accept."""
    return visitors[index].send(link, accept="1")


@pytest.mark.parametrize("at_the_same_time", [2, 8, MOST_AT_ONCE])
@pytest.mark.parametrize("rounds", short_and_long(2, 200))
def test_R04_one_invitation_lets_one_of_many_in(
    world: World, server: Server, ledger: Ledger, at_the_same_time: int, rounds: int, figures: Figures
) -> None:
    owner = world.person("Ada Winter", "ada@example.com")
    people = [world.person(f"Guest {number}", f"guest{number}@example.org") for number in range(at_the_same_time)]
    visitors = [visitor_at(server.url, "/account/", world, person) for person in people]
    statuses: Counter[int] = Counter()
    for number in range(rounds):
        slug = world.organization(f"Hall {number}", owner)
        world.policy(slug, address_match_required=False)
        link = world.invite(slug, owner, "mia@example.org").link
        answers = at_once(at_the_same_time, partial(accept, visitors, link))
        assert [answer.location for answer in answers if answer.status == 303] == [f"/orgs/{slug}/members"]
        statuses.update(answer.status for answer in answers)
    assert statuses == {303: rounds, 409: rounds * (at_the_same_time - 1)}
    assert ledger.count("member") == 2 * rounds, "of each organization its owner and one more"
    assert ledger.count("audit_entry", event="invitation.accepted") == rounds
    assert ledger.count("audit_entry", event="member.joined") == 2 * rounds
    figures(rounds=rounds, at_once=at_the_same_time, joined=rounds, audited=rounds, refused=statuses[409])


@dataclass(frozen=True)
class Owner:
    """One of two owners, and their browser."""

    person: Person
    member_id: int
    visitor: Visitor


def act(slug: str, clash: tuple[str, str], owners: list[Owner], index: int) -> Answer:
    """Let one owner take the ownership of the other away, or give up their own."""
    verb, me, them = clash[index], owners[index], owners[1 - index]
    theirs = f"/orgs/{slug}/members/{them.member_id}"
    if verb == "demote":
        return me.visitor.send(theirs, role="member")
    if verb == "leave":
        return me.visitor.send(f"/orgs/{slug}/leave", confirm="1")
    return me.visitor.send(f"{theirs}/{verb}", confirm="1")


CLASHES = [
    *(("demote", "demote"), ("remove", "remove"), ("suspend", "suspend")),
    *(("leave", "leave"), ("leave", "demote"), ("remove", "suspend")),
]


@pytest.mark.parametrize("rounds", short_and_long(2 * len(CLASHES), 200))
def test_R05_two_owners_at_once_leave_one(
    world: World, server: Server, ledger: Ledger, rounds: int, figures: Figures
) -> None:
    ada, ben = world.person("Ada Winter", "ada@example.com"), world.person("Ben Okafor", "ben@example.com")
    visitors = [visitor_at(server.url, "/account/", world, person) for person in (ada, ben)]
    statuses: Counter[int] = Counter()
    for number, clash in zip(range(rounds), cycle(CLASHES), strict=False):
        slug = world.organization(f"Hall {number}", ada)
        world.member(slug, ben, Role.OWNER)
        [hall] = ledger.rows("organization", slug=slug)
        ids = {row["user_id"]: row["id"] for row in ledger.rows("member", organization_id=hall["id"])}
        owners = [Owner(p, ids[p.user_id], v) for p, v in zip((ada, ben), visitors, strict=True)]
        answers = at_once(2, partial(act, slug, clash, owners))
        still = ledger.count("member", organization_id=hall["id"], role=Role.OWNER, status=MemberStatus.ACTIVE)
        assert still == 1, (clash, answers)
        assert 303 in [answer.status for answer in answers]
        statuses.update(answer.status for answer in answers)
    refused = {f"refused_{status}": count for status, count in sorted(statuses.items()) if status != 303}
    figures(rounds=rounds, without_owner=0, done=statuses[303], **refused)
