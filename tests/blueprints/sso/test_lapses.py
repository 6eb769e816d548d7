"""What claims gave somebody, after the provider's word about them has run out or its connection is in use no more."""

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import create_engine, func, insert, select, update
from sqlalchemy.pool import NullPool

from tests.support.acme import Acme, organization_of
from tests.support.faults import insertion_fails, run
from tests.support.managed import held, ids
from tests.support.rounds import rounds_of
from tests.support.sso import Desk
from tests.support.teams import Office, furnish, memberships
from tests.support.worlds import Person, World, post
from webapp import clock
from webapp.db import db
from webapp.models import (
    AccessGroup,
    GroupMember,
    Identity,
    IdentityProvider,
    ProviderStatus,
    Role,
    SsoMapping,
    SsoMappingMember,
    Team,
)
from webapp.services import teams
from webapp.services.sso import lapses


@pytest.fixture
def office(acme: Acme, desk: Desk) -> Office:
    """Acme's teams, where Mia and the admin are among the readers by a claim; the provider gives no refresh tokens."""
    office = furnish(acme)
    mapping = {"claim": "groups", "value": "staff", "group": str(office.readers), "confirm": "1"}
    assert post(acme.browser(acme.owner), desk.address("mappings"), **mapping).status_code == 303
    desk.know(acme.member)
    desk.know(acme.admin, "u-9")
    desk.theirs.people["u-9"] = {"groups": ["staff"]}
    for subject in ("u-1", "u-9"):
        desk.theirs.person = subject
        assert desk.sign_in(acme.world.browser()).status_code == 303
    acme.world.write(lambda: db.session.execute(update(Identity).values(next_refresh_at=None)))
    assert held(acme) == ids(acme, acme.member, acme.admin)
    return office


def go_round(acme: Acme, days: float = 0, stop: threading.Event | None = None) -> None:
    with time_machine.travel(clock.now() + timedelta(days=days)):
        rounds_of(acme.world.app, stop=stop).run_once()


def test_word_of_the_provider_fills_groups_as_long_as_it_counts(
    world: World, acme: Acme, desk: Desk, office: Office
) -> None:
    go_round(acme, 6.9)
    assert held(acme) == ids(acme, acme.member, acme.admin)
    with time_machine.travel(clock.now() + timedelta(days=5)):
        desk.theirs.person = "u-1"
        desk.sign_in(world.browser())
    go_round(acme, 7.1)
    assert held(acme) == ids(acme, acme.member)
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name) == ("group.member_removed", "Vestibule")
    desk.theirs.person = "u-9"
    desk.sign_in(world.browser())
    assert held(acme) == ids(acme, acme.member, acme.admin)


def test_connection_in_use_no_more_fills_nothing(acme: Acme, desk: Desk, office: Office) -> None:
    desk.set(status=ProviderStatus.DISABLED)
    go_round(acme)
    assert held(acme) == set()


def test_connection_that_was_replaced_fills_nothing_until_people_link_again(
    acme: Acme, desk: Desk, office: Office
) -> None:
    desk.set(status=ProviderStatus.DISABLED)
    after = Desk(acme, desk.theirs)
    after.know(acme.member)
    go_round(acme)
    assert held(acme) == ids(acme, acme.member)


def test_taking_back_goes_in_steps_ends_when_told_to_and_goes_on(
    world: World, acme: Acme, desk: Desk, office: Office
) -> None:
    desk.set(status=ProviderStatus.DISABLED)
    stop = threading.Event()
    stop.set()
    go_round(acme, stop=stop)
    assert len(held(acme)) == 2
    [(organization_id, members)] = world.read(lapses.find, 0).members.items()
    assert not world.write(lapses.take_back, organization_id, members[:1])
    assert len(held(acme)) == 1
    go_round(acme)
    assert held(acme) == set()


def fill(acme: Acme, desk: Desk, number: int, *people: Person) -> None:
    """Let claims hold people in so many groups of the desk's organization, and and by another in the first."""

    def write() -> None:
        here = organization_of(desk.slug)

        def of_here(model: Any) -> Any:
            return select(model.id).where(model.organization_id == here.id).order_by(model.id)

        red = db.session.scalars(of_here(Team)).first()
        of = {"organization_id": here.id}
        made = [{**of, "team_id": red, "name": f"G{n}", "name_key": f"g{n}", "source": "sso"} for n in range(number)]
        db.session.execute(insert(AccessGroup), [{**row, "level": Role.MEMBER} for row in made])
        groups = list(
            db.session.scalars(of_here(AccessGroup).where(AccessGroup.name.in_([row["name"] for row in made])))
        )
        mappings = [{**of, "group_id": one, "claim": "groups", "value": "all"} for one in groups]
        db.session.execute(insert(SsoMapping), [*mappings, {**mappings[0], "value": "others"}])
        mappings = list(db.session.scalars(of_here(SsoMapping).where(SsoMapping.value.in_(["all", "others"]))))
        theirs = memberships(here, people)
        inside = [(group, member) for group in groups for member in theirs]
        rows = [{**of, "group_id": group, "member_id": one.id, "sort_name": one.sort_name} for group, one in inside]
        db.session.execute(insert(GroupMember), rows)
        held_by = [{**of, "mapping_id": mapping, "member_id": one.id} for mapping in mappings for one in theirs]
        db.session.execute(insert(SsoMappingMember), held_by)

    acme.world.write(write)


