"""Who comes back by an identity that was somebody's here before: only by an invitation, whatever the policy."""

import pytest
from sqlalchemy import delete

from tests.support.acme import Acme
from tests.support.sso import Desk, rows
from tests.support.worlds import World, post
from webapp.db import db
from webapp.models import FormerIdentity, Joining, ProviderStatus, RemovedMember, User
from webapp.services.sso.errors import KnownBefore


@pytest.fixture
def open_desk(desk: Desk) -> Desk:
    """The connection, by which everybody of example.org may join; Acme's member is linked."""
    desk.set(joining=Joining.ALLOWED)
    desk.prove_domain("example.org")
    desk.know(desk.acme.member)
    return desk


def remove(acme: Acme) -> None:
    number = acme.member_id(acme.member)
    assert post(acme.browser(acme.owner), acme.address(f"members/{number}/remove"), confirm="1").status_code == 303


def unlink(acme: Acme, desk: Desk) -> None:
    assert post(acme.browser(acme.member), desk.address("unlink"), confirm="1").status_code == 303


def replaced(desk: Desk) -> Desk:
    """Return a connection to the same provider that has taken the place of another, by the same policy."""
    desk.set(status=ProviderStatus.DISABLED)
    after = Desk(desk.acme, desk.theirs)
    after.set(joining=Joining.ALLOWED)
    return after


def test_D10_whoever_unlinked_and_was_removed_does_not_join_again(world: World, acme: Acme, open_desk: Desk) -> None:
    unlink(acme, open_desk)
    remove(acme)
    before = rows(acme, User)
    answer = open_desk.sign_in(world.browser())
    assert (answer.status_code, rows(acme, User)) == (403, before)
    assert "belonged to somebody here before" in answer.text
    refused = acme.entries()[-1].after
    assert refused
    assert refused["reason"] == KnownBefore.noted
    world.invite(acme.slug, acme.owner, "mia@example.org")
    assert open_desk.sign_in(world.browser()).status_code == 303


def test_D10_whoever_was_linked_by_the_connection_before_does_not_join_again(
    world: World, acme: Acme, open_desk: Desk
) -> None:
    remove(acme)
    assert replaced(open_desk).sign_in(world.browser()).status_code == 403


def test_D10_suspended_people_do_not_come_in_as_somebody_new(world: World, acme: Acme, open_desk: Desk) -> None:
    unlink(acme, open_desk)
    number = acme.member_id(acme.member)
    assert post(acme.browser(acme.owner), acme.address(f"members/{number}/suspend"), confirm="1").status_code == 303
    assert open_desk.sign_in(world.browser()).status_code == 403


def test_subject_of_another_issuer_says_nothing(world: World, acme: Acme, open_desk: Desk) -> None:
    remove(acme)
    open_desk.set(issuer="https://elsewhere.example.org")
    assert replaced(open_desk).sign_in(world.browser()).status_code == 303


def test_D10_address_of_somebody_removed_opens_nothing(world: World, acme: Acme, open_desk: Desk) -> None:
    """Also when nobody remembers the removal, and they never were linked."""
    unlink(acme, open_desk)
    remove(acme)
    world.write(lambda: [db.session.execute(delete(table)) for table in (FormerIdentity, RemovedMember)])
    open_desk.theirs.people["u-9"] = {"email": acme.member.email, "email_verified": True}
    open_desk.theirs.person = "u-9"
    open_desk.prove_domain("example.com")
    answer = open_desk.sign_in(world.browser())
    assert (answer.status_code, "There is an account with this address already" in answer.text) == (403, True)


def test_what_is_kept_goes_with_the_account_and_is_one_row(world: World, acme: Acme, open_desk: Desk) -> None:
    for _ in range(2):
        unlink(acme, open_desk)
        assert open_desk.link(acme.browser(acme.member)).status_code == 303
    assert rows(acme, FormerIdentity) == 1
    world.write(lambda: db.session.execute(delete(User).where(User.id == acme.member.user_id)))
    assert rows(acme, FormerIdentity) == 0
