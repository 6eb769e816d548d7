"""The races that naive code loses every time, on the real server: one invitation, the last owner, the last team."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import cycle

import pytest

from tests.support.acme import organization_of
from tests.support.ledger import Ledger
from tests.support.server import Server
from tests.support.sizes import Figures, short_and_long
from tests.support.visitor import Answer, Visitor, at_once, visitor_at
from tests.support.worlds import Person, World
from webapp import clock
from webapp.access.actor import Actor
from webapp.models import MemberStatus, Role
from webapp.services import projects, teams

MOST_AT_ONCE = 32


def accept(visitors: list[Visitor], link: str, index: int) -> Answer:
    """Let one of the people accept."""
    return visitors[index].send(link, accept="1")


@pytest.mark.parametrize("at_the_same_time", [2, 8, MOST_AT_ONCE])
@pytest.mark.parametrize("rounds", short_and_long(2, 200))
def test_R04_one_invitation_lets_one_of_many_in(
    world: World, contended_server: Server, ledger: Ledger, at_the_same_time: int, rounds: int, figures: Figures
) -> None:
    owner = world.person("Ada Winter", "ada@example.com")
    people = [world.person(f"Guest {number}", f"guest{number}@example.org") for number in range(at_the_same_time)]
    visitors = [visitor_at(contended_server.url, "/account/", world, person) for person in people]
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
    world: World, contended_server: Server, ledger: Ledger, rounds: int, figures: Figures
) -> None:
    ada, ben = world.person("Ada Winter", "ada@example.com"), world.person("Ben Okafor", "ben@example.com")
    visitors = [visitor_at(contended_server.url, "/account/", world, person) for person in (ada, ben)]
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


def promote_or_end(address: str, day: str, visitors: list[Visitor], index: int) -> Answer:
    """Make somebody an owner, or let their membership end."""
    if index == 0:
        return visitors[0].send(address, role="owner", has_global_access="1", confirm="1")
    return visitors[1].send(f"{address}/end", last_day=day, confirm="1")


@pytest.mark.parametrize("rounds", short_and_long(4, 200))
def test_R05_nobody_is_at_once_an_owner_and_somebody_whose_membership_ends(
    world: World, contended_server: Server, ledger: Ledger, rounds: int
) -> None:
    ada, ben = world.person("Ada Winter", "ada@example.com"), world.person("Ben Okafor", "ben@example.com")
    visitors = [visitor_at(contended_server.url, "/account/", world, ada) for _ in range(2)]
    day = (clock.now() + timedelta(days=9)).date().isoformat()
    for number in range(rounds):
        slug = world.organization(f"Hall {number}", ada)
        member_id = world.member(slug, ben, Role.MEMBER)
        answers = at_once(2, partial(promote_or_end, f"/orgs/{slug}/members/{member_id}", day, visitors))
        assert sorted(answer.status for answer in answers) == [303, 422]
        [row] = ledger.rows("member", id=member_id)
        assert (row["role"] is Role.OWNER) is (row["expires_at"] is None)


def share_payroll(slug: str) -> None:
    """Make a project that two teams own."""
    system, here = Actor.system(), organization_of(slug)
    red, blue = (teams.create(system, here, name) for name in ("Red", "Blue"))
    projects.set_teams(system, here, projects.create(system, here, red, "Payroll"), [red, blue])


def let_go(slug: str, steps: list[tuple[str, dict[str, str]]], visitors: list[Visitor], index: int) -> Answer:
    """Let somebody take a team of the project away, by its settings or with the team."""
    path, form = steps[index]
    return visitors[index].send(f"/orgs/{slug}/{path}", confirm="1", **form)


@pytest.mark.parametrize("rounds", short_and_long(4, 200))
def test_two_at_once_leave_a_project_its_last_team(
    world: World, contended_server: Server, ledger: Ledger, rounds: int, figures: Figures
) -> None:
    ada, ben = world.person("Ada Winter", "ada@example.com"), world.person("Ben Okafor", "ben@example.com")
    visitors = [visitor_at(contended_server.url, "/account/", world, person) for person in (ada, ben)]
    statuses: Counter[int] = Counter()
    for number in range(rounds):
        slug = world.organization(f"Hall {number}", ada)
        world.member(slug, ben, Role.OWNER)
        world.write(share_payroll, slug)
        [hall] = ledger.rows("organization", slug=slug)
        ids = {row["slug"]: row["id"] for row in ledger.rows("team", organization_id=hall["id"])}
        keep_red = ("projects/payroll/settings", {"name": "Payroll", "teams": str(ids["red"])})
        without = {name: (f"teams/{name}/remove", {"name": name.title()}) for name in ids}
        steps = [(keep_red, without["blue"])[number % 2], without["red"]]
        answers = at_once(2, partial(let_go, slug, steps, visitors))
        assert ledger.count("team_project", organization_id=hall["id"]) == 1, (steps, answers)
        statuses.update(answer.status for answer in answers)
    assert statuses[303] == rounds
    assert statuses.keys() <= {303, 409, 422}
    figures(rounds=rounds, without_team=0, done=statuses[303], refused=2 * rounds - statuses[303])
