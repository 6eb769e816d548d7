"""Organizations: their addresses under competition, and rights asked for again below the pages."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.support.acme import Acme, organization_of
from tests.support.worlds import Person, World
from webapp import db as database
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import Forbidden, NotFound, OftenEnough, OrganizationsByAdministrators, SlugTaken
from webapp.http import uow
from webapp.models import FormerSlug, Organization, RetiredSlug, User
from webapp.services import attempts, organizations, slugs
from webapp.services.attempts import Limit
from webapp.services.slugs import ORGANIZATION, PROJECT, TEAM, Kind


def change(acme: Acme, who: Person, at: str, **values: object) -> bool:
    def step(actor: Actor, organization: Organization) -> bool:
        present = organizations.settings_of(organization)
        return organizations.change(actor, organization, type(present)(**{**present.__dict__, **values}))

    return acme.act(who, step, at)


@pytest.mark.parametrize("who", ["manager", "admin", "member"])
def test_service_asks_for_the_right_itself(acme: Acme, who: str) -> None:
    with acme.unchanged(), pytest.raises(Forbidden):
        change(acme, getattr(acme, who), "acme", name="Mine")
    with acme.unchanged(), pytest.raises(NotFound):
        change(acme, acme.stranger, "acme", name="Mine")


def test_service_makes_organizations_for_administrators_only(acme: Acme) -> None:
    def make() -> Organization:
        actor = Actor.of(db.session.get_one(User, acme.owner.user_id), ip=None)
        return organizations.create_own(actor, "Mine", by_anyone=False)

    with acme.unchanged(), pytest.raises(OrganizationsByAdministrators):
        acme.world.write(make)


def test_present_and_former_addresses_never_belong_to_two(acme: Acme) -> None:
    change(acme, acme.owner, "acme", slug="works")
    with acme.unchanged(), pytest.raises(SlugTaken):
        change(acme, acme.stranger, "umbra", slug="acme")
    with acme.unchanged(), pytest.raises(SlugTaken):
        change(acme, acme.stranger, "umbra", slug="works")
    change(acme, acme.owner, "works", slug="acme")
    found = acme.world.read(lambda: db.session.scalars(select(FormerSlug.slug)).all())
    assert found == ["works"]


def test_D15_of_several_at_once_one_gets_the_address(world: World) -> None:
    owners = [world.person(f"Owner {number}", f"owner{number}@example.org") for number in range(6)]
    slugs_before = [world.organization(f"Hall {number}", owner) for number, owner in enumerate(owners)]

    def move(number: int) -> bool:
        def step() -> bool:
            organization = organization_of(slugs_before[number])
            organizations.lock(organization.id)
            slugs.require_free("harbour", organization)
            slugs.move(ORGANIZATION, organization, "harbour")
            return True

        with world.app.test_request_context():
            try:
                return uow.write(step)
            except SlugTaken:
                return False

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(move, range(6))) == [False] * 5 + [True]
    present = set(world.read(lambda: db.session.scalars(select(Organization.slug)).all()))
    former = world.read(lambda: db.session.scalars(select(FormerSlug.slug)).all())
    assert len(former) == 1
    assert present == {*slugs_before, "harbour"} - set(former)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Harbour Works", "harbour-works"),
        ("Café  Zoë & Söhne", "cafe-zoe-sohne"),
        ("  --A--B--  ", "a-b"),
        ("ＡＣＭＥ", "acme"),
        ("x" * 200, "x" * 60),
    ],
)
def test_address_is_made_of_the_name(name: str, slug: str) -> None:
    assert slugs.slugify(ORGANIZATION, name) == slug


@pytest.mark.parametrize("kind", [ORGANIZATION, TEAM, PROJECT])
def test_address_of_a_name_without_latin_letters_says_of_what_it_is(kind: Kind) -> None:
    assert re.fullmatch(f"{kind.name}-[0-9a-f]{{6}}", slugs.slugify(kind, "Сборная"))


def test_organization_that_is_gone_leaves_no_slugs(world: World) -> None:
    def make() -> int:
        organization = Organization(name="Harbour Works", slug="harbour-works")
        db.session.add(organization)
        db.session.flush()
        db.session.add(RetiredSlug(organization_id=organization.id, kind=TEAM.name, slug="red"))
        return organization.id

    number = world.write(make)
    world.write(lambda: db.session.delete(db.session.get_one(Organization, number)))
    assert world.dump()["retired_slug"] == []


def test_lock_of_an_organization_that_is_not_there(world: World) -> None:
    with pytest.raises(NotFound):
        world.write(organizations.lock, 999)


def test_slugs_are_asked_for_in_one_statement(world: World) -> None:
    with world.app.app_context():
        assert database.perform(lambda: slugs.free_slug(ORGANIZATION, "Harbour"), write=False) == "harbour"


def test_C14_somebody_changes_so_many_addresses_a_day_and_other_settings_as_often_as_they_like(acme: Acme) -> None:
    limit = Limit(f"slugs:user:{acme.owner.user_id}", attempts.CHANGES_A_DAY, timedelta(days=1))
    acme.world.write(lambda: attempts.raise_counters({limit: attempts.CHANGES_A_DAY - 1}))
    assert change(acme, acme.owner, "acme", slug="works")
    with acme.unchanged(), pytest.raises(OftenEnough, match="30 times today"):
        change(acme, acme.owner, "works", slug="mill")
    assert change(acme, acme.owner, "works", name="Works")
