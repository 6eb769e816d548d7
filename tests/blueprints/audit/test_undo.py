"""Undo in the audit log: a removal that can be undone has a button that does it."""

from datetime import UTC, datetime, timedelta

import time_machine

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.worlds import Person, post
from webapp.db import db
from webapp.models import Member, Role
from webapp.services import removals
from webapp.services.removals import UNDO_DAYS


def remove(acme: Acme, person: Person, by: Person | None = None) -> int:
    """Remove somebody as the owner would, or another; return the id of the entry that says so."""
    number = acme.member_id(person)
    acme.act(by or acme.owner, lambda actor, org: removals.remove(actor, org, db.session.get_one(Member, number)))
    return next(entry.id for entry in acme.entries()[::-1] if entry.event == "member.removed")


def undo_forms(acme: Acme, who: Person | None = None) -> dict[int, str]:
    """Return the entries that can be undone, with the address that does it."""
    page = Page(acme.browser(who or acme.owner).get(acme.address("audit")))
    row, found = 0, {}
    for element in page.elements:
        row = int(element.id.removeprefix("entry-")) if element.id.startswith("entry-") else row
        if "undo-removal" in element.attributes.get("action", ""):
            found[row] = element.attributes["action"]
    return found


def test_removal_is_undone_from_its_entry(acme: Acme) -> None:
    before = acme.world.roles(acme.slug)
    entry = remove(acme, acme.member)
    [(row, address)] = undo_forms(acme).items()
    assert row == entry
    assert post(acme.browser(acme.owner), address).status_code == 303
    assert acme.world.roles(acme.slug) == before
    assert undo_forms(acme) == {}


def test_only_the_last_removal_of_somebody_has_the_button(acme: Acme) -> None:
    remove(acme, acme.member)
    post(acme.browser(acme.owner), next(iter(undo_forms(acme).values())))
    last = remove(acme, acme.member)
    assert list(undo_forms(acme)) == [last]


def test_button_is_gone_after_thirty_days(acme: Acme) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(days=UNDO_DAYS, minutes=1)):
        remove(acme, acme.member)
    recent = remove(acme, acme.admin)
    assert list(undo_forms(acme)) == [recent]


def test_who_gave_their_membership_up_is_invited_from_the_log(acme: Acme) -> None:
    acme.act(acme.member, removals.leave)
    left = acme.entries()[-1].id
    [(row, address)] = undo_forms(acme).items()
    assert row == left
    assert post(acme.browser(acme.owner), address).location == acme.address("members/pending")


def test_button_is_only_where_it_would_work(acme: Acme) -> None:
    acme.change(acme.admin, role=Role.OWNER)
    toni = acme.world.person("Toni Target", "toni@example.org")
    acme.world.member(acme.slug, toni, Role.MEMBER)
    above, again, closed = remove(acme, acme.admin), remove(acme, acme.member), remove(acme, acme.suspended)
    own = remove(acme, toni, acme.manager)
    assert set(undo_forms(acme, acme.manager)) == {own}
    assert set(undo_forms(acme)) == {above, again, closed, own}
    acme.world.member(acme.slug, acme.member, Role.MEMBER)
    acme.deactivate(acme.suspended)
    assert set(undo_forms(acme)) == {above, own}
