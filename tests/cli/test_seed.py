"""vestibule seed: a made-up organization that holds together."""

from collections import Counter

from flask import Flask

from tests.support.commands import Command
from tests.support.ledger import Ledger
from tests.support.pages import Page
from tests.support.worlds import PASSWORD, World, post
from webapp.models import Role
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


def test_teams_projects_and_groups_are_given_out_and_some_members_reach_only_theirs(
    vestibule: Command, database_url: str
) -> None:
    ran = vestibule("seed", "--members", 200, "--teams", 12, "--projects", 60, "--groups", 20)
    assert (ran.status, ran.err) == (0, "")
    ledger = Ledger(database_url)
    names = ("team", "project", "access_group")
    assert [ledger.count(name) for name in names] == [12, 60, 20]
    assert [ledger.count("audit_entry", event=f"{kind}.created") for kind in ("team", "project", "group")] == [
        12,
        60,
        20,
    ]
    restricted = {row["id"] for row in ledger.rows("member", has_global_access=False)}
    teams = Counter(row["member_id"] for row in ledger.rows("team_member"))
    assert 30 < len(restricted) < 90
    assert {teams[member] for member in restricted} == {1, 2, 3}
    assert {row["level"] for row in ledger.rows("access_group")} == {Role.MEMBER, Role.ADMIN, Role.MANAGER}
    assert {row["group_id"] for row in ledger.rows("group_project")} == {
        row["id"] for row in ledger.rows("access_group")
    }
    assert ledger.count("group_member") > 20
    assert vestibule("audit", "verify").status == 0


def test_entries_of_a_seeded_organization_say_who_was_where(vestibule: Command, database_url: str) -> None:
    vestibule("seed", "--members", 40, "--teams", 5, "--projects", 10, "--groups", 5)
    ledger = Ledger(database_url)
    said = {row["target_id"]: row["after"] for row in ledger.rows("audit_entry", event="member.joined")}
    for member in ledger.rows("member"):
        after = said[member["id"]]
        assert after["has_global_access"] == member["has_global_access"]
        assert after["teams"] == sorted(row["team_id"] for row in ledger.rows("team_member", member_id=member["id"]))
        assert after["groups"] == sorted(row["group_id"] for row in ledger.rows("group_member", member_id=member["id"]))
    for project in ledger.rows("audit_entry", event="project.created"):
        owners = ledger.rows("team_project", project_id=project["target_id"])
        assert project["after"]["teams"] == sorted(row["team_id"] for row in owners)


def test_same_numbers_give_the_same_organization_each_time(vestibule: Command, database_url: str) -> None:
    for name in ("Hill School", "Dale School"):
        vestibule("seed", "--members", 30, "--teams", 4, "--projects", 9, "--groups", 4, "--name", name)
    hill, dale = (shape(Ledger(database_url), number) for number in (1, 2))
    assert hill == dale
    assert all(hill)


def shape(ledger: Ledger, organization: int) -> list[set[tuple[str, str]]]:
    """Return who and what is in which team and access group of an organization, all by the names lists order by."""
    names = {
        kind: {row["id"]: row[column] for row in ledger.rows(kind, organization_id=organization)}
        for kind, column in (("team", "sort_name"), ("access_group", "name_key"))
    }
    return [
        {(names[kind][row[key]], row["sort_name"]) for row in ledger.rows(table, organization_id=organization)}
        for table, kind, key in (
            ("team_member", "team", "team_id"),
            ("team_project", "team", "team_id"),
            ("group_member", "access_group", "group_id"),
            ("group_project", "access_group", "group_id"),
        )
    ]


def test_what_a_project_or_a_group_needs_is_asked_for(vestibule: Command, database_url: str) -> None:
    for given, missing in ((("--projects", 1), "--teams"), (("--teams", 1, "--groups", 1), "--projects")):
        ran = vestibule("seed", *given)
        assert (ran.status, missing in ran.err) == (2, True)
    assert Ledger(database_url).count("organization") == 0


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
