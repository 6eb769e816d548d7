"""What the question about a member's link says of the letter that follows is what happens then.

Whether an address is another account's it does not say.
"""

from collections.abc import Callable

import pytest
from sqlalchemy import update

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.sso import Desk, work
from tests.support.taking_away import owner_of, page_of, take_away, wrongly_linked
from webapp import clock
from webapp.db import db
from webapp.models import EmailAddress, MemberStatus, User


@pytest.fixture
def known(desk: Desk) -> Desk:
    """Acme's connection, which knows its member by an account there that is not theirs."""
    return wrongly_linked(desk)


def proven(_acme: Acme, _known: Desk) -> None:
    """Leave everything as it is."""


def without_password(acme: Acme, _known: Desk) -> None:
    theirs = update(User).where(User.id == acme.member.user_id).values(password_hash=None)
    acme.world.write(lambda: db.session.execute(theirs))


def unproven(acme: Acme, _known: Desk) -> None:
    theirs = update(EmailAddress).where(EmailAddress.user_id == acme.member.user_id).values(verified_at=None)
    acme.world.write(lambda: db.session.execute(theirs))


def unproven_and_ended(acme: Acme, known: Desk) -> None:
    unproven(acme, known)
    acme.change(acme.member, expires_at=clock.now())


def unproven_and_suspended(acme: Acme, known: Desk) -> None:
    unproven(acme, known)
    acme.change(acme.member, status=MemberStatus.SUSPENDED)


def unproven_and_told_already(acme: Acme, known: Desk) -> None:
    unproven(acme, known)
    take_away(known, acme.member)
    work(acme.world.app)
    known.know(acme.member, "u-2")


def unproven_and_somebody_elses(acme: Acme, known: Desk) -> None:
    unproven(acme, known)

    def prove() -> None:
        canonical = acme.member.email
        taken = EmailAddress(user_id=acme.stranger.user_id, address=canonical, canonical=canonical)
        taken.verified_at, taken.is_primary = clock.now(), False
        db.session.add(taken)

    acme.world.write(prove)


def closed(acme: Acme, _known: Desk) -> None:
    acme.deactivate(acme.member)


@pytest.mark.parametrize(
    ("become", "said", "letters"),
    [
        (proven, "how to link again, and to choose a new password", 1),
        (without_password, "They have no password yet: the letter says how to choose one.", 1),
        (unproven, "unless it is somebody else’s, a letter goes there by which its owner proves it", 1),
        (unproven_and_ended, "unless it is somebody else’s, a letter goes there", 1),
        (unproven_and_suspended, "unless it is somebody else’s, a letter goes there", 1),
        (unproven_and_told_already, "it had such a letter today: no other leaves", 0),
        (unproven_and_somebody_elses, "unless it is somebody else’s, a letter goes there", 0),
        (closed, "Their account is closed: no letter leaves.", 0),
    ],
)
def test_letter_that_is_promised_leaves_and_no_other(
    acme: Acme, known: Desk, become: Callable[[Acme, Desk], None], said: str, letters: int
) -> None:
    become(acme, known)
    before = len(acme.world.letters("sso_taken_away"))
    browser = owner_of(known)
    assert said in Page(browser.get(f"{page_of(acme, acme.member)}/unlink")).text
    assert take_away(known, acme.member, browser).status_code == 303
    work(acme.world.app)
    assert len(acme.world.letters("sso_taken_away")) - before == letters
    assert known.identities() == [("u-9", acme.owner.user_id)]
