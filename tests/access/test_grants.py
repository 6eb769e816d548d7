"""The access rule against a plain model: decisions, lists and explanations agree, on both databases."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.queries.test_words import organization
from webapp import clock
from webapp.access import grants
from webapp.access.roles import LOWEST_LEVEL, Scope
from webapp.db import db
from webapp.models import (
    AccessGroup,
    Enforcement,
    GroupMember,
    GroupProject,
    Identity,
    IdentityProvider,
    Member,
    MemberStatus,
    Organization,
    Project,
    ProviderStatus,
    Role,
    Team,
    TeamMember,
    TeamProject,
    User,
)
from webapp.queries.page import Page
from webapp.queries.reach import WantedPeople, people_of, projects_of

MEMBERS, PROJECTS, TEAMS, GROUPS = range(4), range(3), range(3), range(3)
EVERY_DATABASE = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def some(numbers: range) -> st.SearchStrategy[set[int]]:
    return st.sets(st.sampled_from(numbers))


@st.composite
def plain_organizations(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an organization as plain data: members, projects, teams, groups by number."""
    teams = [{"members": draw(some(MEMBERS)), "projects": draw(some(PROJECTS))} for _ in TEAMS]
    groups = []
    for team in draw(st.lists(st.sampled_from(TEAMS), max_size=len(GROUPS))):
        own = sorted(teams[team]["projects"])
        held = draw(st.sets(st.sampled_from(own))) if own else set()
        groups.append(
            {"team": team, "members": draw(some(MEMBERS)), "projects": held, "level": draw(st.sampled_from(Role))}
        )
    members = st.fixed_dictionaries(
        {
            "role": st.sampled_from(Role),
            "is_global": st.booleans(),
            "is_suspended": st.sampled_from([False, False, True]),
            "ends_in_days": st.sampled_from([None, None, 1, -1]),
            "is_closed": st.sampled_from([False, False, True]),
            "name": st.sampled_from("ab"),
            "identity": st.sampled_from([None, {"days": 0}, {"days": 3}, {"days": 8}, {"days": 0, "is_invalid": True}]),
        }
    )
    connection = st.fixed_dictionaries(
        {
            "status": st.sampled_from([ProviderStatus.ACTIVE, ProviderStatus.ACTIVE, ProviderStatus.DISABLED]),
            "enforcement": st.sampled_from([Enforcement.REQUIRED, Enforcement.REQUIRED, *Enforcement]),
            "required_in_days": st.sampled_from([None, None, -1, 1]),
            "verification_days": st.sampled_from([2, 7]),
        }
    )
    return {
        "members": [draw(members) for _ in MEMBERS],
        "projects": [{"is_archived": draw(st.booleans()), "name": draw(st.sampled_from("ab"))} for _ in PROJECTS],
        "teams": teams,
        "groups": groups,
        "connection": draw(st.none() | connection),
    }


def is_barred(connection: dict[str, Any] | None, identity: dict[str, Any] | None) -> bool:
    """Tell whether single sign-on is required by now, and the provider does not vouch for somebody as it should."""
    if connection is None or connection["status"] is not ProviderStatus.ACTIVE:
        return False
    if connection["enforcement"] is not Enforcement.REQUIRED or (connection["required_in_days"] or 0) > 0:
        return False
    return identity is None or "is_invalid" in identity or identity["days"] > connection["verification_days"]


def model(plain: dict[str, Any], m: int, p: int) -> tuple[list[tuple[str, int, Role]], set[str]]:
    """Return every grant by which a member reaches a project, and what blocks: the rule, as domain words say it."""
    member = plain["members"][m]
    paths = [("global", 0, member["role"])] if member["is_global"] else []
    for kind, containers in (("team", plain["teams"]), ("group", plain["groups"])):
        for number, held in enumerate(containers):
            if m in held["members"] and p in held["projects"]:
                paths.append((kind, number, held.get("level", member["role"])))
    facts = {
        "suspended": member["is_suspended"],
        "ended": (member["ends_in_days"] or 0) < 0,
        "account_closed": member["is_closed"],
        "sso_required": is_barred(plain["connection"], member["identity"]),
        "archived": plain["projects"][p]["is_archived"],
    }
    return paths, {kind for kind, is_so in facts.items() if is_so}


def stored(organization: Organization, plain: dict[str, Any]) -> tuple[list[Member], list[Project], dict[Any, int]]:
    """Store a plain organization; return its members, its projects, and the number of each container's id."""
    of = {"organization_id": organization.id}
    users = [User(name=m["name"], is_active=not m["is_closed"]) for m in plain["members"]]
    teams = [Team(**of, name=str(n), slug=str(n), sort_name=str(n)) for n in TEAMS]
    projects = [Project(**of, slug=str(n), **_of_project(p)) for n, p in enumerate(plain["projects"])]
    db.session.add_all([*users, *teams, *projects])
    db.session.flush()
    members = [Member(**of, user_id=u.id, **_of_member(m)) for u, m in zip(users, plain["members"], strict=True)]
    groups = [
        AccessGroup(**of, team_id=teams[g["team"]].id, name=str(n), name_key=str(n), level=g["level"])
        for n, g in enumerate(plain["groups"])
    ]
    db.session.add_all([*members, *groups])
    db.session.flush()
    for team, t in zip(teams, plain["teams"], strict=True):
        db.session.add_all(TeamMember(**of, team_id=team.id, **_key("member", members[m])) for m in t["members"])
        db.session.add_all(TeamProject(**of, team_id=team.id, **_key("project", projects[p])) for p in t["projects"])
    db.session.flush()
    for group, g in zip(groups, plain["groups"], strict=True):
        of_group = {**of, "group_id": group.id}
        db.session.add_all(GroupMember(**of_group, **_key("member", members[m])) for m in g["members"])
        db.session.add_all(
            GroupProject(**of_group, team_id=group.team_id, **_key("project", projects[p])) for p in g["projects"]
        )
    db.session.flush()
    if plain["connection"]:
        _store_connection(organization, plain, users)
    numbers = {("team", team.id): n for n, team in enumerate(teams)}
    numbers |= {("group", group.id): n for n, group in enumerate(groups)} | {("global", organization.id): 0}
    return members, projects, numbers


