"""Migrations: they make exactly the schema of the models, and lead down and up again with rows in the tables."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Connection, Integer, MetaData, create_engine, inspect, select, text
from sqlalchemy.pool import NullPool

from tests.support.acme import Acme, organization_of
from tests.support.applications import close
from tests.support.commands import PATIENCE_SECONDS, Copied, variables
from tests.support.sso import entered
from tests.support.teams import furnish, make_project, make_team, memberships, project, remove_team, team
from tests.support.unproven import copied
from tests.support.worlds import World
from webapp import clock, schema
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import (
    AccessGroup,
    AddressToken,
    AuditMention,
    EmailAddress,
    Enforcement,
    FlowPurpose,
    FormerAddress,
    FormerIdentity,
    FormerProjectSlug,
    FormerSlug,
    FormerTeamSlug,
    GroupMember,
    GroupProject,
    Identity,
    IdentityProvider,
    Invitation,
    InvitationGroup,
    InvitationTeam,
    KnownNetwork,
    Member,
    MemberStatus,
    Organization,
    Project,
    ProviderStatus,
    RecoveryCode,
    RemovedMember,
    RetiredSlug,
    Role,
    Session,
    SessionIdentity,
    SessionRecovery,
    ShownCodes,
    SsoDomain,
    SsoErrand,
    SsoFlow,
    SsoMapping,
    SsoMappingMember,
    Team,
    TeamMember,
    TeamProject,
)
from webapp.services import accounts, addresses, projects, sessions, teams
from webapp.services.sso import enforcement
from webapp.services.sso.enforcement import EnforcementPolicy

NOT_OURS = {"alembic_version", "sqlite_sequence"}
REVISIONS = [script.revision for script in ScriptDirectory(str(schema.directory())).walk_revisions()]

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def app(fresh_app: Flask) -> Flask:
    """An application whose engine stays on one database: migrations read its address."""
    return fresh_app


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A connection that knows nothing of the application."""
    with create_engine(database_url, poolclass=NullPool).connect() as opened:
        yield opened


@pytest.fixture
def filled(world: World, acme: Acme) -> Acme:
    """Acme, with rows in every table."""
    invited = copied(acme, world.invite(acme.slug, acme.owner, "mia@example.org"))
    world.write(accounts.request_reset, Actor.system(), addresses.parse(acme.member.email))
    browser = acme.browser(acme.owner)
    page = browser.get(acme.address("members/new")).text
    token = page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
    form = {"emails": "bo@example.org", "role": "member", "lifetime_days": "7", "csrf_token": token}
    assert browser.post(acme.address("members/new"), data=form).status_code == 303
    assert invited.id
    world.write(_fill_the_rest, acme)
    world.write(_fill_teams, acme)
    world.write(_fill_single_sign_on, acme)
    return acme


def _fill_teams(acme: Acme) -> None:
    """Give one team everything a team can have."""
    member = db.session.scalars(select(Member).where(Member.user_id == acme.member.user_id)).one()
    of_organization = {"organization_id": member.organization_id}
    team = Team(**of_organization, name="Red", slug="red", sort_name="red")
    project = Project(**of_organization, name="Payroll", slug="payroll", sort_name="payroll")
    db.session.add_all([team, project])
    db.session.flush()
    of_team = {**of_organization, "team_id": team.id}
    group = AccessGroup(**of_team, name="Readers", name_key="readers", level=Role.MEMBER)
    in_order = {"sort_name": project.sort_name, "project_id": project.id}
    db.session.add_all([group, TeamProject(**of_team, **in_order)])
    db.session.flush()
    invitation_id = db.session.scalars(select(Invitation.id).limit(1)).one()
    of_member = {**of_organization, "member_id": member.id, "sort_name": member.sort_name}
    db.session.add_all(
        [
            FormerTeamSlug(**of_team, slug="crimson"),
            FormerProjectSlug(**of_organization, project_id=project.id, slug="wages"),
            TeamMember(**of_member, team_id=team.id),
            GroupMember(**of_member, group_id=group.id),
            GroupProject(**of_team, **in_order, group_id=group.id),
            InvitationTeam(**of_team, invitation_id=invitation_id),
            AuditMention(organization_id=member.organization_id, member_id=member.id, sequence=1, is_in=True),
            InvitationGroup(**of_organization, invitation_id=invitation_id, group_id=group.id),
        ]
    )
    mapping = SsoMapping(**of_organization, group_id=group.id, claim="groups", value="readers")
    db.session.add(mapping)
    db.session.flush()
    db.session.add(SsoMappingMember(**of_organization, mapping_id=mapping.id, member_id=member.id))


