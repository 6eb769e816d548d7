"""What invitations offer beside a role: who may offer it, what becomes of it, and what is left out when it is used."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.acme import Acme
from tests.support.asking import ask, row_of
from tests.support.offering import Things, accept, joined_with, left_out, make_things
from tests.support.statements import queries
from tests.support.teams import group, make_team, remove_team, team
from tests.support.unproven import copied, resent
from tests.support.worlds import Invited
from webapp.access.actor import Actor
from webapp.errors import DomainError, Forbidden, NotOfOrganization, NotYoursToGive, TooManyGiven
from webapp.models import InvitationStatus, Organization, Role
from webapp.services import access_groups, invitation_batches, offers, teams
from webapp.services.giving import MOST_GIVEN
from webapp.services.invitations import Offer
from webapp.services.memberships import Terms

GONE = 10**17


@pytest.fixture
def things(acme: Acme) -> Things:
    return make_things(acme)


def restrict(acme: Acme, who: str = "admin") -> None:
    acme.change(getattr(acme, who), has_global_access=False)


def offer(acme: Acme, who: str = "admin", email: str = "bob@example.org", **more: Any) -> Invited:
    return acme.world.invite(acme.slug, getattr(acme, who), email, **more)


def test_offer_is_stored_audited_and_fulfilled(acme: Acme, things: Things) -> None:
    invited = offer(acme, has_global_access=False, teams=[things.red], groups=[things.readers])
    entry = acme.entries()[-1]
    assert entry.after
    said = {name: entry.after.get(name) for name in ("has_global_access", "teams", "groups")}
    assert said == {"has_global_access": False, "teams": [things.red], "groups": [things.readers]}
    bob = accept(acme, invited)
    assert joined_with(acme, bob) == Terms(Role.MEMBER, False, [things.red], [things.readers])
    assert left_out(acme, invited) is None


def test_entry_of_a_usual_offer_says_nothing_of_access(acme: Acme) -> None:
    offer(acme)
    entry = acme.entries()[-1]
    assert set(entry.after or {}) == {"email", "role", "status", "expires_at"}


@pytest.mark.parametrize(
    ("who", "more", "error", "field"),
    [
        ("admin", {"teams": ["blue"]}, NotYoursToGive, "teams"),
        ("admin", {"teams": ["red", "blue"]}, NotYoursToGive, "teams"),
        ("admin", {"groups": ["writers"]}, NotYoursToGive, "groups"),
        ("admin", {"groups": ["leads"]}, NotYoursToGive, "groups"),
        ("owner", {"groups": ["synced"]}, NotYoursToGive, "groups"),
        ("member", {"teams": ["red"]}, NotYoursToGive, "teams"),
        ("owner", {"teams": ["shadow"]}, NotOfOrganization, "teams"),
        ("owner", {"teams": ["gone"]}, NotOfOrganization, "teams"),
        ("owner", {"groups": ["gone"]}, NotOfOrganization, "groups"),
    ],
)
def test_D09_nobody_offers_what_they_could_not_give(
    acme: Acme, things: Things, who: str, more: dict[str, list[str]], error: type[DomainError], field: str
) -> None:
    acme.world.policy(acme.slug, members_may_invite=True)
    numbers: dict[str, Any] = {name: [getattr(things, one, GONE) for one in names] for name, names in more.items()}
    with acme.unchanged(), pytest.raises(error) as refusal:
        offer(acme, who, **numbers)
    assert refusal.value.field == field
    with acme.unchanged(), pytest.raises(error):
        acme.act(
            getattr(acme, who),
            lambda actor, here: invitation_batches.invite_all(
                actor, here, "bob@example.org", Offer(Role.MEMBER, 7, **numbers)
            ),
        )


def test_nobody_offers_more_than_is_given_at_once(acme: Acme) -> None:
    many = [make_team(acme, f"Team {number}") for number in range(MOST_GIVEN + 1)]
    with acme.unchanged(), pytest.raises(TooManyGiven) as refusal:
        offer(acme, "owner", teams=many)
    assert refusal.value.field == "teams"
    invited = offer(acme, "owner", has_global_access=False, teams=many[1:])
    assert len(joined_with(acme, accept(acme, invited)).teams) == MOST_GIVEN


def test_managers_offer_every_team_and_groups_up_to_their_role(acme: Acme, things: Things) -> None:
    offered: dict[str, Any] = {"teams": [things.red, things.blue], "groups": [things.leads, things.writers]}
    bob = accept(acme, offer(acme, "manager", has_global_access=False, **offered))
    assert joined_with(acme, bob) == Terms(Role.MEMBER, False, offered["teams"], offered["groups"])


def test_D09_whoever_is_restricted_gives_no_global_access_below_the_managers(acme: Acme, things: Things) -> None:
    restrict(acme)
    with acme.unchanged(), pytest.raises(NotYoursToGive) as refusal:
        offer(acme)
    assert refusal.value.field == "has_global_access"
    bob = accept(acme, offer(acme, has_global_access=False, teams=[things.red]))
    assert joined_with(acme, bob) == Terms(Role.MEMBER, False, [things.red], [])
    restrict(acme, "manager")
    assert offer(acme, "manager", "eve@example.org").token


def leave_red(acme: Acme, things: Things) -> None:
    def leave(actor: Actor, here: Organization) -> None:
        teams.take_out(actor, here, team(things.red), [actor.member] if actor.member else [])

    acme.act(acme.admin, leave)


def demote(acme: Acme, _things: Things) -> None:
    acme.change(acme.admin, role=Role.MEMBER)
    acme.world.policy(acme.slug, members_may_invite=True)


@pytest.mark.parametrize("lose", [leave_red, demote])
def test_C07_what_the_inviter_may_not_give_any_more_is_left_out_and_the_rest_stands(
    acme: Acme, things: Things, lose: Callable[[Acme, Things], None]
) -> None:
    invited = offer(acme, teams=[things.red], groups=[things.readers])
    lose(acme, things)
    assert joined_with(acme, accept(acme, invited)) == Terms(Role.MEMBER, True, [], [])
    assert left_out(acme, invited) == ["Red", "Readers"]
    entry = acme.entries()[-1]
    assert entry.after
    assert (entry.event, entry.after["left_out"]) == ("invitation.accepted", ["Red", "Readers"])


def test_C07_global_access_of_who_lost_it_is_left_out(acme: Acme, things: Things) -> None:
    invited = offer(acme, teams=[things.red])
    restrict(acme)
    assert joined_with(acme, accept(acme, invited)) == Terms(Role.MEMBER, False, [things.red], [])
    assert left_out(acme, invited) == ["Global access"]


def test_C07_group_that_was_raised_above_the_inviter_is_left_out(acme: Acme, things: Things) -> None:
    first = offer(acme, has_global_access=False, teams=[things.red], groups=[things.readers])

    def raise_level(actor: Actor, here: Organization) -> None:
        group(things.readers).level = Role.OWNER

    acme.act(acme.owner, raise_level)
    assert joined_with(acme, accept(acme, first)) == Terms(Role.MEMBER, False, [things.red], [])
    assert left_out(acme, first) == ["Readers"]


def test_what_was_removed_meanwhile_is_left_out_and_audited(acme: Acme, things: Things) -> None:
    invited = offer(acme, "owner", has_global_access=False, teams=[things.red, things.blue])
    remove_team(acme, things.blue)
    assert joined_with(acme, accept(acme, invited)) == Terms(Role.MEMBER, False, [things.red], [])
    assert (acme.entries()[-1].after or {})["left_out"] == ["Blue"]


def test_resent_and_copied_ones_keep_the_offer(acme: Acme, things: Things) -> None:
    terms = Terms(Role.MEMBER, False, [things.red], [things.readers])
    offered: dict[str, Any] = {"has_global_access": False, "teams": [things.red], "groups": [things.readers]}
    again = resent(acme, offer(acme, "owner", **offered), acme.admin)
    entry = acme.entries()[-1]
    assert entry.before
    assert entry.after
    assert entry.before["teams"] == entry.after["teams"] == [things.red]
    assert joined_with(acme, accept(acme, again)) == terms
    copy = copied(acme, offer(acme, "owner", "eve@example.org", **offered), acme.admin)
    assert joined_with(acme, accept(acme, copy, "Eve Example")) == terms


@pytest.mark.parametrize("act", [resent, copied])
def test_D09_nobody_renews_an_offer_of_more_than_they_may_give(
    acme: Acme, things: Things, act: Callable[..., Invited]
) -> None:
    invited = offer(acme, "owner", teams=[things.blue])
    with acme.unchanged(), pytest.raises(Forbidden, match="more than you may give"):
        act(acme, invited, acme.admin)
    usual = offer(acme, "owner", "eve@example.org")
    restrict(acme)
    with acme.unchanged(), pytest.raises(Forbidden, match="more than you may give"):
        act(acme, usual, acme.admin)


def test_C07_copied_link_gives_only_what_whoever_copied_it_may_still_give(acme: Acme, things: Things) -> None:
    invited = offer(acme, "owner", has_global_access=False, teams=[things.red, things.blue], groups=[things.readers])
    copy = copied(acme, invited, acme.manager)
    acme.change(acme.manager, role=Role.ADMIN)
    assert joined_with(acme, accept(acme, copy)) == Terms(Role.MEMBER, False, [], [])
    assert left_out(acme, invited) == ["Red", "Blue", "Readers"]


def test_declined_and_expired_ones_are_followed_by_an_offer_of_its_own(acme: Acme, things: Things) -> None:
    first = offer(acme, "owner", has_global_access=False, teams=[things.blue])
    acme.close(first, InvitationStatus.DECLINED)
    second = offer(acme, "owner", has_global_access=False, teams=[things.red])
    assert joined_with(acme, accept(acme, second)) == Terms(Role.MEMBER, False, [things.red], [])


def test_request_that_a_list_answers_takes_its_offer(acme: Acme, things: Things) -> None:
    number = ask(acme, "bob@example.org")
    wanted = Offer(Role.MEMBER, 7, False, [things.red], [things.readers])
    acme.act(acme.owner, lambda actor, here: invitation_batches.invite_all(actor, here, "bob@example.org", wanted))
    entry = next(entry for entry in acme.entries() if entry.event == "request.approved")
    assert (entry.before or {}).get("teams") is None
    assert (entry.after or {})["teams"] == [things.red]
    assert acme.world.read(lambda: offers.terms_of(row_of(acme, number))) == wanted.terms


def test_thousand_addresses_are_checked_and_offered_as_fast_as_two(acme: Acme, app: Flask, things: Things) -> None:
    wanted = Offer(Role.MEMBER, 7, False, [things.red], [things.readers])

    def asked(emails: str) -> list[str]:
        with queries(app) as found:
            acme.act(acme.admin, lambda actor, here: invitation_batches.invite_all(actor, here, emails, wanted))
        return found

    few = asked("a@example.org b@example.org")
    many = asked("\n".join(f"person{number}@example.org" for number in range(1000)))
    for read in (few, many):
        assert sum(f"INTO invitation_{kind} " in one for one in read for kind in ("team", "group")) == 2
    assert len(many) - many_rows(many) == len(few) - many_rows(few)


def many_rows(statements: list[str]) -> int:
    """Return how many statements put in the rows that every invitation has, which SQLite takes one by one."""
    return sum(
        one.startswith(("INSERT INTO invitation (", "INSERT INTO invitation_token", "INSERT INTO outbox_message"))
        for one in statements
    )


def test_removed_group_is_named_by_the_invitation_that_offered_it(acme: Acme, things: Things) -> None:
    invited = offer(acme, groups=[things.readers])
    acme.act(acme.owner, lambda actor, here: access_groups.remove(actor, here, group(things.readers)))
    assert joined_with(acme, accept(acme, invited)) == Terms(Role.MEMBER, True, [], [])
    assert left_out(acme, invited) == ["Readers"]
