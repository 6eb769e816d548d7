"""Giving: what somebody may let others reach beside a role, asked when they offer it and again when it is taken up."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, cast, null, select, union_all

from webapp.access import grants
from webapp.access.actor import Actor
from webapp.access.decide import is_role_within, may_give_global_access, teams_with
from webapp.access.roles import Scope
from webapp.db import Id, db
from webapp.errors import N_, NotOfOrganization, NotYoursToGive, TooManyGiven
from webapp.models import AccessGroup, Invitation, InvitationGroup, InvitationTeam, Organization, Team
from webapp.services.memberships import Terms

GLOBAL_ACCESS = N_("Global access")
MOST_GIVEN = 50


@dataclass(frozen=True)
class Refused:
    """What of some terms somebody may not give."""

    global_access: bool
    teams: Sequence[Team]
    groups: Sequence[AccessGroup]

    @property
    def names(self) -> list[str]:
        """What it is called: global access, then teams and access groups by name."""
        of_things = [*(team.name for team in self.teams), *(group.name for group in self.groups)]
        return [GLOBAL_ACCESS, *of_things] if self.global_access else of_things

    def taken_from(self, terms: Terms) -> Terms:
        """Return what is left of the terms."""
        teams, groups = {team.id for team in self.teams}, {group.id for group in self.groups}
        return replace(
            terms,
            has_global_access=terms.has_global_access and not self.global_access,
            teams=[number for number in terms.teams if number not in teams],
            groups=[number for number in terms.groups if number not in groups],
        )


def refused_to(actor: Actor, organization: Organization, terms: Terms) -> Refused:
    """Return what of some terms the actor may not give; what is not there is no matter here."""
    teams, groups = _among(Team, organization, terms.teams), _among(AccessGroup, organization, terms.groups)
    return _refused(actor, [terms], _Things(teams, groups, _teams_of(organization, groups)))[0]


def refused_of_offers(actor: Actor, offers: Sequence[Invitation]) -> list[Refused]:
    """Return what of several invitations the actor may not give, in order, in one statement."""
    asked = {"invitations": [offer.id for offer in offers], "member_id": actor.member.id if actor.member else None}
    rows = db.session.execute(_OFFERED, asked).all() if offers else []
    of_teams = [(number, team) for number, team, group, _is_own in rows if group is None]
    of_groups = [(number, group, team) for number, team, group, _is_own in rows if group is not None]
    teams, groups = defaultdict[int, list[int]](list), defaultdict[int, list[int]](list)
    for number, team in of_teams:
        teams[number].append(team.id)
    for number, group, _team in of_groups:
        groups[number].append(group.id)
    things = _Things(
        list(dict.fromkeys(team for _number, team in of_teams)),
        list(dict.fromkeys(group for _number, group, _team in of_groups)),
        list(dict.fromkeys(team for _number, _group, team in of_groups)),
        {team.id for _number, team, _group, is_own in rows if is_own},
    )
    each = [Terms(one.role, one.has_global_access, teams[one.id], groups[one.id]) for one in offers]
    return _refused(actor, each, things)


def require_may_give(actor: Actor, organization: Organization, terms: Terms) -> None:
    """Go on only if all that some terms name is there, and the actor may give it.

    Raises:
        TooManyGiven: they are more than anybody is given at once.
        NotOfOrganization: a team or an access group is none of the organization's, or is gone.
        NotYoursToGive: they may not give one of them, or not global access, which they lack themselves.
    """
    if len(terms.teams) + len(terms.groups) > MOST_GIVEN:
        raise TooManyGiven(most=MOST_GIVEN)
    teams, groups = _among(Team, organization, terms.teams), _among(AccessGroup, organization, terms.groups)
    if len(teams) != len(set(terms.teams)):
        raise NotOfOrganization
    if len(groups) != len(set(terms.groups)):
        raise NotOfOrganization(N_("An access group you chose is not there any more. Choose again."), field="groups")
    [refused] = _refused(actor, [terms], _Things(teams, groups, _teams_of(organization, groups)))
    if refused.global_access:
        raise NotYoursToGive(
            N_("You do not have global access yourself, so you cannot give it."), field="has_global_access"
        )
    for field, things in (("teams", refused.teams), ("groups", refused.groups)):
        if things:
            raise NotYoursToGive(field=field, name=things[0].name)


def groups_given_by(
    actor: Actor, groups: Sequence[AccessGroup], teams: Sequence[Team], own: Collection[int] | None = None
) -> list[AccessGroup]:
    """Return those of some access groups, which are of these teams, into which the actor may put people.

    Args:
        actor: who.
        groups: which.
        teams: theirs.
        own: the ids of the teams that the actor belongs to, where those were read together with them.
    """
    writable = {team.id for team in teams_with(actor, Scope.GROUP_WRITE, teams, own)}
    free = [group for group in groups if group.team_id in writable and not group.is_managed]
    return [group for group in free if is_role_within(actor, group.level)]


@dataclass(frozen=True)
class _Things:
    """What terms name, and the teams of those access groups; `own` are the ids of those the actor is in, if known."""

    teams: Sequence[Team]
    groups: Sequence[AccessGroup]
    of_groups: Sequence[Team]
    own: Collection[int] | None = None


def _teams_of(organization: Organization, groups: Sequence[AccessGroup]) -> Sequence[Team]:
    return _among(Team, organization, {group.team_id for group in groups})


def _refused(actor: Actor, each: Sequence[Terms], things: _Things) -> list[Refused]:
    given = {group.id for group in groups_given_by(actor, things.groups, things.of_groups, things.own)}
    writable = {team.id for team in teams_with(actor, Scope.TEAM_WRITE, things.teams, things.own)}
    no_teams = {team.id: team for team in things.teams if team.id not in writable}
    no_groups = {group.id: group for group in things.groups if group.id not in given}
    return [
        Refused(
            terms.has_global_access and not may_give_global_access(actor),
            [no_teams[number] for number in terms.teams if number in no_teams],
            [no_groups[number] for number in terms.groups if number in no_groups],
        )
        for terms in each
    ]


def _among(model: Any, organization: Organization, numbers: Collection[int]) -> Sequence[Any]:
    if not numbers:
        return []
    found = select(model).where(model.organization_id == organization.id, model.id.in_(numbers))
    return db.session.scalars(found.order_by(model.id)).all()


_IN_OFFERS: Any = bindparam("invitations", expanding=True)
_OFFERS = union_all(
    select(InvitationTeam.invitation_id, InvitationTeam.team_id, cast(null(), Id).label("group_id")).where(
        InvitationTeam.invitation_id.in_(_IN_OFFERS)
    ),
    select(InvitationGroup.invitation_id, AccessGroup.team_id, AccessGroup.id)
    .join(AccessGroup, AccessGroup.id == InvitationGroup.group_id)
    .where(InvitationGroup.invitation_id.in_(_IN_OFFERS)),
).subquery()
_OFFERED = (
    select(_OFFERS.c.invitation_id, Team, AccessGroup, grants.is_shared(Team, Team.id))
    .join(Team, Team.id == _OFFERS.c.team_id)
    .outerjoin(AccessGroup, AccessGroup.id == _OFFERS.c.group_id)
    .order_by(_OFFERS.c.invitation_id, Team.id, AccessGroup.id)
)
