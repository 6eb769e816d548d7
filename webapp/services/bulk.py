"""Changing many memberships at once: all that may be changed, or none. The caller holds the organization's lock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, insert, select, update

from webapp.access.actor import Actor
from webapp.access.decide import refusal_over
from webapp.db import db
from webapp.errors import AsItIs, DomainError, NotYourTeam, TooManyAtOnce
from webapp.models import Member, MemberStatus, Organization, Role, TeamMember
from webapp.services import members, removals, restriction
from webapp.services.restriction import Reach

MOST_AT_ONCE = 1_000
MOST_TEAM_MEMBERSHIPS = 5_000


class Action(StrEnum):
    """What can be done with many members."""

    ROLE = "role"
    TEAMS = "teams"
    SUSPEND = "suspend"
    RESTORE = "restore"
    REMOVE = "remove"


@dataclass(frozen=True)
class Change:
    """An action, with the role or the reach it gives where it gives one."""

    action: Action
    role: Role = Role.MEMBER
    reach: Reach = Reach(has_global_access=True, teams=frozenset())


def refusals(
    actor: Actor, organization: Organization, people: Sequence[Member], change: Change
) -> dict[int, DomainError]:
    """Return why some members are left out, by the id of each; of the others the change can be made.

    Raises:
        NotOfOrganization: a team they would join is none of the organization's, or is gone.
    """
    found: dict[int, DomainError] = {}
    if change.action is Action.TEAMS:
        found |= _refused_teams(actor, organization, people, change.reach)
    return found | {member.id: reason for member in people if (reason := _refusal(actor, member, change))}


def _refused_teams(
    actor: Actor, organization: Organization, people: Sequence[Member], reach: Reach
) -> dict[int, DomainError]:
    """Return, for each member who would join or leave a team that the actor may not change, that team's refusal."""
    moves = {member.id: set(reach.teams) for member in people}
    theirs = select(TeamMember.member_id, TeamMember.team_id).where(TeamMember.member_id.in_(moves))
    for number, team_id in db.session.execute(theirs):
        moves[number] ^= {team_id}
    concerned = restriction.teams_among(organization, frozenset[int]().union(*moves.values()))
    found: dict[int, DomainError] = {}
    for team in restriction.teams_closed_to(actor, concerned):
        found |= {number: NotYourTeam(name=team.name) for number, touched in moves.items() if team.id in touched}
    return found


def _refusal(actor: Actor, member: Member, change: Change) -> DomainError | None:
    if reason := refusal_over(actor, member):
        return reason
    needed = {Action.SUSPEND: MemberStatus.ACTIVE, Action.RESTORE: MemberStatus.SUSPENDED}.get(change.action)
    is_done = needed is not None and member.status is not needed
    return AsItIs() if is_done or (change.action is Action.ROLE and member.role is change.role) else None


def apply(actor: Actor, organization: Organization, people: Sequence[Member], change: Change) -> None:
    """Make a change of each of some members, one after another; whatever fails takes all of them back.

    Raises:
        TooManyAtOnce: it would make too many memberships of teams.
        DomainError: one of them cannot be changed.
    """
    require_few(people, change)
    for member in people:
        _DEEDS[change.action](actor, organization, member, change)


def rehearse(people: Sequence[Member], change: Change) -> None:
    """Change what decides about access as `apply` would, in a few statements and without letters and audit entries.

    It is for previews, which take it back.

    Raises:
        TooManyAtOnce: it would make too many memberships of teams.
    """
    require_few(people, change)
    chosen = Member.id.in_([member.id for member in people])
    if change.action is Action.REMOVE:
        db.session.execute(delete(Member).where(chosen), execution_options=_UNTRACKED)
        return
    changes: dict[Action, dict[str, object]] = {
        Action.ROLE: {"role": change.role},
        Action.TEAMS: {"has_global_access": change.reach.has_global_access},
        Action.SUSPEND: {"status": MemberStatus.SUSPENDED},
        Action.RESTORE: {"status": MemberStatus.ACTIVE},
    }
    db.session.execute(update(Member).where(chosen).values(changes[change.action]), execution_options=_UNTRACKED)
    if change.action is Action.TEAMS:
        _rehearse_teams(people, change.reach)


def require_few(people: Sequence[Member], change: Change) -> None:
    """Go on only if a change makes no more memberships of teams than others can wait for.

    Raises:
        TooManyAtOnce: it does.
    """
    if len(people) * len(change.reach.teams) > MOST_TEAM_MEMBERSHIPS:
        raise TooManyAtOnce(most=MOST_TEAM_MEMBERSHIPS // len(change.reach.teams))


def _rehearse_teams(people: Sequence[Member], reach: Reach) -> None:
    theirs = TeamMember.member_id.in_([member.id for member in people])
    db.session.execute(delete(TeamMember).where(theirs), execution_options=_UNTRACKED)
    rows = [
        {
            "organization_id": member.organization_id,
            "team_id": team,
            "member_id": member.id,
            "sort_name": member.sort_name,
        }
        for member in people
        for team in sorted(reach.teams)
    ]
    if rows:
        db.session.execute(insert(TeamMember), rows)


def _change_role(actor: Actor, organization: Organization, member: Member, change: Change) -> None:
    members.change_role(actor, organization, member, change.role)


def _change_teams(actor: Actor, organization: Organization, member: Member, change: Change) -> None:
    restriction.change(actor, organization, member, change.reach)


def _suspend(actor: Actor, organization: Organization, member: Member, _change: Change) -> None:
    members.suspend(actor, organization, member)


def _restore(actor: Actor, organization: Organization, member: Member, _change: Change) -> None:
    members.restore(actor, organization, member)


def _remove(actor: Actor, organization: Organization, member: Member, _change: Change) -> None:
    removals.remove(actor, organization, member)


Deed = Callable[[Actor, Organization, Member, Change], None]
_DEEDS: Mapping[Action, Deed] = {
    Action.ROLE: _change_role,
    Action.TEAMS: _change_teams,
    Action.SUSPEND: _suspend,
    Action.RESTORE: _restore,
    Action.REMOVE: _remove,
}
_UNTRACKED = {"synchronize_session": False}
