"""Managed access groups at sign-in: one member is brought up to date, and nobody else reaches more by it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.acme import Acme
from tests.support.managed import READERS, Red, groups, held, ids, make_red, signed_in, synced, want
from tests.support.plugins import Filler, installed
from tests.support.statements import queries
from tests.support.teams import memberships
from webapp.models import Role
from webapp.services import managed, members
from webapp.services.access_groups import Contents
from webapp.services.managed import Synced


@pytest.fixture
def red(acme: Acme) -> Red:
    """A team of Acme with two projects."""
    return make_red(acme)


@pytest.fixture
def roster() -> Iterator[Filler]:
    """A plug-in that wants nobody anywhere yet."""
    filler = Filler({})
    with installed(roster=filler):
        yield filler


def test_member_joins_and_leaves_their_groups_when_they_sign_in(acme: Acme, red: Red, roster: Filler) -> None:
    want(roster, (acme.member, READERS), (acme.admin, READERS), (acme.admin, replace(READERS, name="Writers")))
    assert signed_in(acme, acme.admin) == Synced(2, ())
    assert signed_in(acme, acme.member) == Synced(1, ())
    assert held(acme) == ids(acme, acme.admin, acme.member)
    assert synced(acme) == Synced(0, ())
    want(roster, (acme.member, READERS))
    with acme.unchanged():
        assert signed_in(acme, acme.member) == Synced(0, ())
    assert signed_in(acme, acme.admin) == Synced(2, ())
    assert (held(acme), held(acme, "Writers")) == (ids(acme, acme.member), set())
    acme.act(acme.owner, lambda a, here: members.suspend(a, here, memberships(here, [acme.member])[0]))
    assert signed_in(acme, acme.member) == Synced(1, ())
    assert held(acme) == set()


def test_sign_in_of_one_never_raises_what_others_reach(acme: Acme, red: Red, roster: Filler) -> None:
    low = replace(READERS, projects=("rota",))
    high = replace(READERS, level=Role.MANAGER)
    want(roster, (acme.member, low))
    synced(acme)
    want(roster, (acme.member, low), (acme.admin, high))
    signed_in(acme, acme.admin)
    both = frozenset(ids(acme, acme.admin, acme.member))
    assert groups(acme)["Readers"][1] == Contents("Readers", Role.MEMBER, frozenset([red.rota]), both)
    want(roster, (acme.admin, high))
    signed_in(acme, acme.member)
    assert signed_in(acme, acme.admin) == Synced(1, ())
    assert groups(acme)["Readers"][1].level is Role.MANAGER


def test_sign_in_costs_nothing_without_plug_ins(acme: Acme) -> None:
    def statements() -> int:
        here = acme.organization()
        [member] = memberships(here, [acme.member])
        with queries(acme.world.app) as found:
            managed.sync_member(here, member)
        return len(found)

    assert acme.world.write(statements) == 0
