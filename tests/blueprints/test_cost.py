"""What pages cost: at most six statements each, whoever asks, and as many for one row as for three hundred.

Every page that is asked for with GET is counted, so that a new one is without anybody writing so here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from flask import Flask

from tests.support import asking, crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL, RESULTS
from tests.support.routes import Place, Routes
from tests.support.statements import queries
from tests.support.teams import fill, group, make_projects, make_teams, memberships, project, team
from tests.support.worlds import Person
from webapp.access.actor import Actor
from webapp.models import Organization, Role
from webapp.services import access_groups, addresses, invitations, projects, teams
from webapp.services.access_groups import Contents
from webapp.services.invitations import Offer
from webapp.services.memberships import Terms

FAMILIES = {"additions", "audit", "groups", "invites", "members", "organizations", "projects", "requests", "teams"}
FIELDS = (("projects.update", "teams"), ("groups.new", "projects"))
PEOPLE = ("owner", "manager", "admin", "member")
MOST = 6
TRIED = "the change is made, by the service itself, and taken back to say who loses what"
# What takes more, with the most it may take, and why.
MORE: dict[str, tuple[int, str]] = {
    "members.show": (7, "one page tells all of a person: who, teams, access groups, projects, history"),
    "members.leave": (24, TRIED),
    "members.remove": (31, TRIED),
    "members.suspend": (21, TRIED),
    "projects.archive": (21, TRIED),
    "projects.remove": (27, TRIED),
    "groups.remove": (28, TRIED),
    "teams.take_out": (28, TRIED),
    "teams.remove": (41, TRIED),
}


@dataclass(frozen=True)
class Furnished:
    """A team of Acme's admin and member, with a project, an access group and an invitation that offers both."""

    acme: Acme
    place: Place

    @property
    def numbers(self) -> tuple[int, int, int]:
        """The ids of the team, of its project, and of its access group."""
        forms = self.place.forms
        return (
            int(forms["projects.update"]["teams"]),
            int(forms["groups.new"]["projects"]),
            self.place.arguments["group"],
        )

    def people(self) -> Iterator[tuple[str, Person]]:
        """Yield one person of each role."""
        return ((name, getattr(self.acme, name)) for name in PEOPLE)


@pytest.fixture
def furnished(acme: Acme) -> Furnished:
    """Acme with one of everything."""
    made = Furnished(acme, Place(acme, 1))
    in_team = (acme.admin, acme.member)
    number, _project, its_group = made.numbers
    acme.act(acme.owner, lambda actor, here: teams.put_in(actor, here, team(number), memberships(here, in_team)))
    invite(made, ["offered@example.org"])
    asking.ask(acme, "asking@example.org")
    return made


def invite(furnished: Furnished, emails: list[str]) -> None:
    """Offer the team and the access group to some addresses."""
    number, _project, its_group = furnished.numbers
    offer = Offer.of(Terms(Role.MEMBER, False, [number], [its_group]), 7)

    def invite(actor: Actor, here: Organization) -> None:
        invitations.invite_all(actor, here, [addresses.parse(email) for email in emails], offer)

    furnished.acme.act(furnished.acme.owner, invite)


def enlarge(furnished: Furnished) -> None:
    """Let there be three hundred of everything, in the team and in its access group too."""
    acme, (number, its_project, its_group) = furnished.acme, furnished.numbers
    people = crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(300)])
    fill(acme, number, people)
    invite(furnished, [f"i{n}@example.org" for n in range(300)])
    made = make_projects(acme, number, [f"Made {n}" for n in range(300)])
    owners = make_teams(acme, [f"Made {n}" for n in range(300)])

    def share(actor: Actor, here: Organization) -> None:
        contents = Contents("Group 1", Role.MEMBER, frozenset(made), frozenset(people))
        access_groups.change(actor, here, group(its_group), contents)
        projects.set_teams(actor, here, project(its_project), [team(one) for one in [number, *owners]])

    acme.act(acme.owner, share)


def pages(furnished: Furnished) -> list[tuple[str, str]]:
    """Return the endpoint and the address of every page, about the same things."""
    routes = Routes(furnished.acme, [furnished.place] * 1_000)
    asked = [one for one in routes if one.method == "GET" and one.endpoint.partition(".")[0] in FAMILIES]
    return [(route.endpoint, routes.request(route).path) for route in asked]


def test_every_page_takes_at_most_six_statements_or_says_why_not_and_no_more_at_three_hundred(
    app: Flask, furnished: Furnished
) -> None:
    found = pages(furnished)
    assert len(found) > 40
    assert MORE.keys() <= {endpoint for endpoint, _path in found}
    few = costs(app, furnished, found, [{}])
    assert [cost for cost in few.items() if cost[1] > most_of(cost[0][0])] == []
    enlarge(furnished)
    many = costs(app, furnished, found, [{}, PANEL, RESULTS, {}])
    assert {page: cost for page, cost in many.items() if cost > few[page]} == {}


def most_of(endpoint: str) -> int:
    return MORE[endpoint][0] if endpoint in MORE else MOST


def costs(
    app: Flask, furnished: Furnished, found: Sequence[tuple[str, str]], ways: Sequence[dict[str, str]]
) -> dict[tuple[str, str], int]:
    """Return how many statements each page takes for whom; each opens for somebody, who asks in one of some ways.

    Who asks in which is another at the next page.
    """
    furnished.acme.wake()
    taken: dict[tuple[str, str], int] = {}
    opened: set[str] = set()
    browsers = {name: furnished.acme.browser(person) for name, person in furnished.people()}
    for number, (endpoint, path) in enumerate(found):
        for place, (name, browser) in enumerate(browsers.items()):
            with queries(app) as asked:
                answer = browser.get(path, headers=ways[(number + place) % len(ways)], buffered=True)
            taken[endpoint, name] = len(asked)
            if answer.status_code < 400:
                opened.add(endpoint)
    assert {endpoint for endpoint, _path in found} - opened == {"organizations.new"}
    return taken
