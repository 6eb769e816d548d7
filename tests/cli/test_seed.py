"""vestibule seed: a made-up organization that holds together."""

from flask import Flask

from tests.support.commands import Command
from tests.support.ledger import Ledger
from tests.support.pages import Page
from tests.support.worlds import PASSWORD, World, post
from webapp.services.seed import INVITATIONS_A_STEP

MEMBERS = 30
INVITATIONS = INVITATIONS_A_STEP + 1


def test_seeded_organization_holds_together(app: Flask, world: World, vestibule: Command, database_url: str) -> None:
    ran = vestibule("seed", "--members", MEMBERS, "--invitations", INVITATIONS, "--name", "Hill School")
    assert (ran.status, ran.err) == (0, "")
    facts = dict(line.split(maxsplit=1) for line in ran.out.splitlines())
    assert facts["Organization"].endswith("/orgs/hill-school/members")
    ledger = Ledger(database_url)
    assert ledger.count("member") == MEMBERS + 1
    assert ledger.count("invitation", status="pending") == INVITATIONS
    assert ledger.count("audit_entry", event="member.joined") == MEMBERS + 1
    assert ledger.count("audit_entry", event="account.created") == MEMBERS + 1
    assert vestibule("audit", "verify").status == 0


def test_no_letter_of_a_seeded_organization_leaves(world: World, vestibule: Command) -> None:
    vestibule("seed", "--members", 1, "--invitations", 3)
    assert {(letter.state.value, letter.secret) for letter in world.letters("invitation")} == {("sent", None)}


def test_owner_chooses_a_password_by_the_printed_link_and_administers_an_empty_instance(
    app: Flask, vestibule: Command
) -> None:
    ran = vestibule("seed", "--members", 3)
    browser = app.test_client()
    link = ran.out.rsplit(maxsplit=1)[1]
    reset = link[link.index("/reset-password/") :]
    assert post(browser, reset, page=reset, password=PASSWORD).status_code == 303
    owner = ran.out.split("Owner", 1)[1].split(maxsplit=1)[0]
    assert post(browser, "/login", page="/login", email=owner, password=PASSWORD).status_code == 303
    page = Page(browser.get("/orgs/seedling/members"))
    assert len(page.rows("member")) == 4
    assert vestibule("setup-link").status == 1


def test_second_organization_gets_a_slug_and_an_owner_of_its_own(vestibule: Command, database_url: str) -> None:
    first, second = vestibule("seed", "--members", 2), vestibule("seed", "--members", 2)
    assert (first.status, second.status) == (0, 0)
    ledger = Ledger(database_url)
    assert ledger.count("organization", name="Seedling") == 2
    assert ledger.count("user", is_instance_administrator=True) == 1
