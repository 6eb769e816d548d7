"""Teams, projects and access groups of made-up organizations, given out at random, and the same each time."""

from collections.abc import Sequence
from random import Random
from typing import Any, cast

from sqlalchemy import Table, insert, select

from webapp.access.actor import Actor
from webapp.db import Model, db
from webapp.models import (
    AccessGroup,
    GroupMember,
    GroupProject,
    Organization,
    Project,
    Role,
    Team,
    TeamMember,
    TeamProject,
)
from webapp.services import audit
from webapp.services.access_groups import Contents, described
from webapp.services.audit import Change, Event, Target
from webapp.services.memberships import Terms
from webapp.services.slugs import PROJECT, TEAM, Kind, slugify
from webapp.services.words import sort_key

TEAM_NAMES = (
    "Admissions Archive Bakery Buildings Cardiology Catering Chemistry Choir Crafts Design Events Finance Garden "
    "Harbour Harvest Kitchen Laboratory Languages Legal Library Logistics Mathematics Museum Music Nursery Nursing "
    "Pharmacy Press Procurement Radiology Reception Repairs Research Rowing Sailing Security Stage Studio Surgery "
    "Training Transport Treasury Volunteers Welcome Workshop"
)
PROJECT_NAMES = (
    "Accounts Agenda Atlas Billing Bookings Budget Calendar Catalogue Chat Contracts Courses Dashboard Deliveries "
    "Directory Diary Drawings Forms Forum Handbook Helpdesk Inventory Invoices Journal Keys Ledger Letters "
    "Map Menu Minutes Newsletter Notes Orders Payroll Photographs Planner Prices Records Register Reports Rota "
    "Samples Schedule Shop Signage Stock Surveys Tickets Timetable Visitors Website Wiki"
)
LEVELS = {Role.MEMBER: "Readers", Role.ADMIN: "Writers", Role.MANAGER: "Keepers"}

# Out of a hundred: members who do not reach every project, members in a group, projects that two teams share.
RESTRICTED, IN_A_GROUP, SHARED = 30, 25, 10
MOST_TEAMS, MOST_PROJECTS_OF_A_GROUP = 3, 5


def add_teams(organization: Organization, numbers: range) -> None:
    """Make teams, as many as there are numbers."""
    rows = [_row(TEAM, organization, TEAM_NAMES, number) for number in numbers]
    for_each = zip(inserted(Team, rows), rows, strict=True)
    made = [Change(Target("team", team, row["name"]), after=_named(row)) for team, row in for_each]
    audit.record_all(Actor.system(), Event.TEAM_CREATED, made, organization=organization)


def add_projects(organization: Organization, numbers: range) -> None:
    """Make projects, each of a team or two."""
    teams, rows = teams_of(organization), [_row(PROJECT, organization, PROJECT_NAMES, number) for number in numbers]
    owners = [_owners(number, teams) for number in numbers]
    projects = inserted(Project, rows)
    held = [
        {"team_id": team, "project_id": project, **_keys(organization, row)}
        for project, row, of_project in zip(projects, rows, owners, strict=True)
        for team in of_project
    ]
    insert_all(TeamProject, held)
    made = [
        Change(Target("project", project, row["name"]), after={**_named(row), "teams": of_project})
        for project, row, of_project in zip(projects, rows, owners, strict=True)
    ]
    audit.record_all(Actor.system(), Event.PROJECT_CREATED, made, organization=organization)


def add_groups(organization: Organization, numbers: range) -> None:
    """Make access groups, each in a team that owns projects, with some of these, at any level below an owner's."""
    owning = db.session.scalars(
        select(TeamProject.team_id).where(TeamProject.organization_id == organization.id).distinct()
    )
    teams = sorted(owning)
    chances = [_chance("group", number) for number in numbers]
    rows = [_group(organization, number, chance, teams) for number, chance in zip(numbers, chances, strict=True)]
    owned = _owned_by({row["team_id"] for row in rows})
    held, made = list[dict[str, Any]](), list[Change]()
    for group, row, chance in zip(inserted(AccessGroup, rows), rows, chances, strict=True):
        of_team = owned[row["team_id"]]
        chosen = chance.sample(of_team, chance.randint(1, min(MOST_PROJECTS_OF_A_GROUP, len(of_team))))
        held += [{"group_id": group, **one} for one in chosen]
        contents = Contents(row["name"], row["level"], frozenset(one["project_id"] for one in chosen), frozenset())
        after = described(row["team_id"], contents)
        made.append(Change(Target("group", group, row["name"]), after=after))
    insert_all(GroupProject, held)
    audit.record_all(Actor.system(), Event.GROUP_CREATED, made, organization=organization)


