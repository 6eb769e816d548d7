"""An application whose schema changes, and rows in every table."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Connection, create_engine, select
from sqlalchemy.pool import NullPool

from tests.support.acme import Acme
from tests.support.unproven import copied
from tests.support.worlds import World
from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import (
    AccessGroup,
    AddressToken,
    AuditMention,
    EmailAddress,
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
    Project,
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
from webapp.services import accounts, addresses


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
