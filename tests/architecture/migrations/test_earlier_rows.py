"""What becomes of rows that earlier versions wrote, on the way down and up again."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, select

from tests.support.acme import Acme, organization_of
from tests.support.shapes import rows_of
from tests.support.sso import entered
from tests.support.teams import furnish, make_project, make_team, memberships, project, remove_team, team
from webapp import clock, schema
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import AccessGroup, Enforcement, IdentityProvider, ProviderStatus, RemovedMember
from webapp.services import projects, sessions, teams
from webapp.services.sso import enforcement
from webapp.services.sso.enforcement import EnforcementPolicy


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


def _connect(values: dict[str, Any]) -> int:
    organization_id = organization_of("acme").id
    provider = IdentityProvider(organization_id=organization_id, client_id="a", **values)
    db.session.add(provider)
    db.session.flush()
    return provider.id
