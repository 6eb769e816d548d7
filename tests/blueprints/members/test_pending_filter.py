"""The filter of the Pending tab, its actions with the reasons where there are none, and its CSV file."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL, RESULTS, Page
from tests.support.worlds import Invited, Person
from webapp.models import InvitationStatus, Role


@pytest.fixture
def sorts(acme: Acme) -> dict[str, Invited]:
    """One invitation that is pending, one that has expired, one that was declined."""
    with time_machine.travel(datetime.now(UTC) - timedelta(days=8)):
        expired = acme.world.invite(acme.slug, acme.admin, "guest-expired@example.org")
    waiting = acme.world.invite(acme.slug, acme.admin, "guest-open@example.org", Role.ADMIN)
    declined = acme.world.invite(acme.slug, acme.manager, "guest-declined@example.org")
    acme.close(declined, InvitationStatus.DECLINED)
    return {"pending": waiting, "expired": expired, "declined": declined}


def page(acme: Acme, query: str = "", person: Person | None = None, headers: dict[str, str] | None = None) -> Page:
    return Page(acme.browser(person or acme.owner).get(acme.address(f"members/pending{query}"), headers=headers))


def buttons(page: Page, invited: Invited) -> list[str]:
    """Return the names of the actions of a row."""
    base = f"/invitations/{invited.id}/"
    actions = [element.attributes.get("formaction", "") for element in page.elements]
    return [action.rpartition("/")[2] for action in actions if base in action]


@pytest.mark.parametrize("headers", [{}, PANEL, RESULTS], ids=["page", "panel", "results"])
@pytest.mark.parametrize("state", ["pending", "expired", "declined"])
def test_filter_shows_one_state(acme: Acme, sorts: dict[str, Invited], state: str, headers: dict[str, str]) -> None:
    for query in (f"?state={state}", f"?q=guest&state={state}"):
        assert page(acme, query, headers=headers).rows("invitation") == [sorts[state].id]


def test_addresses_of_earlier_show_what_is_pending(acme: Acme, sorts: dict[str, Invited]) -> None:
    shown = page(acme, "?state=open")
    assert shown.rows("invitation") == [sorts["pending"].id]
    [chosen] = [element for element in shown.elements if "selected" in element.attributes]
    assert chosen.attributes["value"] == "pending"


def test_without_a_filter_all_are_shown_and_the_tab_counts_them(acme: Acme, sorts: dict[str, Invited]) -> None:
    for query in ("", "?state="):
        assert set(page(acme, query).rows("invitation")) == {invited.id for invited in sorts.values()}
    assert page(acme, "?state=pending").by_id("tab-pending").text == "Pending 3"


def test_filter_stays_chosen_and_goes_along_to_the_next_page(acme: Acme) -> None:
    crowds.invite(acme, [f"guest{number}@example.org" for number in range(51)])
    for query in ("?state=pending", "?q=guest&state=pending"):
        first = page(acme, query)
        [chosen] = [element for element in first.elements if "selected" in element.attributes]
        assert chosen.attributes["value"] == "pending"
        link = first.link("page-next")
        assert link
        assert "state=pending" in link
        assert len(Page(acme.browser(acme.owner).get(link)).rows("invitation")) == 1


@pytest.mark.parametrize("state", ["accepted", "requested", "revoked", "OPEN", "'", "0"])
def test_unknown_state_is_not_found(acme: Acme, state: str) -> None:
    browser = acme.browser(acme.owner)
    for path in ("members/pending", "members/pending.csv"):
        assert browser.get(acme.address(path), query_string={"state": state}).status_code == 404


def test_empty_filter_says_what_to_do_next(acme: Acme) -> None:
    found = page(acme, "?state=declined")
    assert "No such invitations" in found.text
    assert "Show all invitations" in found.text


def test_each_state_has_its_actions(acme: Acme, sorts: dict[str, Invited]) -> None:
    found = page(acme)
    assert {state: buttons(found, invited) for state, invited in sorts.items()} == {
        "pending": ["resend", "link", "revoke"],
        "expired": ["resend", "revoke"],
        "declined": ["resend", "revoke"],
    }


def test_C08_offer_above_ones_role_has_a_reason_instead_of_actions(acme: Acme) -> None:
    above = acme.world.invite(acme.slug, acme.owner, "bob@example.org", Role.MANAGER)
    own = acme.world.invite(acme.slug, acme.owner, "eve@example.org", Role.ADMIN)
    found = page(acme, person=acme.admin)
    assert buttons(found, above) == []
    assert "Above your role" in found.by_id(f"invitation-{above.id}").text
    assert buttons(found, own) == ["resend", "link", "revoke"]


def test_offer_of_who_may_invite_no_more_says_so_and_can_be_resent(acme: Acme, sorts: dict[str, Invited]) -> None:
    acme.change(acme.admin, role=Role.MEMBER)
    found = page(acme)
    assert "Whoever invited may not invite any more" in found.by_id(f"invitation-{sorts['pending'].id}").text
    assert buttons(found, sorts["pending"]) == ["resend", "revoke"]


def test_who_may_not_invite_sees_the_list_without_actions(acme: Acme, sorts: dict[str, Invited]) -> None:
    found = page(acme, person=acme.member)
    assert len(found.rows("invitation")) == 3
    assert [buttons(found, invited) for invited in sorts.values()] == [[], [], []]
    assert "Download as CSV" not in found.text


class TestCsv:
    """GET /orgs/<org>/members/pending.csv."""

    @staticmethod
    def rows(acme: Acme, query: str = "") -> list[list[str]]:
        answer = acme.browser(acme.owner).get(acme.address(f"members/pending.csv{query}"))
        assert answer.status_code == 200
        return list(csv.reader(io.StringIO(answer.get_data(as_text=True), newline="")))

    def test_file_has_the_rows_of_the_list(self, acme: Acme, sorts: dict[str, Invited]) -> None:
        columns, *rows = self.rows(acme)
        assert columns == ["address", "role", "status", "invited by", "invited at", "expires at"]
        assert [row[:4] for row in rows] == [
            ["guest-declined@example.org", "member", "declined", "Mona Manager"],
            ["guest-open@example.org", "admin", "pending", "Adam Admin"],
            ["guest-expired@example.org", "member", "expired", "Adam Admin"],
        ]
        assert datetime.fromisoformat(rows[1][5]) - datetime.fromisoformat(rows[1][4]) == timedelta(days=7)
        assert [row[0] for row in self.rows(acme, "?q=guest&state=pending")[1:]] == ["guest-open@example.org"]

    def test_file_says_with_the_page_whose_offer_has_nobody_behind_it(
        self, acme: Acme, sorts: dict[str, Invited]
    ) -> None:
        acme.deactivate(acme.admin)
        assert [row[2] for row in self.rows(acme, "?state=pending")[1:]] == ["withdrawn"]
        said = page(acme, "?state=pending").by_id(f"invitation-{sorts['pending'].id}").text
        assert "Whoever invited may not invite any more" in said
        assert "was revoked" in Page(acme.browser().get(sorts["pending"].link)).text

    def test_file_has_all_pages(self, acme: Acme) -> None:
        emails = [f"guest{number}@example.org" for number in range(1001)]
        for start in range(0, 1001, 500):
            crowds.invite(acme, emails[start : start + 500])
        assert sorted(row[0] for row in self.rows(acme)[1:]) == sorted(emails)

    def test_link_on_the_page_carries_the_filter(self, acme: Acme, sorts: dict[str, Invited]) -> None:
        links = [element.attributes.get("href", "") for element in page(acme, "?q=guest&state=pending").elements]
        assert acme.address("members/pending.csv?q=guest&state=pending") in links

    def test_file_is_private_and_has_a_name(self, acme: Acme) -> None:
        answer = acme.browser(acme.owner).get(acme.address("members/pending.csv"))
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Disposition"] == "attachment; filename=acme-pending.csv"
        assert answer.mimetype == "text/csv"

    def test_U04_address_that_is_a_formula_is_text(self, acme: Acme) -> None:
        acme.world.invite(acme.slug, acme.owner, "=1+1@example.org")
        acme.world.invite(acme.slug, acme.owner, "+1@example.org")
        assert [row[0] for row in self.rows(acme)[1:]] == ["'+1@example.org", "'=1+1@example.org"]

    def test_D01_file_is_for_those_who_may_invite(self, acme: Acme) -> None:
        people = {"stranger": 404, "suspended": 404, "member": 403, "admin": 200}
        for name, status in people.items():
            with acme.unchanged():
                assert acme.browser(getattr(acme, name)).get(acme.address("members/pending.csv")).status_code == status
        assert acme.browser().get(acme.address("members/pending.csv")).status_code == 303

    def test_D02_nothing_of_another_organization_is_in_it(self, acme: Acme) -> None:
        acme.world.invite(acme.other_slug, acme.stranger, "guest@example.org")
        assert self.rows(acme)[1:] == self.rows(acme, "?q=guest")[1:] == []
