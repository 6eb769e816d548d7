"""The terms of a membership: the role, and whether it reaches everything or what teams and access groups give."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, insert, select

from webapp.db import db
from webapp.errors import TooManyMemberships
from webapp.models import AccessGroup, GroupMember, Member, Role, Team, TeamMember

MOST_CHANGED = 5_000


@dataclass(frozen=True)
class Terms:
    """As what somebody is a member: the role, global access or not, and the ids of teams and access groups."""

    role: Role
    has_global_access: bool = True
    teams: Sequence[int] = ()
    groups: Sequence[int] = ()

    def described(self) -> dict[str, Any]:
        """Return what the audit log keeps of it."""
        return {
            "role": self.role.label,
            "has_global_access": self.has_global_access,
            "teams": list(self.teams),
            "groups": list(self.groups),
        }


def terms_of(member: Member) -> Terms:
    """Return what a member has, the ids in order."""
    return terms_of_all([member])[member.id]


def terms_of_all(people: Sequence[Member]) -> dict[int, Terms]:
    """Return the same of several members, by the id of each, in as many statements as one takes."""
    numbers = [member.id for member in people]
    teams = _ids_by_member(select(TeamMember.member_id, TeamMember.team_id).where(TeamMember.member_id.in_(numbers)))
    groups = _ids_by_member(
        select(GroupMember.member_id, GroupMember.group_id).where(GroupMember.member_id.in_(numbers))
    )
    return {
        member.id: Terms(member.role, member.has_global_access, sorted(teams[member.id]), sorted(groups[member.id]))
        for member in people
    }


def require_few(number: int) -> None:
    """Go on only if a change of so many memberships of teams and access groups is no more than others can wait for.

    Raises:
        TooManyMemberships: it is.
    """
    if number > MOST_CHANGED:
        raise TooManyMemberships(given=number, most=MOST_CHANGED)


def _ids_by_member(pairs: Select[int, int]) -> dict[int, list[int]]:
    found = defaultdict[int, list[int]](list)
    for member, number in db.session.execute(pairs):
        found[member].append(number)
    return found


def join(member: Member, terms: Terms) -> None:
    """Put a new member into those of the teams and access groups of their terms that are still there."""
    who = {"organization_id": member.organization_id, "member_id": member.id, "sort_name": member.sort_name}
    there = still_there(member.organization_id, terms)
    if rows := [{**who, "team_id": number} for number in there.teams]:
        db.session.execute(insert(TeamMember), rows)
    if rows := [{**who, "group_id": number} for number in there.groups]:
        db.session.execute(insert(GroupMember), rows)


def still_there(organization_id: int, terms: Terms) -> Terms:
    """Return terms without the teams and access groups that are gone."""
    teams, groups = _there(Team, organization_id, terms.teams), _there(AccessGroup, organization_id, terms.groups)
    return replace(terms, teams=teams, groups=groups)


def _there(model: Any, organization_id: int, numbers: Sequence[int]) -> Sequence[int]:
    if not numbers:
        return []
    found = select(model.id).where(model.organization_id == organization_id, model.id.in_(numbers))
    there: Sequence[int] = db.session.scalars(found.order_by(model.id)).all()
    return there
