"""Restriction: whether a member reaches every project, or only what teams and access groups give."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from webapp.access.actor import Actor
from webapp.access.decide import teams_with
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import NotOfOrganization, NotYourTeam
from webapp.models import Member, Organization, Team
from webapp.services import audit, members, memberships, teams
from webapp.services.audit import Change, Event
from webapp.services.memberships import Terms
from webapp.services.teams import Belonging


@dataclass(frozen=True)
class Reach:
    """Whether every project is reached, through no team; and the ids of the teams somebody belongs to."""

    has_global_access: bool
    teams: frozenset[int]


class How(StrEnum):
    """What becomes of the teams that members have."""

    ADD = "add"
    TAKE = "take"
    REPLACE = "replace"


@dataclass(frozen=True)
class Wish:
    """What members are to reach: every project or not, where that shall change, and what of some teams."""

    has_global_access: bool | None
    teams: frozenset[int]
    how: How = How.REPLACE

    def teams_of(self, present: frozenset[int]) -> frozenset[int]:
        """Return the teams that somebody will have who has these."""
        wanted = {How.ADD: present | self.teams, How.TAKE: present - self.teams, How.REPLACE: self.teams}
        return wanted[self.how]


@dataclass(frozen=True)
class Moves:
    """Who joins which teams, and who leaves which."""

    came: Sequence[Belonging]
    went: Sequence[Belonging]

    @property
    def teams(self) -> list[Team]:
        """The teams that somebody joins or leaves, each once, in the order of their ids."""
        concerned = {team.id: team for team, _ in (*self.came, *self.went)}
        return [concerned[number] for number in sorted(concerned)]


def reach_of(member: Member) -> Reach:
    """Return what a member has."""
    return reach_in(memberships.terms_of(member))


def reach_in(terms: Terms) -> Reach:
    """Return what is reached by whoever has these."""
    return Reach(terms.has_global_access, frozenset(terms.teams))


def change(actor: Actor, organization: Organization, member: Member, wanted: Reach) -> bool:
    """Let a member reach every project or not, and belong to exactly these teams; see `change_all`."""
    return change_all(actor, organization, [member], Wish(wanted.has_global_access, wanted.teams))


def change_all(actor: Actor, organization: Organization, people: Sequence[Member], wanted: Wish) -> bool:
    """Let members reach every project or not, and join or leave teams; return whether anything is another.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole: the actor may not change one of the memberships.
        NotOfOrganization: a team is none of the organization's any more.
        TooManyMemberships: they would join and leave too many teams.
        NotYourTeam: they may not change a team that one of them would join or leave.
    """
    members.require_may_change(actor, organization, *people)
    moves = moves_to(organization, people, wanted)
    if closed := teams_closed_to(actor, moves.teams):
        raise NotYourTeam(name=closed[0].name)
    others = who_change(people, wanted)
    _set_global_access(actor, organization, others, has_it=bool(wanted.has_global_access))
    teams.join(actor, organization, moves.came)
    teams.leave(actor, organization, moves.went)
    return bool(others or moves.came or moves.went)


def who_change(people: Sequence[Member], wanted: Wish) -> list[Member]:
    """Return those of some members who reach every project, or no longer do, by a wish alone."""
    return [member for member in people if wanted.has_global_access not in (None, member.has_global_access)]


def moves_to(organization: Organization, people: Sequence[Member], wanted: Wish) -> Moves:
    """Return which teams members join and leave for whom this is wished.

    Raises:
        NotOfOrganization: a team is none of the organization's any more.
        TooManyMemberships: they are more than are changed at once.
    """
    present = {number: frozenset(terms.teams) for number, terms in memberships.terms_of_all(people).items()}
    there = {team.id: team for team in teams_among(organization, wanted.teams.union(*present.values()))}
    after = {number: wanted.teams_of(theirs) for number, theirs in present.items()}
    came = [(there[number], one) for one in people for number in sorted(after[one.id] - present[one.id])]
    went = [(there[number], one) for one in people for number in sorted(present[one.id] - after[one.id])]
    memberships.require_few(len(came) + len(went))
    return Moves(came, went)


def _set_global_access(actor: Actor, organization: Organization, people: Sequence[Member], *, has_it: bool) -> None:
    if not people:
        return
    users = members.users_of(people)
    for member in people:
        member.has_global_access = has_it
    said = {"before": {"has_global_access": not has_it}, "after": {"has_global_access": has_it}}
    changes = [Change(members.target_of(member, users[member.user_id]), **said) for member in people]
    audit.record_all(actor, Event.MEMBER_ACCESS_CHANGED, changes, organization=organization)


def teams_closed_to(actor: Actor, concerned: Sequence[Team]) -> Sequence[Team]:
    """Return those of some teams that the actor may not change; plug-ins may say so of whoever may change members."""
    open_teams = {team.id for team in teams_with(actor, Scope.TEAM_WRITE, concerned)}
    return [team for team in concerned if team.id not in open_teams]


def teams_among(organization: Organization, wanted: Collection[int]) -> Sequence[Team]:
    """Return the teams with these ids, in the order of their ids.

    Raises:
        NotOfOrganization: one is none of the organization's, or is gone.
    """
    found = select(Team).where(Team.organization_id == organization.id, Team.id.in_(wanted)).order_by(Team.id)
    there = db.session.scalars(found).all()
    if len(there) != len(set(wanted)):
        raise NotOfOrganization
    return there
