"""Changing many memberships at once: all that may be changed, or none. The caller holds the organization's lock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, insert, update

from webapp.access.actor import Actor
from webapp.access.decide import refusal_for_owners, refusal_over
from webapp.db import db
from webapp.errors import AsItIs, DomainError, NotYourTeam, SignInAgain
from webapp.models import Member, MemberStatus, Organization, Role, TeamMember
from webapp.services import members, memberships, removals, restriction
from webapp.services.restriction import How, Wish

MOST_AT_ONCE = 1_000


class MemberAction(StrEnum):
    """What can be done with many members."""

    ROLE = "role"
    TEAMS = "teams"
    SUSPEND = "suspend"
    RESTORE = "restore"
    REMOVE = "remove"


@dataclass(frozen=True)
class ManyChange:
    """An action, with the role it gives or what it does to what is reached, where it does."""

    action: MemberAction
    role: Role = Role.MEMBER
    wish: Wish = Wish(has_global_access=None, teams=frozenset())


def refusals(
    actor: Actor, organization: Organization, people: Sequence[Member], change: ManyChange
) -> dict[int, DomainError]:
    """Return why some members are left out, by the id of each; of the others the change can be made.

    Raises:
        NotOfOrganization: a team they would join is none of the organization's, or is gone.
    """
    found: dict[int, DomainError] = {}
    if change.action is MemberAction.TEAMS:
        found |= _refused_teams(actor, organization, people, change.wish)
    return found | {member.id: reason for member in people if (reason := _refusal(actor, member, change))}


def _refused_teams(
    actor: Actor, organization: Organization, people: Sequence[Member], wish: Wish
) -> dict[int, DomainError]:
    """Return, for each member who would join or leave a team that the actor may not change, that team's refusal.

    Where teams are added or taken away, those for whom nothing changes are left out too.
    """
    moves = restriction.moves_to(organization, people, wish)
    closed = {team.id for team in restriction.teams_closed_to(actor, moves.teams)}
    touched = [(team, member) for team, member in (*moves.came, *moves.went)]
    refused: dict[int, DomainError] = {}
    if wish.how is not How.REPLACE:
        changed = {member.id for _, member in touched} | {one.id for one in restriction.who_change(people, wish)}
        refused = {member.id: AsItIs() for member in people if member.id not in changed}
    return refused | {member.id: NotYourTeam(name=team.name) for team, member in touched if team.id in closed}


def _refusal(actor: Actor, member: Member, change: ManyChange) -> DomainError | None:
    if reason := refusal_over(actor, member):
        return reason
    needed = {MemberAction.SUSPEND: MemberStatus.ACTIVE, MemberAction.RESTORE: MemberStatus.SUSPENDED}.get(
        change.action
    )
    is_done = needed is not None and member.status is not needed
    return AsItIs() if is_done or (change.action is MemberAction.ROLE and member.role is change.role) else None


def refusal_of_all(actor: Actor, people: Sequence[Member], change: ManyChange) -> SignInAgain | None:
    """Return why the actor has to sign in again before they change all of some members, or nothing."""
    given = (change.role,) if change.action is MemberAction.ROLE else ()
    taken = () if change.action is MemberAction.TEAMS else (member.role for member in people)
    return refusal_for_owners(actor, *given, *taken)


def apply(actor: Actor, organization: Organization, people: Sequence[Member], change: ManyChange) -> None:
    """Make a change of each of some members; whatever fails takes all of them back.

    Raises:
        DomainError: one of them cannot be changed, or they would join and leave too many teams.
    """
    _DEEDS[change.action](actor, organization, people, change)


def rehearse(people: Sequence[Member], change: ManyChange) -> None:
    """Change what decides about access as `apply` would, in a few statements and without letters and audit entries.

    It is for previews, which take it back.
    """
    chosen = Member.id.in_([member.id for member in people])
    if change.action is MemberAction.REMOVE:
        db.session.execute(delete(Member).where(chosen), execution_options=_UNTRACKED)
        return
    changes: dict[MemberAction, dict[str, object]] = {
        MemberAction.ROLE: {"role": change.role},
        MemberAction.SUSPEND: {"status": MemberStatus.SUSPENDED},
        MemberAction.RESTORE: {"status": MemberStatus.ACTIVE},
    }
    if change.action is MemberAction.TEAMS:
        _rehearse_teams(people, change.wish)
        has_it = change.wish.has_global_access
        changes[MemberAction.TEAMS] = {} if has_it is None else {"has_global_access": has_it}
    if values := changes[change.action]:
        db.session.execute(update(Member).where(chosen).values(values), execution_options=_UNTRACKED)


def _rehearse_teams(people: Sequence[Member], wish: Wish) -> None:
    present = {number: frozenset(terms.teams) for number, terms in memberships.terms_of_all(people).items()}
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
        for team in sorted(wish.teams_of(present[member.id]))
    ]
    if rows:
        db.session.execute(insert(TeamMember), rows)


def _change_role(actor: Actor, organization: Organization, people: Sequence[Member], change: ManyChange) -> None:
    members.change_role_of_all(actor, organization, people, change.role)


def _change_teams(actor: Actor, organization: Organization, people: Sequence[Member], change: ManyChange) -> None:
    restriction.change_all(actor, organization, people, change.wish)


def _suspend(actor: Actor, organization: Organization, people: Sequence[Member], _change: ManyChange) -> None:
    members.suspend_all(actor, organization, people)


def _restore(actor: Actor, organization: Organization, people: Sequence[Member], _change: ManyChange) -> None:
    members.restore_all(actor, organization, people)


def _remove(actor: Actor, organization: Organization, people: Sequence[Member], _change: ManyChange) -> None:
    removals.remove_all(actor, organization, people)


Deed = Callable[[Actor, Organization, Sequence[Member], ManyChange], None]
_DEEDS: Mapping[MemberAction, Deed] = {
    MemberAction.ROLE: _change_role,
    MemberAction.TEAMS: _change_teams,
    MemberAction.SUSPEND: _suspend,
    MemberAction.RESTORE: _restore,
    MemberAction.REMOVE: _remove,
}
_UNTRACKED = {"synchronize_session": False}