def _store_connection(organization: Organization, plain: dict[str, Any], users: list[User]) -> None:
    now, said = clock.now(), {**plain["connection"]}
    days = said.pop("required_in_days")
    provider = IdentityProvider(organization_id=organization.id, kind="oidc", issuer="", client_id="", options={})
    for name, value in {**said, "required_from": days and now + timedelta(days=days)}.items():
        setattr(provider, name, value)
    db.session.add(provider)
    db.session.flush()
    for user, member in zip(users, plain["members"], strict=True):
        identity = member["identity"]
        if identity is not None:
            made = Identity(organization_id=organization.id, provider_id=provider.id, user_id=user.id)
            made.subject, made.claims = f"user {user.id}", {}
            made.last_verified_at = now - timedelta(days=identity["days"])
            made.invalid_since = now if "is_invalid" in identity else None
            db.session.add(made)
    db.session.flush()


def _of_project(plain: dict[str, Any]) -> dict[str, Any]:
    archived_at = clock.now() if plain["is_archived"] else None
    return {"name": plain["name"], "sort_name": plain["name"], "archived_at": archived_at}


def _of_member(plain: dict[str, Any]) -> dict[str, Any]:
    status = MemberStatus.SUSPENDED if plain["is_suspended"] else MemberStatus.ACTIVE
    of = {"role": plain["role"], "has_global_access": plain["is_global"], "sort_name": plain["name"]}
    days = plain["ends_in_days"]
    return {**of, "status": status, "expires_at": days and clock.now() + timedelta(days=days)}


def _key(name: str, of: Member | Project) -> dict[str, Any]:
    return {f"{name}_id": of.id, "sort_name": of.sort_name}


def every(read: Callable[..., Page[Any]]) -> list[Any]:
    """Follow a list to its end."""
    page = read(after="")
    found = list(page.rows)
    while page.next:
        page = read(after=page.next)
        assert page.rows
        found += page.rows
    return found


@EVERY_DATABASE
@given(plain=plain_organizations())
def test_all_readings_agree_with_the_model(app: Flask, plain: dict[str, Any]) -> None:
    with organization(app) as acme:
        members, projects, numbers = stored(acme, plain)

        def known(paths: Any) -> list[tuple[str, int, Role]]:
            return sorted((path.kind, numbers[path.kind, path.container_id], path.level) for path in paths)

        for p, project in enumerate(projects):
            seen = {row.id: row for row in every(partial(people_of, project, rows=2))}
            readers = []
            for m, member in enumerate(members):
                paths, blocked = model(plain, m, p)
                for scope, lowest in LOWEST_LEVEL.items():
                    blocking = blocked - ({"archived"} if scope is Scope.PROJECT_READ else set())
                    allowed = not blocking and any(level >= lowest for _, _, level in paths)
                    why = grants.explain(member.user_id, project, scope)
                    assert grants.decide(member.user_id, project, scope) is allowed
                    assert (why.is_allowed, known(why.paths), set(why.blockers)) == (allowed, sorted(paths), blocking)
                    assert why.level == max((level for _, _, level in paths), default=None)
                if paths and not blocked - {"archived"}:
                    readers.append((member.sort_name, member.id))
                    assert known(seen[member.id].paths) == sorted(paths)
            assert list(seen) == [number for _, number in sorted(readers)]
        for m, member in enumerate(members):
            rows = every(partial(projects_of, member, rows=2))
            reached = [(p.sort_name, p.id) for n, p in enumerate(projects) if model(plain, m, n)[0]]
            assert [row.id for row in rows] == [number for _, number in sorted(reached)]
            for row in rows:
                n = [project.id for project in projects].index(row.id)
                assert known(row.paths) == sorted(model(plain, m, n)[0])


@EVERY_DATABASE
@given(plain=plain_organizations(), kind=st.sampled_from(grants.KINDS), level=st.sampled_from(Role))
def test_filters_of_people_leave_out_whom_they_say(app: Flask, plain: dict[str, Any], kind: str, level: Role) -> None:
    with organization(app) as acme:
        members, projects, _numbers = stored(acme, plain)
        for p, project in enumerate(projects):
            paths = {m.id: model(plain, n, p) for n, m in enumerate(members)}
            readers = {m: found for m, (found, blocked) in paths.items() if found and not blocked - {"archived"}}
            of_kind = {m for m, found in readers.items() if any(path[0] == kind for path in found)}
            of_level = {m for m, found in readers.items() if any(path[2] >= level for path in found)}
            assert {row.id for row in people_of(project, WantedPeople(kinds=(kind,))).rows} == of_kind
            assert {row.id for row in people_of(project, WantedPeople(level=level)).rows} == of_level


def test_unknown_user_is_refused(app: Flask) -> None:
    with organization(app) as acme:
        project = Project(organization_id=acme.id, name="Payroll", slug="payroll", sort_name="payroll")
        db.session.add(project)
        db.session.flush()
        assert not grants.decide(10**6, project, Scope.PROJECT_READ)
        assert not grants.explain(10**6, project, Scope.PROJECT_READ).is_allowed
