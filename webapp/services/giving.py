"""Giving: what somebody may let others reach beside a role, asked when they offer it and again when it is taken up."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from webapp.access.actor import Actor
from webapp.access.decide import is_role_within, may_give_every_project, teams_with
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import N_, NotOfOrganization, NotYoursToGive, TooManyGiven
from webapp.models import AccessGroup, Organization, Team
from webapp.services.memberships import Terms

EVERY_PROJECT = N_("Every project")
MOST_GIVEN = 50


@dataclass(frozen=True)
class Refused:
    """What of some terms somebody may not give."""

    every_project: bool
    teams: Sequence[Team]
    groups: Sequence[AccessGroup]

    @property
    def names(self) -> list[str]:
        """What it is called; EVERY_PROJECT stands for global access."""
        of_things = [*(team.name for team in self.teams), *(group.name for group in self.groups)]
        return [EVERY_PROJECT, *of_things] if self.every_project else of_things

    def taken_from(self, terms: Terms) -> Terms:
        """Return what is left of the terms."""
        teams, groups = {team.id for team in self.teams}, {group.id for group in self.groups}
        return replace(
            terms,
            has_global_access=terms.has_global_access and not self.every_project,
            teams=[number for number in terms.teams if number not in teams],
            groups=[number for number in terms.groups if number not in groups],
        )


def refused_to(actor: Actor, organization: Organization, terms: Terms) -> Refused:
    """Return what of some terms the actor may not give; what is not there is no matter here."""
    return refused_of_each(actor, organization, [terms])[0]


def refused_of_each(actor: Actor, organization: Organization, each: Sequence[Terms]) -> list[Refused]:
    """Return the same of several terms, in order, in as many statements as one takes."""
    teams = _among(Team, organization, {number for terms in each for number in terms.teams})
    groups = _among(AccessGroup, organization, {number for terms in each for number in terms.groups})
    return _refused(actor, organization, each, teams, groups)


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
    [refused] = _refused(actor, organization, [terms], teams, groups)
    if refused.every_project:
        raise NotYoursToGive(
            N_("You do not reach every project yourself, so you cannot give that."), field="has_global_access"
        )
    for field, things in (("teams", refused.teams), ("groups", refused.groups)):
        if things:
            raise NotYoursToGive(field=field, name=things[0].name)


def groups_given_by(actor: Actor, groups: Sequence[AccessGroup], teams: Sequence[Team]) -> list[AccessGroup]:
    """Return those of some access groups, which are of these teams, into which the actor may put people."""
    writable = {team.id for team in teams_with(actor, Scope.GROUP_WRITE, teams)}
    free = [group for group in groups if group.team_id in writable and not group.is_managed]
    return [group for group in free if is_role_within(actor, group.level)]


def _refused(
    actor: Actor,
    organization: Organization,
    each: Sequence[Terms],
    teams: Sequence[Team],
    groups: Sequence[AccessGroup],
) -> list[Refused]:
    of_groups = _among(Team, organization, {group.team_id for group in groups})
    given = {group.id for group in groups_given_by(actor, groups, of_groups)}
    writable = {team.id for team in teams_with(actor, Scope.TEAM_WRITE, teams)}
    no_teams = {team.id: team for team in teams if team.id not in writable}
    no_groups = {group.id: group for group in groups if group.id not in given}
    return [
        Refused(
            terms.has_global_access and not may_give_every_project(actor),
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