def _fill_the_rest(acme: Acme) -> None:
    organization, now = acme.organization(), clock.now()
    of_organization = {"organization_id": organization.id, "user_id": acme.stranger.user_id}
    address = db.session.scalars(select(EmailAddress.id).limit(1)).one()
    db.session.add_all(
        [
            FormerSlug(slug="acme-before", organization_id=organization.id),
            FormerAddress(organization_id=organization.id, address_hash="0" * 64),
            RetiredSlug(organization_id=organization.id, kind="team", slug="green"),
            RemovedMember(**of_organization, member_id=1, role=Role.OWNER, status=MemberStatus.ACTIVE, joined_at=now),
            AddressToken(email_address_id=address, token_hash="0" * 64, expires_at=now),
            KnownNetwork(user_id=acme.owner.user_id, network="127.0.0.0/24"),
        ]
    )


def _fill_single_sign_on(acme: Acme) -> None:
    """Give Acme a connection, and somebody who is known there and on the way to it."""
    now, of_organization = clock.now(), {"organization_id": acme.organization().id}
    provider = IdentityProvider(
        **of_organization, kind="oidc", issuer="https://id.example.org", client_id="acme", options={}
    )
    session = db.session.scalars(select(Session).where(Session.user_id == acme.owner.user_id)).first()
    assert session
    db.session.add_all([provider, SsoDomain(**of_organization, domain="example.org", token="0" * 64)])
    db.session.flush()
    of_provider = {**of_organization, "provider_id": provider.id, "user_id": acme.owner.user_id}
    identity = Identity(**of_provider, subject="ada", claims={"groups": []})
    kept = {"browser": "0" * 64, "state_hash": "0" * 64, "secrets": "sealed", "expires_at": now}
    db.session.add_all([identity, SsoFlow(**of_provider, **kept, provider_version=1, purpose=FlowPurpose.LINK)])
    db.session.flush()
    db.session.add(SessionIdentity(session_id=session.id, identity_id=identity.id))
    db.session.add(FormerIdentity(**of_provider, subject="ada of before"))
    db.session.add(SsoErrand(**of_organization, provider_id=provider.id, kind="linked_are_told", data={}))
    db.session.add(RecoveryCode(**of_organization, code_hash="0" * 64))
    db.session.add(ShownCodes(**of_organization, session_id=session.id, codes="sealed", expires_at=now))
    db.session.add(SessionRecovery(**of_organization, session_id=session.id, user_id=acme.owner.user_id, until=now))


def rows_of(connection: Connection) -> Rows:
    """Return every row of our tables as the database has them, whatever the models say."""
    found = MetaData()
    found.reflect(connection)
    tables = [table for table in found.sorted_tables if table.name not in NOT_OURS]
    rows = {t.name: [dict(row) for row in connection.execute(select(t)).mappings()] for t in tables}
    connection.rollback()
    return rows


def shape_of(connection: Connection) -> dict[str, object]:
    """Return columns, keys, indexes and checks of our tables, in an order that does not depend on history."""
    seen = inspect(connection)
    shape: dict[str, object] = {}
    for name in sorted(set(seen.get_table_names()) - NOT_OURS):
        columns = {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in seen.get_columns(name)}
        read = (seen.get_indexes, seen.get_foreign_keys, seen.get_unique_constraints, seen.get_check_constraints)
        parts: list[list[Any]] = [list(get(name)) for get in read]
        shape[name] = (columns, seen.get_pk_constraint(name), *(sorted(map(in_words, part)) for part in parts))
    connection.rollback()
    return shape