def memberships_left(acme: Acme, person: Person) -> int:
    """Return how many groups that claims fill somebody is in."""
    found = select(func.count()).select_from(GroupMember).join(AccessGroup, AccessGroup.id == GroupMember.group_id)
    theirs = found.where(GroupMember.member_id == acme.member_id(person), AccessGroup.source == "sso")
    return int(acme.world.read(lambda: db.session.scalars(theirs).one()))


def test_one_transaction_ends_so_many_memberships_of_groups_and_no_more(
    world: World, acme: Acme, desk: Desk, office: Office
) -> None:
    fill(acme, desk, 150, acme.admin, acme.member)
    desk.set(status=ProviderStatus.DISABLED)
    [(organization_id, members)] = world.read(lapses.find, 0).members.items()
    first, second = sorted((acme.admin, acme.member), key=acme.member_id)
    before = len(acme.entries())
    assert world.write(lapses.take_back, organization_id, members)
    assert len(acme.entries()) - before == lapses.TAKEN_BACK - 1 - 1
    assert (memberships_left(acme, first), memberships_left(acme, second)) == (0, 151 - 48 + 1)
    assert not world.write(lapses.take_back, organization_id, members)
    assert (memberships_left(acme, first), memberships_left(acme, second)) == (0, 0)
    assert len(acme.entries()) - before == 2 * 151
    assert world.read(lapses.find, 0).members == {}


def test_one_organization_with_many_does_not_keep_others_from_their_turn(
    acme: Acme, desk: Desk, office: Office, umbra: Desk
) -> None:
    acme.act(acme.stranger, lambda actor, here: teams.create(actor, here, "Shadow"), acme.other_slug)
    last = acme.world.person("Sam Shadow", "sam@example.org")
    acme.world.member(acme.other_slug, last, Role.MEMBER)
    fill(acme, desk, 150, acme.admin, acme.member)
    fill(acme, umbra, 1, last)
    for one in (desk, umbra):
        one.set(status=ProviderStatus.DISABLED)
    go_round(acme)
    assert (memberships_left(acme, acme.admin), memberships_left(acme, acme.member)) == (0, 0)
    theirs = acme.entries(acme.other_slug)[-1]
    assert theirs.event == "group.member_removed"
    assert theirs.id < acme.entries()[-1].id


def test_what_fails_in_one_organization_keeps_no_other_from_its_turn(
    acme: Acme, desk: Desk, office: Office, umbra: Desk, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    acme.act(acme.stranger, lambda actor, here: teams.create(actor, here, "Shadow"), acme.other_slug)
    fill(acme, umbra, 1, acme.stranger)
    for one in (desk, umbra):
        one.set(status=ProviderStatus.DISABLED)
    here = acme.world.read(acme.organization).id
    with insertion_fails(database_url, "audit_entry", "statement", of=here):
        go_round(acme)
    assert len(held(acme)) == 2
    assert acme.entries(acme.other_slug)[-1].event == "group.member_removed"
    assert "forced" in str([getattr(record, "error", "") for record in caplog.records])
    go_round(acme)
    assert held(acme) == set()


def test_round_goes_on_and_comes_again_where_nobody_can_be_looked_for(
    acme: Acme, desk: Desk, office: Office, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = create_engine(database_url, poolclass=NullPool)
    run(engine, "alter table sso_mapping_member rename to away")
    rounds = rounds_of(acme.world.app)
    rounds.run_once()
    run(engine, "alter table away rename to sso_mapping_member")
    assert "sso_mapping_member" in str([getattr(record, "error", "") for record in caplog.records])
    provider = acme.world.read(lambda: db.session.get_one(IdentityProvider, desk.provider_id))
    assert provider.probed_at is not None
    desk.set(status=ProviderStatus.DISABLED)
    go_round(acme)
    assert held(acme) == set()


def test_whoever_signs_in_meanwhile_stays(world: World, acme: Acme, desk: Desk, office: Office) -> None:
    with time_machine.travel(clock.now() + timedelta(days=8)):
        found = world.read(lapses.find, 0)
        desk.theirs.person = "u-1"
        desk.sign_in(world.browser())
        for step in found.members.items():
            world.write(lapses.take_back, *step)
    assert held(acme) == ids(acme, acme.member)


def test_what_people_give_stays(acme: Acme, desk: Desk, office: Office) -> None:
    def by_hand() -> set[int]:
        others = select(GroupMember.group_id, GroupMember.member_id).where(GroupMember.group_id != office.readers)
        return set(acme.world.read(lambda: db.session.execute(others).all()))

    before = by_hand()
    desk.set(status=ProviderStatus.DISABLED)
    go_round(acme)
    assert by_hand() == before
