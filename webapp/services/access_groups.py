"""Access groups: making, changing and removing them. The caller holds the organization's lock."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, exists, insert, select

from webapp.access import plugins
from webapp.access.actor import Actor
from webapp.access.decide import is_role_within, require, require_role_within
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import (
    AboveYourRole,
    EmptyGroup,
    GroupManaged,
    GroupMapped,
    GroupNameTaken,
    GroupTooHigh,
    NotFound,
    NotOfTeam,
)
from webapp.models import (
    SINGLE_SIGN_ON,
    AccessGroup,
    GroupMember,
    GroupProject,
    Member,
    Organization,
    Project,
    Role,
    Team,
    TeamProject,
)
from webapp.services import audit, offers, powers
from webapp.services.audit import Change, Event, Move, Target
from webapp.services.words import sort_key

ROWS_A_STEP = 1_000


@dataclass(frozen=True)
class Contents:
    """What an access group is to be: its name, its level, and whom and what it holds, by id."""

    name: str
    level: Role
    projects: frozenset[int]
    members: frozenset[int]


def create(actor: Actor, organization: Organization, team: Team, wanted: Contents) -> AccessGroup:
    """Make an access group in a team.

    Raises:
        NotFound, Forbidden: the actor may not.
        RoleTooHigh: the level is above the actor's role.
        GroupNameTaken: a group of the team is called so.
        EmptyGroup: it would hold no project, or nobody.
        NotOfTeam: one of the projects is none of the team's, or somebody is no member of the organization.
        Yourself: the actor is among the members, and would reach more by it.
    """
    _require_may_write(actor, organization, team)
    _require_possible(actor, team, wanted)
    _require_no_own_gain(actor, team, wanted)
    return make(actor, organization, team, wanted)


def make(
    actor: Actor, organization: Organization, team: Team, wanted: Contents, source: str | None = None
) -> AccessGroup:
    """Make an access group in a team, managed if it has a source; the caller has decided that it can be, and shall."""
    group = AccessGroup(
        organization_id=organization.id,
        team_id=team.id,
        name=wanted.name,
        name_key=sort_key(wanted.name),
        level=wanted.level,
        source=source,
    )
    db.session.add(group)
    db.session.flush()
    _put_members(group, wanted.members)
    _put_projects(group, wanted.projects)
    after = described(team.id, wanted, source)
    made = Move(target_of(group), after=after, came=wanted.members)
    audit.record_all(actor, Event.GROUP_CREATED, [made], organization=organization)
    return group


def change(actor: Actor, organization: Organization, group: AccessGroup, wanted: Contents) -> bool:
    """Let an access group be as wanted; return whether anything is another now.

    Raises:
        GroupManaged: a source fills it.
        NotFound, Forbidden, RoleTooHigh, GroupNameTaken, EmptyGroup, NotOfTeam, Yourself: see `create`.
        AboveYourRole: somebody above the actor may lose what they reach.
    """
    team = _require_editable(actor, organization, group)
    require_role_within(actor, group.level)
    _require_possible(actor, team, wanted, group)
    present = contents_of(group)
    _require_no_own_gain(actor, team, wanted, present)
    if powers.above(actor, _members_of([group])) & _losing(present, wanted):
        raise AboveYourRole(powers.LOSS_ABOVE)
    return fill(actor, organization, group, wanted)


def fill(actor: Actor, organization: Organization, group: AccessGroup, wanted: Contents) -> bool:
    """Let an access group, a managed one too, be as wanted; the caller has decided that it shall.

    Return whether anything is another now.
    """
    return hand_over(actor, organization, group, wanted, group.source)


def hand_over(
    actor: Actor, organization: Organization, group: AccessGroup, wanted: Contents, source: str | None
) -> bool:
    """Let an access group be as wanted, and filled by a source, or by people where there is none; see `fill`."""
    return _change(actor, organization, group, contents_of(group), wanted, source)


def reshape(actor: Actor, organization: Organization, group: AccessGroup, wanted: Contents) -> bool:
    """Let an access group be called, give and hold projects as wanted; who is in it stays, and is not read."""
    present = Contents(group.name, group.level, projects_of(group), wanted.members)
    return _change(actor, organization, group, present, wanted, group.source)


def manage(actor: Actor, organization: Organization, group: AccessGroup, source: str | None) -> None:
    """Let a source fill an access group from now on, or people where there is none; who is in it is not read."""
    contents = Contents(group.name, group.level, projects_of(group), frozenset())
    _change(actor, organization, group, contents, contents, source)


def _change(
    actor: Actor,
    organization: Organization,
    group: AccessGroup,
    present: Contents,
    wanted: Contents,
    source: str | None,
) -> bool:
    before = described(group.team_id, present, group.source)
    group.source = source
    group.name, group.name_key, group.level = wanted.name, sort_key(wanted.name), wanted.level
    after = described(group.team_id, wanted, group.source)
    changed = [name for name in after if after[name] != before[name]]
    if not changed:
        return False
    _take(GroupMember, GroupMember.member_id, group, present.members - wanted.members)
    _take(GroupProject, GroupProject.project_id, group, present.projects - wanted.projects)
    _put_members(group, wanted.members - present.members)
    _put_projects(group, wanted.projects - present.projects)
    change = Move(
        target_of(group),
        {name: before[name] for name in changed},
        {name: after[name] for name in changed},
        came=wanted.members - present.members,
        went=present.members - wanted.members,
    )
    audit.record_all(actor, Event.GROUP_CHANGED, [change], organization=organization)
    return True


def remove(actor: Actor, organization: Organization, group: AccessGroup) -> None:
    """Remove an access group. Invitations that offered it say so from now on.

    Raises:
        NotFound, Forbidden: the actor may not.
        GroupManaged: the plug-in that fills it is installed.
        RoleTooHigh: its level is above the actor's role.
        AboveYourRole: somebody above the actor may lose what they reach.
    """
    _require_may_write(actor, organization, db.session.get_one(Team, group.team_id))
    if not is_removable(group):
        raise managed(group)
    require_role_within(actor, group.level)
    require_no_loss_above(actor, [group])
    delete_all(actor, organization, [group])


def is_removable(group: AccessGroup) -> bool:
    """Tell whether people may remove an access group: one that a plug-in fills only when that is gone.

    One that is filled at sign-in becomes theirs again with the last of its claim mappings.
    """
    return group.source is None or not (group.source == SINGLE_SIGN_ON or plugins.is_installed(group.source))


def managed(group: AccessGroup) -> GroupManaged:
    """Return the refusal to change a managed access group."""
    if group.source == SINGLE_SIGN_ON:
        return GroupMapped(name=group.name)
    return GroupManaged(name=group.name, source=group.source)


def delete_all(actor: Actor, organization: Organization, groups: Iterable[AccessGroup]) -> None:
    """Remove access groups, managed ones too; the caller has decided that they shall go."""
    for group in groups:
        before = described(group.team_id, contents_of(group), group.source)
        target = target_of(group)
        offers.leave_out_group(group)
        db.session.delete(group)
        db.session.flush()
        gone = Move(target, before, went=before["members"])
        audit.record_all(actor, Event.GROUP_REMOVED, [gone], organization=organization)


def require_no_loss_above(actor: Actor, groups: Sequence[AccessGroup]) -> None:
    """Go on unless the end of some access groups may take what they reach from somebody above the actor.

    Raises:
        AboveYourRole: it may.
    """
    powers.require_no_loss_above(actor, _members_of(groups))


def require_may_take(actor: Actor, project: Project, teams: Sequence[Team] | None = None) -> Sequence[AccessGroup]:
    """Return the access groups of some teams, or of all, that hold a project, if the actor may take it from each.

    Raises:
        GroupTooHigh: the level of one of them is above the actor's role.
    """
    holding = select(AccessGroup).join(GroupProject, GroupProject.group_id == AccessGroup.id)
    holding = holding.where(GroupProject.project_id == project.id).order_by(AccessGroup.id)
    if teams is not None:
        holding = holding.where(AccessGroup.team_id.in_([team.id for team in teams]))
    groups = db.session.scalars(holding).all()
    for group in groups:
        if not is_role_within(actor, group.level):
            raise GroupTooHigh(group=group.name, project=project.name)
    return groups


def take(actor: Actor, organization: Organization, groups: Sequence[AccessGroup], project: Project) -> None:
    """Take a project from access groups that hold it; the caller has decided that they shall lose it."""
    if not groups:
        return
    held = {group.id: projects_of(group) for group in groups}
    changes = [
        Change(
            target_of(group), {"projects": sorted(held[group.id])}, {"projects": sorted(held[group.id] - {project.id})}
        )
        for group in groups
    ]
    of_groups = GroupProject.group_id.in_(held)
    db.session.execute(delete(GroupProject).where(GroupProject.project_id == project.id, of_groups))
    audit.record_all(actor, Event.GROUP_CHANGED, changes, organization=organization)


def contents_of(group: AccessGroup) -> Contents:
    """Return what an access group is."""
    members = db.session.scalars(select(GroupMember.member_id).where(GroupMember.group_id == group.id))
    return Contents(group.name, group.level, projects_of(group), frozenset(members))


def projects_of(group: AccessGroup) -> frozenset[int]:
    """Return the projects of an access group, by id."""
    return frozenset(db.session.scalars(select(GroupProject.project_id).where(GroupProject.group_id == group.id)))


def named(team: Team, name: str) -> AccessGroup | None:
    """Return the access group of a team that is called so."""
    of_team = select(AccessGroup).where(AccessGroup.team_id == team.id)
    return db.session.scalar(of_team.where(AccessGroup.name_key == sort_key(name)))


def target_of(group: AccessGroup) -> Target:
    """Return an access group as the audit log names it."""
    return Target("group", group.id, group.name)


def described(team_id: int, contents: Contents, source: str | None = None) -> dict[str, Any]:
    """Return what the audit log keeps of an access group of a team."""
    return {
        "name": contents.name,
        "level": contents.level.label,
        "team_id": team_id,
        "source": source,
        "members": sorted(contents.members),
        "projects": sorted(contents.projects),
    }


def _require_may_write(actor: Actor, organization: Organization, team: Team) -> None:
    if team.organization_id != organization.id:
        raise NotFound
    require(actor, Scope.GROUP_WRITE, team)


def _require_editable(actor: Actor, organization: Organization, group: AccessGroup) -> Team:
    team = db.session.get_one(Team, group.team_id)
    _require_may_write(actor, organization, team)
    if group.is_managed:
        raise managed(group)
    return team


def _require_possible(actor: Actor, team: Team, wanted: Contents, group: AccessGroup | None = None) -> None:
    require_role_within(actor, wanted.level)
    named_so = exists().where(
        AccessGroup.team_id == team.id,
        AccessGroup.name_key == sort_key(wanted.name),
        AccessGroup.id.is_distinct_from(group.id if group else None),
    )
    if db.session.scalar(select(named_so)):
        raise GroupNameTaken(name=wanted.name)
    if not wanted.projects:
        raise EmptyGroup(field="projects")
    if not wanted.members:
        raise EmptyGroup(field="members")
    own = select(TeamProject.project_id).where(
        TeamProject.team_id == team.id, TeamProject.project_id.in_(wanted.projects)
    )
    if set(db.session.scalars(own)) != wanted.projects:
        raise NotOfTeam(field="projects")
    people = select(Member.id).where(Member.organization_id == team.organization_id, Member.id.in_(wanted.members))
    if set(db.session.scalars(people)) != wanted.members:
        raise NotOfTeam(field="members")


def _require_no_own_gain(actor: Actor, team: Team, wanted: Contents, present: Contents | None = None) -> None:
    me = actor.member
    if me is None or me.id not in wanted.members or not powers.lacks(actor, team):
        return
    is_there = present is not None and me.id in present.members
    if not (present and is_there and wanted.level <= present.level and wanted.projects <= present.projects):
        raise powers.own_gain()


def _losing(present: Contents, wanted: Contents) -> frozenset[int]:
    """Return who may reach less by a change: whoever goes, and everybody where the group gives less."""
    gives_less = wanted.level < present.level or present.projects - wanted.projects
    return present.members if gives_less else present.members - wanted.members


def _members_of(groups: Sequence[AccessGroup]) -> Select[int]:
    return select(GroupMember.member_id).where(GroupMember.group_id.in_([group.id for group in groups]))


def _put_members(group: AccessGroup, numbers: Collection[int]) -> None:
    of_group = {"organization_id": group.organization_id, "group_id": group.id}
    for step in _steps(numbers):
        found = select(Member.id, Member.sort_name).where(Member.id.in_(step))
        rows = [{**of_group, "member_id": number, "sort_name": name} for number, name in db.session.execute(found)]
        if rows:
            db.session.execute(insert(GroupMember), rows)


def _put_projects(group: AccessGroup, numbers: Collection[int]) -> None:
    of_group = {"organization_id": group.organization_id, "team_id": group.team_id, "group_id": group.id}
    for step in _steps(numbers):
        found = select(TeamProject.project_id, TeamProject.sort_name).where(
            TeamProject.team_id == group.team_id, TeamProject.project_id.in_(step)
        )
        rows = [{**of_group, "project_id": number, "sort_name": name} for number, name in db.session.execute(found)]
        if rows:
            db.session.execute(insert(GroupProject), rows)


def _take(table: Any, key: Any, group: AccessGroup, numbers: Collection[int]) -> None:
    for step in _steps(numbers):
        db.session.execute(delete(table).where(table.group_id == group.id, key.in_(step)))


def _steps(numbers: Collection[int]) -> Iterator[list[int]]:
    """Yield ids in pieces that fit into one statement: a source may fill a group with a whole organization."""
    rest = sorted(numbers)
    for start in range(0, len(rest), ROWS_A_STEP):
        yield rest[start : start + ROWS_A_STEP]
