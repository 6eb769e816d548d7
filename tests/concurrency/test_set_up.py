"""The set-up link, used by many at the same moment: one owner, one organization, a clean refusal for the rest."""

import pytest

from tests.support.ledger import Ledger
from tests.support.server import Server
from tests.support.settings import SECRET_KEY
from tests.support.sizes import rounds
from tests.support.visitor import Visitor, at_once, visitor_at
from tests.support.worlds import PASSWORD
from webapp.services.first_run import setup_token

LINK = f"/setup/{setup_token(SECRET_KEY)}"
PEOPLE = 8


@pytest.mark.parametrize("_number", rounds(3))
def test_C15_set_up_at_once_makes_one_owner_and_one_organization(server: Server, ledger: Ledger, _number: int) -> None:
    visitors = [visitor_at(server.url, LINK) for _ in range(PEOPLE)]

    def set_up(index: int, visitor: Visitor) -> str:
        answer = visitor.send(
            LINK,
            organization_name=f"Harbour {index}",
            name=f"Guest {index}",
            email=f"guest{index}@example.com",
            password=PASSWORD,
        )
        assert answer.status in (303, 404)
        assert answer.status == 303 or "Vestibule is set up already" in answer.text
        return answer.location

    locations = at_once(PEOPLE, lambda index: set_up(index, visitors[index]))
    [organization] = ledger.rows("organization")
    assert [location for location in locations if location] == [f"/orgs/{organization['slug']}/members"]
    [user] = ledger.rows("user")
    assert user["is_instance_administrator"]
    [member] = ledger.rows("member")
    assert (member["user_id"], int(member["role"])) == (user["id"], 40)
    assert ledger.count("email_address") == ledger.count("session") == 1
    assert visitor_at(server.url, LINK).get(LINK).status == 404
