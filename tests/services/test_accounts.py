"""Signing in, between the moment a password is right and the moment the session opens."""

import pytest
from sqlalchemy import func, select

from tests.support.worlds import Person, World
from webapp.db import db
from webapp.errors import WrongCredentials
from webapp.models import Session, User
from webapp.services import accounts, addresses


@pytest.fixture
def mia(world: World) -> Person:
    return world.person("Mia Example", "mia@example.org")


def sessions_of(world: World, person: Person) -> int:
    statement = select(func.count()).select_from(Session).where(Session.user_id == person.user_id)
    return int(world.read(lambda: db.session.scalars(statement).one()))


def sign_in(world: World, verified: User) -> None:
    world.write(accounts.sign_in, verified, ip=None, user_agent="tests")


def test_E02_sign_in_under_way_does_not_survive_a_new_password(world: World, mia: Person) -> None:
    verified = world.read(accounts.by_id, mia.user_id)

    def change_password() -> None:
        db.session.get_one(User, mia.user_id).password_hash = "the hash of a newer one"

    world.write(change_password)
    with pytest.raises(WrongCredentials):
        sign_in(world, verified)
    assert sessions_of(world, mia) == 0


def test_A18_sign_in_under_way_does_not_survive_deactivation(world: World, mia: Person) -> None:
    verified = world.read(accounts.by_id, mia.user_id)

    def deactivate() -> None:
        db.session.get_one(User, mia.user_id).is_active = False

    world.write(deactivate)
    with pytest.raises(WrongCredentials):
        sign_in(world, verified)
    assert sessions_of(world, mia) == 0


def test_sign_in_opens_one_session(world: World, mia: Person) -> None:
    sign_in(world, world.read(accounts.by_id, mia.user_id))
    assert sessions_of(world, mia) == 1


def test_F02_letters_go_to_the_domain_by_which_the_address_is_compared() -> None:
    address = addresses.parse("Olive@straße.example")
    assert address.mailbox == "Olive@xn--strae-oqa.example"
    assert address.canonical == "olive@xn--strae-oqa.example"
