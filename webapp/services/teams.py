"""Teams: making, renaming and removing them, and who is in them. The caller holds the organization's lock."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, exists, insert, select

from webapp.access.actor import Actor
from webapp.access.decide import require, require_role_within
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import LastTeam, NameTaken, NotFound
from webapp.models import AccessGroup, Member, Organization, Team, TeamMember, TeamProject
from webapp.services import access_groups, audit, moves, offers, powers, projects, slugs
from webapp.services.audit import Event, Move, Target
from webapp.services.slugs import TEAM
from webapp.services.words import sort_key

Belonging = tuple[Team, Member]


def create(actor: Actor, organization: Organization, name: str) -> Team:
    """Make a team. Whoever makes it belongs to it, so that they may run it.

    Raises:
        NotFound, Forbidden: the actor may not.
        NameTaken: a team is called so.
    """
    require(actor, Scope.TEAM_CREATE, organization)
    _require_new_name(organization, name)
    slug = slugs.free_slug(TEAM, name, organization)
    team = Team(organization_id=organization.id, name=name, slug=slug, sort_name=sort_key(name))
    db.session.add(team)
    db.session.flush()
    after = {"name": name, "slug": slug}
    audit.record(actor, Event.TEAM_CREATED, target_of(team), organization=organization, after=after)
    if actor.member is not None:
        put_in(actor, organization, team, [actor.member])
    return team


def rename(actor: Actor, organization: Organization, team: Team, name: str) -> bool:
    """Give a team another name; return whether it is another. The address it had leads to the new one.

    Raises:
        NotFound, Forbidden: the actor may not.
        NameTaken: another team is called so.
    """
    require_may_write(actor, organization, team)
    if name == team.name:
        return False
    _require_new_name(organization, name, team.id)
    before, target = _named(team), target_of(team)
    slugs.move(TEAM, team, slugs.free_slug(TEAM, name, organization, team.id))
    team.name, team.sort_name = name, sort_key(name)
    change = {"before": before, "after": _named(team)}
    audit.record(actor, Event.TEAM_CHANGED, target, organization=organization, **change)
    return True


def remove(actor: Actor, organization: Organization, team: Team) -> None:
    """Remove a team with its access groups. Its projects stay, and its members stay in the organization.

    Invitations that offered any of them say so from now on. A project belongs to one team at least, and other software
    goes by it: so none goes along unsaid, and none stays behind without a team.

    Raises:
        NotFound, Forbidden: the actor may not.
        LastTeam: no other team owns one of its projects.
        RoleTooHigh: the level of one of its groups is above the actor's role.
        AboveYourRole: somebody above the actor may lose what they reach.
    """
    require_may_write(actor, organization, team)
    _require_other_owners(team)
    groups = db.session.scalars(select(AccessGroup).where(AccessGroup.team_id == team.id)).all()
    for group in groups:
        require_role_within(actor, group.level)
    powers.require_no_loss_above(actor, select(TeamMember.member_id).where(TeamMember.team_id == team.id))
    access_groups.require_no_loss_above(actor, groups)
    access_groups.delete_all(actor, organization, groups)
    members = db.session.scalars(select(TeamMember.member_id).where(TeamMember.team_id == team.id)).all()
    owned = db.session.scalars(select(TeamProject.project_id).where(TeamProject.team_id == team.id)).all()
    before = {**_named(team), "members": sorted(members), "projects": sorted(owned)}
    target = target_of(team)
    offers.leave_out_team(team)
    slugs.retire(TEAM, team)
    db.session.delete(team)
    db.session.flush()
    audit.record_all(actor, Event.TEAM_REMOVED, [Move(target, before, went=members)], organization=organization)


def add(actor: Actor, organization: Organization, team: Team, members: Sequence[Member]) -> int:
    """Let members belong to a team; return how many did not yet.

    Raises:
        NotFound: the team or one of them is none of the organization's, or the actor is a stranger to it.
        Forbidden: the actor may not.
        Yourself: they are among them, and would reach more by it.
    """
    require_may_write(actor, organization, team)
    if actor.member in members and powers.lacks(actor, team):
        raise powers.own_gain()
    return put_in(actor, organization, team, members)


def put_in(actor: Actor, organization: Organization, team: Team, members: Sequence[Member]) -> int:
    """Let members belong to a team; the caller has decided that they shall. Return how many did not yet.

    Raises:
        NotFound: one of them is none of the organization's.
    """
    if any(member.organization_id != organization.id for member in members):
        raise NotFound
    wanted = [member.id for member in members]
    theirs = select(TeamMember.member_id).where(TeamMember.team_id == team.id, TeamMember.member_id.in_(wanted))
    there = set(db.session.scalars(theirs))
    new = [(team, member) for member in members if member.id not in there]
    join(actor, organization, new)
    return len(new)


def join(actor: Actor, organization: Organization, new: Sequence[Belonging]) -> None:
    """Let members belong to teams they do not belong to yet; the caller has decided that they shall."""
    if not new:
        return
    rows = [
        {"organization_id": organization.id, "team_id": team.id, "member_id": member.id, "sort_name": member.sort_name}
        for team, member in new
    ]
    db.session.execute(insert(TeamMember), rows)
    moves.record_all(
        actor, Event.TEAM_MEMBER_ADDED, organization, [(target_of(team), member) for team, member in new], came=True
    )


def leave(actor: Actor, organization: Organization, gone: Sequence[Belonging]) -> None:
    """Let members belong no longer to teams they belong to; the caller has decided that they shall not."""
    if not gone:
        return
    rows = [{"of_team": team.id, "of_member": member.id} for team, member in gone]
    db.session.execute(_LEAVE, rows)
    moves.record_all(
        actor, Event.TEAM_MEMBER_REMOVED, organization, [(target_of(team), member) for team, member in gone], came=False
    )


def take_out(actor: Actor, organization: Organization, team: Team, members: Sequence[Member]) -> int:
    """Let members belong to a team no longer; return how many did. They stay in its access groups.

    Raises:
        NotFound, Forbidden: the actor may not.
        AboveYourRole: one of them is above the actor, and may lose what they reach.
    """
    require_may_write(actor, organization, team)
    wanted = [member.id for member in members]
    theirs = select(TeamMember.member_id).where(TeamMember.team_id == team.id, TeamMember.member_id.in_(wanted))
    powers.require_no_loss_above(actor, theirs)
    there = set(db.session.scalars(theirs))
    gone = [(team, member) for member in members if member.id in there]
    leave(actor, organization, gone)
    return len(gone)


def require_may_write(actor: Actor, organization: Organization, team: Team) -> None:
    """Go on only if the actor may change a team of the organization.

    Raises:
        NotFound: the team is none of the organization's, or the actor is a stranger to it.
        Forbidden: a member without the right.
    """
    if team.organization_id != organization.id:
        raise NotFound
    require(actor, Scope.TEAM_WRITE, team)


def target_of(team: Team) -> Target:
    """Return a team as the audit log names it."""
    return Target("team", team.id, team.name)


def _require_other_owners(team: Team) -> None:
    alone = projects.owned_alone_by(team)
    if alone:
        names = [project.name for project in alone[: projects.MOST_NAMED]]
        raise LastTeam(projects=", ".join([*names, "…"] if len(alone) > len(names) else names))


def _require_new_name(organization: Organization, name: str, own_id: int | None = None) -> None:
    called_so = (Team.organization_id == organization.id, Team.sort_name == sort_key(name))
    if db.session.scalar(select(exists().where(*called_so, Team.id.is_distinct_from(own_id)))):
        raise NameTaken(name=name)


def _named(team: Team) -> dict[str, Any]:
    return {"name": team.name, "slug": team.slug}


_TEAM_MEMBER = cast(Table, TeamMember.__table__)
_LEAVE = delete(_TEAM_MEMBER).where(
    _TEAM_MEMBER.c.team_id == bindparam("of_team"), _TEAM_MEMBER.c.member_id == bindparam("of_member")
)