def terms_for(number: int, teams: Sequence[int], groups: Sequence[int]) -> Terms:
    """Return as what a made-up person is a member; where there are teams, some reach only what theirs give."""
    chance = _chance("member", number)
    is_restricted = bool(teams) and chance.randrange(100) < RESTRICTED
    several = chance.randint(1, MOST_TEAMS) if is_restricted else chance.randint(0, 1)
    in_group = bool(groups) and chance.randrange(100) < IN_A_GROUP
    chosen = sorted(chance.sample(teams, min(several, len(teams))))
    return Terms(Role.MEMBER, not is_restricted, chosen, [chance.choice(groups)] if in_group else [])


def put_in(
    organization: Organization, members: Sequence[int], rows: Sequence[dict[str, Any]], terms: Sequence[Terms]
) -> None:
    """Put members, whose rows were inserted so, into the teams and access groups of their terms."""
    for_each = [(member, row, one) for member, row, one in zip(members, rows, terms, strict=True)]
    in_teams = [
        {"team_id": team, "member_id": member, **_keys(organization, row)}
        for member, row, one in for_each
        for team in one.teams
    ]
    in_groups = [
        {"group_id": group, "member_id": member, **_keys(organization, row)}
        for member, row, one in for_each
        for group in one.groups
    ]
    insert_all(TeamMember, in_teams)
    insert_all(GroupMember, in_groups)


def teams_of(organization: Organization) -> Sequence[int]:
    """Return the ids of the teams, in order."""
    return db.session.scalars(select(Team.id).where(Team.organization_id == organization.id).order_by(Team.id)).all()


def groups_of(organization: Organization) -> Sequence[int]:
    """Return the ids of the access groups, in order."""
    here = AccessGroup.organization_id == organization.id
    return db.session.scalars(select(AccessGroup.id).where(here).order_by(AccessGroup.id)).all()


def inserted(model: type[Model], rows: Sequence[dict[str, Any]]) -> Sequence[int]:
    """Insert rows and return their ids, in order."""
    table = cast(Table, model.__table__)
    return db.session.scalars(insert(table).returning(table.c.id, sort_by_parameter_order=True), rows).all()


def insert_all(model: type[Model], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, if there are any. As rows of a table, not of a model: that saves a quarter of the time."""
    if rows:
        db.session.execute(insert(cast(Table, model.__table__)), rows)


def _chance(kind: str, number: int) -> Random:
    """Return the dice of one thing: the same each time, however many are made at once."""
    return Random(f"{kind} {number}")  # noqa: S311  (made-up people, no secret)


def _row(kind: Kind, organization: Organization, names: str, number: int) -> dict[str, Any]:
    """Return the row of something with a name and a slug that no other number of these names has."""
    words = names.split()
    name = words[number % len(words)] + (f" {number // len(words) + 1}" if number >= len(words) else "")
    slug = slugify(kind, name)
    return {"organization_id": organization.id, "name": name, "slug": slug, "sort_name": sort_key(name)}


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {"name": row["name"], "slug": row["slug"]}


def _keys(organization: Organization, row: dict[str, Any]) -> dict[str, Any]:
    return {"organization_id": organization.id, "sort_name": row["sort_name"]}


def _owners(number: int, teams: Sequence[int]) -> list[int]:
    chance = _chance("project", number)
    several = 2 if chance.randrange(100) < SHARED else 1
    return sorted(chance.sample(teams, min(several, len(teams))))


def _group(organization: Organization, number: int, chance: Random, teams: Sequence[int]) -> dict[str, Any]:
    level = chance.choice(list(LEVELS))
    name = f"{LEVELS[level]} {number + 1}"
    of_team = {"organization_id": organization.id, "team_id": chance.choice(teams)}
    return {**of_team, "name": name, "name_key": sort_key(name), "level": level}


def _owned_by(teams: set[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the projects of teams, by team, as the rows of a group hold them."""
    shown = (TeamProject.team_id, TeamProject.project_id, TeamProject.organization_id, TeamProject.sort_name)
    found = select(*shown).where(TeamProject.team_id.in_(teams)).order_by(TeamProject.project_id)
    owned: dict[int, list[dict[str, Any]]] = {}
    for row in db.session.execute(found).mappings():
        owned.setdefault(row["team_id"], []).append(dict(row))
    return owned
