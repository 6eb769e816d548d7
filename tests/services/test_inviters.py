"""Those who stand behind an invitation: plug-ins have a say in whether they still do, as in every decision."""

from collections.abc import Callable

import pytest

from tests.services.test_copied_links import followed, register, state
from tests.support.acme import Acme
from tests.support.plugins import NO, YES, Keeper, installed
from tests.support.statements import queries
from tests.support.unproven import copied
from webapp.access.facts import MemberFacts
from webapp.access.plugins import Opinion, hookimpl
from webapp.access.roles import Scope
from webapp.errors import InvitationNotOpen
from webapp.models import MemberStatus, Role
from webapp.queries.invitations import pending_of


class Chosen:
    """Says of inviting what is told about some people, by address, and nothing about anything else."""

    def __init__(self, said: dict[str, Opinion]) -> None:
        self.said = said

    @hookimpl
    def vestibule_decide(self, actor: MemberFacts, scope: Scope) -> Opinion | None:
        """Return what is told."""
        return self.said.get(actor.email or "") if scope is Scope.MEMBER_INVITE else None


def listed(acme: Acme) -> list[str]:
    page = acme.world.read(lambda: pending_of(acme.organization(), q="", after=""))
    return [row.state for row in page.rows]


def test_C07_mailed_link_is_dead_while_a_plug_in_denies_its_sender(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.admin, "bob@example.org")
    link = followed(acme, invited)
    with installed(strict=Keeper(Scope.MEMBER_INVITE, acme.slug)):
        assert (state(acme, invited), listed(acme)) == ("revoked", ["withdrawn"])
        with acme.unchanged(), pytest.raises(InvitationNotOpen):
            register(acme, link)
    assert (state(acme, invited), listed(acme)) == ("pending", ["pending"])
    register(acme, link)


def test_C07_copied_link_is_dead_while_a_plug_in_denies_who_copied_it(acme: Acme) -> None:
    mailed = acme.world.invite(acme.slug, acme.owner, "bob@example.org")
    copy = copied(acme, mailed, acme.admin)
    link = followed(acme, copy)
    with installed(strict=Chosen({acme.admin.email: NO})):
        assert (state(acme, mailed), state(acme, copy), listed(acme)) == ("pending", "revoked", ["pending"])
        with acme.unchanged(), pytest.raises(InvitationNotOpen):
            register(acme, link)


def test_what_somebody_invites_whom_a_plug_in_lets_is_taken_up(acme: Acme) -> None:
    with installed(kind=Chosen({acme.member.email: YES})):
        invited = acme.world.invite(acme.slug, acme.member, "bob@example.org")
        assert (state(acme, invited), listed(acme)) == ("pending", ["pending"])
        register(acme, followed(acme, invited))
    assert acme.world.roles(acme.slug)["Bob Builder"] == "member"


def suspend(acme: Acme) -> None:
    acme.change(acme.admin, status=MemberStatus.SUSPENDED)


def demote(acme: Acme) -> None:
    acme.change(acme.admin, role=Role.MEMBER)


@pytest.mark.parametrize("loss", [suspend, demote, lambda acme: acme.deactivate(acme.admin)])
def test_C07_plug_in_that_allows_opens_no_offer_of_who_may_not_use_their_membership_or_is_below_it(
    acme: Acme, loss: Callable[[Acme], None]
) -> None:
    invited = acme.world.invite(acme.slug, acme.admin, "bob@example.org", Role.ADMIN)
    link = followed(acme, invited)
    loss(acme)
    with installed(kind=Chosen({acme.admin.email: YES})):
        assert (state(acme, invited), listed(acme)) == ("revoked", ["withdrawn"])
        with acme.unchanged(), pytest.raises(InvitationNotOpen):
            register(acme, link)


def test_list_asks_plug_ins_once_about_each_inviter(acme: Acme) -> None:
    def statements() -> int:
        here = acme.organization()
        with queries(acme.world.app) as found:
            assert {row.state for row in pending_of(here, q="", after="").rows} == {"pending"}
        return len(found)

    for number in range(3):
        acme.world.invite(acme.slug, acme.admin, f"bob{number}@example.org")
    without = acme.world.read(statements)
    with installed(silent=Chosen({})):
        assert acme.world.read(statements) == without + 1