def in_words(part: Mapping[str, Any]) -> str:
    """Return what an index or a constraint is, conditions as their text."""
    options = {name: str(value) for name, value in part.get("dialect_options", {}).items()}
    return repr({**part, "dialect_options": options})


def sequences_of(connection: Connection) -> dict[str, int]:
    """Return the highest id SQLite remembers of each table; PostgreSQL's sequences are part of its columns."""
    if connection.dialect.name != "sqlite":
        return {}
    found = {name: number for name, number in connection.execute(text("select name, seq from sqlite_sequence"))}
    connection.rollback()
    return found


def test_models_and_schema_do_not_differ(app: Flask, connection: Connection) -> None:
    options = {"compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(connection, opts=options)
    assert compare_metadata(context, db.metadata) == []


def test_every_table_has_rows_for_the_way_down(filled: Acme, connection: Connection) -> None:
    assert [name for name, rows in rows_of(connection).items() if not rows] == []


def test_R16_each_migration_leads_down_and_up_again(app: Flask, filled: Acme, connection: Connection) -> None:
    shape, rows, sequences = shape_of(connection), rows_of(connection), sequences_of(connection)
    for revision, before in zip(REVISIONS, [*REVISIONS[1:], "base"], strict=True):
        if revision == "0012":
            do_what_is_owed(connection)
            rows = rows_of(connection)
        schema.downgrade(app, before)
        shape_below, kept, sequences_below = shape_of(connection), rows_of(connection), sequences_of(connection)
        schema.upgrade(app, revision)
        assert shape_of(connection) == shape
        for table in kept:
            columns = kept[table][0].keys() if kept[table] else ()
            # Without the column that says who copied it, a copied link would be taken for a mailed one.
            lasting = [row for row in rows[table] if revision != "0002" or row.get("copied_by_id") is None]
            assert kept[table] == [{name: row[name] for name in columns} for row in lasting]
            assert sequences_of(connection).get(table) == sequences.get(table)
        schema.downgrade(app, before)
        shape, rows, sequences = shape_below, kept, sequences_below
    assert shape_of(connection) == {}
    schema.upgrade(app)
    assert compare_metadata(MigrationContext.configure(connection), db.metadata) == []


def do_what_is_owed(connection: Connection) -> None:
    """Let no errand wait, as the worker does before a database goes back to where nobody knows them."""
    connection.execute(text("delete from sso_errand"))
    connection.commit()


def test_R16_way_down_is_refused_while_somebody_is_owed_something(
    app: Flask, filled: Acme, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    schema.downgrade(app, "0012")
    shape, rows = shape_of(connection), rows_of(connection)
    with pytest.raises(SystemExit):
        schema.downgrade(app, "0011")
    assert "let the worker run until they are gone" in caplog.text
    assert (shape_of(connection), rows_of(connection)) == (shape, rows)


def test_slugs_of_what_was_removed_before_they_were_kept_are_known_from_the_audit_log(app: Flask, acme: Acme) -> None:
    red, blue, green = (make_team(acme, name) for name in ("Red", "Blue", "Green"))
    payroll = make_project(acme, "Payroll", red)
    acme.act(acme.owner, lambda actor, here: projects.rename(actor, here, project(payroll), "Wages"))
    acme.act(acme.owner, lambda actor, here: projects.remove(actor, here, project(payroll)))
    acme.act(acme.owner, lambda actor, here: teams.remove(actor, here, team(red)))
    acme.act(acme.owner, lambda actor, here: teams.remove(actor, here, team(green)))
    acme.act(acme.owner, lambda actor, here: teams.rename(actor, here, team(blue), "Navy"))
    retired = acme.world.dump()["retired_slug"]
    kept = [("project", "payroll"), ("project", "wages"), ("team", "green"), ("team", "red")]
    assert [row[1:] for row in retired] == kept
    schema.downgrade(app, "0003")
    schema.upgrade(app)
    assert acme.world.dump()["retired_slug"] == retired
    schema.downgrade(app, "0003")
    acme.world.write(_give_to_another, blue, "red")
    schema.upgrade(app)
    assert acme.world.dump()["retired_slug"] == [row for row in retired if row[2] != "red"]


@pytest.mark.parametrize(
    ("kind", "issuer", "options"),
    [
        ("github", "https://git.example.org/", {"organization": "acme"}),
        ("github", "", {"organization": "acme"}),
        ("gitlab", "", {}),
        ("google", "", {"hosted_domain": "example.org"}),
        ("entra", "", {"tenant": " 0F0E0D0C-1111-2222-3333-444455556666"}),
    ],
)
def test_connections_of_before_are_known_by_the_issuers_that_their_kinds_have(
    app: Flask, acme: Acme, kind: str, issuer: str, options: dict[str, str]
) -> None:
    values = entered(kind, issuer, options)
    made = acme.world.write(_connect, values)
    schema.downgrade(app, "0017")
    schema.upgrade(app)
    kept = acme.world.read(lambda: db.session.get_one(IdentityProvider, made).known_issuer)
    assert kept == values["known_issuer"] != ""


def _give_to_another(number: int, slug: str) -> None:
    team(number).slug = slug


def test_members_are_found_in_the_entries_of_earlier_versions(app: Flask, acme: Acme, connection: Connection) -> None:
    office = furnish(acme)
    acme.act(acme.owner, lambda a, here: teams.take_out(a, here, team(office.red), memberships(here, [acme.admin])))
    remove_team(acme, office.red)

    def mentions() -> list[tuple[Any, ...]]:
        return sorted(tuple(row.values()) for row in rows_of(connection)["audit_mention"])

    before = mentions()
    assert len(before) > 6
    schema.downgrade(app, "0004")
    schema.upgrade(app)
    assert mentions() == before


def test_A22_bypass_and_rehearsal_are_told_apart_and_no_rehearsal_that_is_over_locks_anybody_out(
    app: Flask, acme: Acme
) -> None:
    now = clock.now()
    moments = {
        "bypassed": now + timedelta(hours=1),
        "rehearsed": now + timedelta(days=9),
        "over": now - timedelta(hours=1),
    }

    def begin(slug: str) -> int:
        of_organization = {"organization_id": organization_of(slug).id, "status": ProviderStatus.ACTIVE}
        provider = IdentityProvider(**of_organization, kind="oidc", issuer="https://id.example.org", client_id="acme")
        provider.options, provider.enforcement = {}, Enforcement.REQUIRED
        db.session.add(provider)
        db.session.flush()
        if slug == "bypassed":
            enforcement.bypass(Actor.system(), organization_of(slug), timedelta(hours=1))
        else:
            enforcement.put(provider, EnforcementPolicy(Enforcement.REQUIRED, moments[slug]), rehearsed_since=now)
        return provider.id

    numbers = {slug: acme.world.write(begin, acme.world.organization(slug, acme.owner)) for slug in moments}
    schema.downgrade(app, "0008")
    schema.upgrade(app)
    for slug, number in numbers.items():
        row = acme.world.read(lambda number=number: db.session.get_one(IdentityProvider, number))
        assert (row.rehearsed_since is not None) == (slug == "rehearsed")
        expected = Enforcement.OPTIONAL if slug == "over" else Enforcement.REQUIRED
        assert (row.enforcement, row.required_from is None) == (expected, slug == "over")


def test_A01_session_that_a_provider_began_ends_where_nobody_knows_that_it_is_confined(app: Flask, acme: Acme) -> None:
    confined = {"ip": None, "user_agent": "tests", "is_confined": True}
    token = acme.world.write(sessions.begin, acme.member.user_id, **confined)
    before = len(acme.world.dump()["session"])
    schema.downgrade(app, "0005")
    schema.upgrade(app)
    assert len(acme.world.dump()["session"]) == before - 1
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["token"] = token
    assert browser.get("/account/").location.startswith("/login")


def test_D06_nobody_comes_in_again_where_ends_are_not_known(app: Flask, acme: Acme) -> None:
    acme.change(acme.admin, expires_at=clock.now())
    acme.change(acme.member, expires_at=clock.now() + timedelta(days=1))
    schema.downgrade(app, "0010")
    schema.upgrade(app)
    assert acme.browser(acme.admin).get(acme.address("members")).status_code == 404
    assert acme.browser(acme.member).get(acme.address("members")).status_code == 200


def test_groups_that_a_source_fills_are_known_of_whoever_was_removed_before(app: Flask, filled: Acme) -> None:
    def keep() -> None:
        readers = db.session.scalars(select(AccessGroup)).one()
        readers.source = "sso"
        db.session.scalars(select(RemovedMember)).one().group_ids = [readers.id, readers.id + 1]

    filled.world.write(keep)
    schema.downgrade(app, "0016")
    schema.upgrade(app)
    kept = filled.world.read(lambda: db.session.scalars(select(RemovedMember)).one())
    assert kept.managed_group_ids == kept.group_ids[:1]


def test_schema_made_anew_works(app: Flask, filled: Acme, world: World, connection: Connection) -> None:
    do_what_is_owed(connection)
    schema.downgrade(app, "base")
    schema.upgrade(app)
    owner = world.person("Ada Example", "ada@example.org")
    assert world.roles(world.organization("Harbour Works", owner)) == {"Ada Example": "owner"}


def test_upgrading_twice_changes_nothing(app: Flask, filled: Acme, connection: Connection) -> None:
    before = shape_of(connection), rows_of(connection)
    schema.upgrade(app)
    assert (shape_of(connection), rows_of(connection)) == before


def test_only_the_newest_schema_is_current(app: Flask, connection: Connection) -> None:
    assert schema.is_current(connection)
    connection.rollback()
    schema.downgrade(app, "base")
    assert not schema.is_current(connection)


def test_R16_processes_that_migrate_at_once_make_one_schema(
    app: Flask, environment: dict[str, str], connection: Connection, tmp_path: Path
) -> None:
    shape = shape_of(connection)
    schema.downgrade(app, "base")
    close(app)
    log = tmp_path / "migrate.log"
    log.touch()
    processes = [Copied(["migrate"], variables(environment), str(log)) for _ in range(3)]
    assert [process.wait(PATIENCE_SECONDS) for process in processes] == [0, 0, 0], log.read_text()
    assert shape_of(connection) == shape


def test_ids_are_never_used_again(world: World) -> None:
    def make() -> int:
        organization = Organization(name="Harbour Works", slug="harbour-works")
        db.session.add(organization)
        db.session.flush()
        return organization.id

    def remove(number: int) -> None:
        db.session.delete(db.session.get_one(Organization, number))

    first = world.write(make)
    world.write(remove, first)
    assert world.write(make) > first


def test_every_table_with_ids_of_its_own_keeps_them_unique_for_ever(connection: Connection) -> None:
    """SQLite hands out the highest id again after its row is deleted, unless the table says AUTOINCREMENT."""
    counted = [
        table.name
        for table in db.metadata.sorted_tables
        if [c.name for c in table.primary_key] == ["id"]
        and table.c.id.autoincrement
        and isinstance(table.c.id.type, Integer)
    ]
    assert len(counted) > 8
    if connection.dialect.name == "sqlite":
        made = connection.execute(text("select name, sql from sqlite_master where type = 'table'"))
        sources = {name: source for name, source in made}
        assert [name for name in counted if "AUTOINCREMENT" not in sources[name]] == []
    else:
        defaults = {name: inspect(connection).get_columns(name)[0] for name in counted}
        assert [n for n, c in defaults.items() if "nextval" not in str(c["default"]) and not c.get("identity")] == []


def _connect(values: dict[str, Any]) -> int:
    organization_id = organization_of("acme").id
    provider = IdentityProvider(organization_id=organization_id, client_id="a", **values)
    db.session.add(provider)
    db.session.flush()
    return provider.id
