"""One address, proven by several at the same moment: it belongs to one of them."""

import pytest

from tests.support.ledger import Ledger
from tests.support.server import Server
from tests.support.unproven import unproven
from tests.support.visitor import at_once, visitor_at
from tests.support.worlds import World


@pytest.mark.parametrize("number", range(3))
def test_C15_accounts_that_prove_one_address_at_once_leave_it_to_one(
    world: World, server: Server, ledger: Ledger, number: int
) -> None:
    claims = [unproven(world, f"mia{number}@example.org", f"Mia {rival}") for rival in range(4)]
    tabs = [visitor_at(server.url, f"/verify-email/{token}", world, person) for person, token in claims]
    answers = at_once(4, lambda index: tabs[index].send(f"/verify-email/{claims[index][1]}"))
    assert [answer.status for answer in answers].count(303) == 1
    assert {answer.status for answer in answers} <= {303, 409, 422}
    assert sum(row["verified_at"] is not None for row in ledger.rows("email_address")) == 1
    assert ledger.count("audit_entry", event="account.address_verified") == 1


def test_C05_tabs_that_follow_one_link_at_once_prove_it_once(world: World, server: Server, ledger: Ledger) -> None:
    person, token = unproven(world, "mia@example.org")
    tabs = [visitor_at(server.url, f"/verify-email/{token}", world, person) for _ in range(6)]
    answers = at_once(6, lambda index: tabs[index].send(f"/verify-email/{token}"))
    assert sorted(answer.status for answer in answers) == [303, *[404] * 5]
    assert ledger.count("audit_entry", event="account.address_verified") == 1
