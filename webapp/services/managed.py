"""Managed access groups: plug-ins say who is in them, and people only read them.

A source makes, fills and empties only groups of its own. A group that nobody is in any more stays, empty, since
removals that can be undone and open invitations may refer to it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import select

from webapp.access import plugins
from webapp.access.actor import Actor
from webapp.access.facts import MemberFacts, active_ids, facts_of
from webapp.access.plugins import ManagedGroup
from webapp.db import db
from webapp.models import AccessGroup, GroupMember, Member, Organization, Team, TeamProject
from webapp.services import access_groups, group_members, organizations, slugs
from webapp.services.access_groups import Contents, contents_of
from webapp.services.slugs import PROJECT, TEAM
from webapp.services.words import sort_key

# What plug-ins said about members, by the id of the member.
Said = Mapping[int, Sequence[ManagedGroup]]


class Trouble(StrEnum):
    """Why something that was said is not so."""

    NO_TEAM = "no_team"
    NO_PROJECT = "no_project"
    NAME_TAKEN = "name_taken"
    DISAGREEMENT = "disagreement"


@dataclass(frozen=True)
class Problem:
    """What of a managed group was left out; `project` is the slug where it is about one."""

    trouble: Trouble
    source: str
    team: str
    group: str
    project: str | None = None


@dataclass(frozen=True)
class Answer:
    """What plug-ins said about a member, and what they were told of them."""

    told: MemberFacts
    groups: Sequence[ManagedGroup]


@dataclass(frozen=True)
class Synced:
    """How many access groups were made or changed, and what was left out."""

    changed: int
    problems: tuple[Problem, ...]


def ask(members: Iterable[MemberFacts]) -> dict[int, Sequence[ManagedGroup]]:
    """Ask plug-ins about active members. They may take their time, so no transaction is open meanwhile.

    Raises:
        PluginFailed: one did, so nothing that was said counts.
    """
    said = ((member.member_id, plugins.managed_groups(member)) for member in members)
    return {number: groups for number, groups in said if groups}


def asks() -> bool:
    """Tell whether there are plug-ins to ask."""
    return bool(plugins.sources())


def ask_early(member: MemberFacts) -> Answer:
    """Ask plug-ins about somebody who is about to sign in, while no transaction is open and nobody waits for them.

    Raises:
        PluginFailed: one did.
    """
    return Answer(member, plugins.managed_groups(member))


def sync(organization_id: int, said: Said) -> Synced:
    """Let the managed groups of an organization, whose lock is taken here, hold exactly those who should be in them.

    Args:
        organization_id: whose.
        said: what `ask` returned about all its members; whoever is not active any more is left out.

    Raises:
        NotFound: there is no such organization.
    """
    run = _Run(organizations.lock(organization_id))
    active = active_ids(organization_id)
    wanted = run.read({number: groups for number, groups in said.items() if number in active})
    for one in wanted:
        run.put(one)
    all_groups = select(AccessGroup).where(AccessGroup.organization_id == organization_id)
    for group in _others(db.session.scalars(all_groups).all(), wanted):
        run.change(group, replace(contents_of(group), members=frozenset()))
    return run.outcome()


def sync_member(organization: Organization, member: Member, early: Answer | None = None) -> Synced:
    """Let a member be in exactly the managed groups they should be in; the caller holds the organization's lock.

    What others in a group reach does not grow by it: where the answer about this member differs from what the group
    is, the lower level and the projects common to both count until the next `sync`.

    Args:
        organization: whose.
        member: of whom.
        early: what `ask_early` returned; plug-ins are asked again if something else is true of the member by now.

    Raises:
        PluginFailed: a plug-in did, and nothing was changed.
    """
    run = _Run(organization)
    if not plugins.sources():
        return run.outcome()
    said = _said_of(member, early) if member.is_active else ()
    wanted = run.read({member.id: said})
    for one in wanted:
        run.join(one, member)
    theirs = select(AccessGroup).join(GroupMember, GroupMember.group_id == AccessGroup.id)
    for group in _others(db.session.scalars(theirs.where(GroupMember.member_id == member.id)).all(), wanted):
        run.leave(group, member)
    return run.outcome()


def _said_of(member: Member, early: Answer | None) -> Sequence[ManagedGroup]:
    told = facts_of(member.id)
    return early.groups if early is not None and early.told == told else plugins.managed_groups(told)


@dataclass(frozen=True)
class _Wanted:
    """A group as a source wants it."""

    team: Team
    source: str
    contents: Contents

    @property
    def key(self) -> tuple[int, str, str]:
        return self.team.id, self.source, sort_key(self.contents.name)


def _others(groups: Iterable[AccessGroup], wanted: Collection[_Wanted]) -> list[AccessGroup]:
    """Return the groups that belong to plug-ins at hand and that none of them wants."""
    keys = {one.key for one in wanted}
    own = (group for group in groups if group.source and plugins.is_installed(group.source))
    return [group for group in own if (group.team_id, group.source, group.name_key) not in keys]


class _Run:
    """One synchronization: reads what was said, changes groups, and keeps what came of it."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._teams: dict[str, Team | None] = {}
        self._problems: dict[Problem, None] = {}
        self._changed = 0

    def outcome(self) -> Synced:
        """Return what came of it."""
        return Synced(self._changed, tuple(self._problems))

    def read(self, said: Said) -> list[_Wanted]:
        """Return the groups that were named, each once, with everybody who should be in it."""
        named: dict[tuple[Team, str, str], list[tuple[int, ManagedGroup]]] = defaultdict(list)
        for number in sorted(said):
            for group in said[number]:
                if team := self._team(group):
                    named[team, group.source, sort_key(group.name)].append((number, group))
        return [self._wanted(key[0], wishes) for key, wishes in named.items()]

    def put(self, wanted: _Wanted) -> None:
        """Let a group be as wanted; one of the name that is not this source's stays as it is."""
        group = access_groups.named(wanted.team, wanted.contents.name)
        if group is None:
            access_groups.make(Actor.system(), self._organization, wanted.team, wanted.contents, wanted.source)
            self._changed += 1
        elif group.source == wanted.source:
            self.change(group, wanted.contents)
        else:
            self._note(Trouble.NAME_TAKEN, wanted.source, wanted.team.slug, wanted.contents.name)

    def join(self, wanted: _Wanted, member: Member) -> None:
        """Let a member be in a group beside those who are."""
        group = access_groups.named(wanted.team, wanted.contents.name)
        if group is None or group.source != wanted.source:
            self.put(wanted)
            return
        is_another = access_groups.reshape(Actor.system(), self._organization, group, _shared(group, wanted, member))
        if not (is_in := group_members.is_in(group, member)):
            group_members.put_in(Actor.system(), self._organization, [(group, member)])
        self._changed += is_another or not is_in

    def leave(self, group: AccessGroup, member: Member) -> None:
        """Let a member leave a group that they are in."""
        group_members.take_out(Actor.system(), self._organization, [(group, member)])
        self._changed += 1

    def change(self, group: AccessGroup, wanted: Contents) -> None:
        """Let a group be as wanted."""
        self._changed += access_groups.fill(Actor.system(), self._organization, group, wanted)

    def _wanted(self, team: Team, wishes: Sequence[tuple[int, ManagedGroup]]) -> _Wanted:
        """Return a group as all that was said about it together wants it: nobody reaches more than was said of them."""
        first = wishes[0][1]
        said = dict.fromkeys(group for _number, group in wishes)
        projects = [self._projects(team, group) for group in said]
        level = min(group.level for group in said)
        if any(group.level is not level for group in said) or len(set(projects)) > 1:
            self._note(Trouble.DISAGREEMENT, first.source, team.slug, first.name)
        members = frozenset(number for number, _group in wishes)
        return _Wanted(team, first.source, Contents(first.name, level, frozenset.intersection(*projects), members))

    def _team(self, group: ManagedGroup) -> Team | None:
        if group.team not in self._teams:
            self._teams[group.team] = slugs.find(TEAM, self._organization, group.team)
        if self._teams[group.team] is None:
            self._note(Trouble.NO_TEAM, group.source, group.team, group.name)
        return self._teams[group.team]

    def _projects(self, team: Team, group: ManagedGroup) -> frozenset[int]:
        owned = frozenset(db.session.scalars(select(TeamProject.project_id).where(TeamProject.team_id == team.id)))
        if group.projects is None:
            return owned
        found = {slug: slugs.find(PROJECT, self._organization, slug) for slug in group.projects}
        known = {slug: project.id for slug, project in found.items() if project and project.id in owned}
        for slug in (slug for slug in found if slug not in known):
            self._note(Trouble.NO_PROJECT, group.source, team.slug, group.name, slug)
        return frozenset(known.values())

    def _note(self, trouble: Trouble, source: str, team: str, name: str, project: str | None = None) -> None:
        self._problems[Problem(trouble, source, team, name, project)] = None


def _shared(group: AccessGroup, wanted: _Wanted, member: Member) -> Contents:
    """Return what a group is to give with a member in it: no more to the others than they have and than is wanted."""
    asked = wanted.contents
    if not group_members.is_anybody_else_in(group, member):
        return asked
    common = access_groups.projects_of(group) & asked.projects
    return Contents(group.name, min(group.level, asked.level), common, asked.members)
