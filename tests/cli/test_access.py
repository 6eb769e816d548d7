"""vestibule access: the answer, what led to it, and what would turn it."""

import os
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.support.acme import Acme
from tests.support.commands import Command
from tests.support.plugins import install
from tests.support.sso import connection
from tests.support.teams import make_group, make_project, make_team, project
from tests.support.worlds import Person
from webapp.db import db
from webapp.models import EmailAddress, Enforcement, Project, Role
from webapp.services import projects
from webapp.services.projects import MOST_NAMED

STRICT = """
from webapp.access.plugins import Opinion, hookimpl

@hookimpl
def vestibule_decide(actor, scope):
    return Opinion(False, "closed\\x1b[2J today") if actor.email == "mina@example.com" else None
"""


@pytest.fixture
def payroll(acme: Acme) -> int:
    """A project that the member reads through a team and an access group, and writes through the latter."""
    acme.change(acme.member, has_global_access=False)
    red = make_team(acme, "Red", acme.member)
    number = make_project(acme, "Payroll", red)
    make_group(acme, red, "Writers", Role.ADMIN, ([number], [acme.member]))
    return number


def test_allowed_with_every_grant_and_what_would_have_to_end(acme: Acme, payroll: int, vestibule: Command) -> None:
    ran = vestibule("access", "Mina@Example.com", "payroll")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "Mina Member has project:read on Payroll (acme).",
        "  grant: the team Red, at the level member",
        "  grant: the access group Writers, at the level admin",
        "To end one of these is not enough. The answer would be no without all of them:",
        "  the team Red, at the level member",
        "  the access group Writers, at the level admin",
    ]


def test_refused_with_blockers_and_the_level_that_is_missing(acme: Acme, payroll: int, vestibule: Command) -> None:
    acme.act(acme.owner, lambda actor, here: projects.archive(actor, here, project(payroll)))
    ran = vestibule("access", acme.member.email, f"{acme.slug}/payroll", "--scope", "project:admin")
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.splitlines() == [
        "Mina Member does not have project:admin on Payroll (acme).",
        "  grant: the team Red, at the level member",
        "  grant: the access group Writers, at the level admin",
        "  blocker: the project is archived, so it can only be read",
        "These would have to go before any grant counts:",
        "  the project is archived, so it can only be read",
        "The grants give the level admin. One at the level manager is needed.",
    ]


def test_refused_while_the_provider_does_not_vouch_for_them(acme: Acme, payroll: int, vestibule: Command) -> None:
    def require() -> None:
        connection(acme.organization(), "https://id.example.org").enforcement = Enforcement.REQUIRED

    acme.world.write(require)
    ran = vestibule("access", acme.member.email, "payroll")
    assert ran.status == 1
    assert "  blocker: single sign-on is required, and the provider has not vouched for them of late" in ran.out


def test_answer_as_json(acme: Acme, payroll: int, vestibule: Command) -> None:
    ran = vestibule("access", acme.member.email, "payroll", "--scope", "project:write", "--json")
    assert ran.status == 0
    [team, group] = ran.json["grants"]
    assert (team["kind"], team["name"], team["level"]) == ("team", "Red", "member")
    assert ran.json["allowed"] is True
    assert ran.json["level"] == "admin"
    assert ran.json["opposite"] == {
        "allowed": False,
        "grants": [group],
        "blockers": [],
        "opinions": [],
        "missing": None,
        "highest": None,
        "is_member": True,
        "giving": [],
    }
    refused = vestibule("access", acme.member.email, "payroll", "--scope", "project:admin", "--json")
    assert refused.status == 1
    assert (refused.json["opposite"]["missing"], refused.json["opposite"]["giving"]) == ("manager", [])


def test_installed_plug_in_is_asked_and_shown(acme: Acme, payroll: int, vestibule: Command, tmp_path: Path) -> None:
    (tmp_path / "vestibule_strict.py").write_text(STRICT)
    install(tmp_path, "vestibule_strict", {"strict": "vestibule_strict"})
    ran = vestibule("access", acme.member.email, "payroll", found_in=[str(tmp_path)])
    assert (ran.status, ran.err) == (1, "")
    assert "  opinion: the plug-in strict says no: closed?[2J today" in ran.out.splitlines()
    shown = vestibule("access", acme.member.email, "payroll", "--json", found_in=[str(tmp_path)])
    assert shown.json["opinions"] == [{"allows": False, "reason": "closed\x1b[2J today", "plugin": "strict"}]
    assert vestibule("access", acme.owner.email, "payroll", found_in=[str(tmp_path)]).status == 0


def test_plug_in_that_cannot_be_loaded_stops_the_command(acme: Acme, vestibule: Command, tmp_path: Path) -> None:
    install(tmp_path, "vestibule_absent", {"absent": "vestibule_absent"})
    ran = vestibule("members", acme.slug, found_in=[str(tmp_path)])
    assert (ran.status, ran.out) == (os.EX_CONFIG, "")
    assert "A plug-in cannot be loaded: ModuleNotFoundError" in ran.err


def test_stranger_to_the_organization_is_refused(acme: Acme, payroll: int, vestibule: Command) -> None:
    ran = vestibule("access", acme.stranger.email, f"{acme.slug}/payroll")
    assert ran.status == 1
    assert ran.out.splitlines()[1:] == [
        "They would have to become a member of the organization first.",
        "No grant gives anything. One at the level member is needed. Any of these gives it:",
        "  being in a team that owns the project: Red",
        "  being in an access group that holds the project",
        "  global access",
    ]
    turned = vestibule("access", acme.stranger.email, f"{acme.slug}/payroll", "--json").json["opposite"]
    assert (turned["is_member"], turned["giving"]) == (False, [line.strip() for line in ran.out.splitlines()[3:]])


def test_what_is_unknown_is_a_sentence_and_a_status_of_its_own(acme: Acme, payroll: int, vestibule: Command) -> None:
    acme.world.member(acme.other_slug, acme.member, Role.MEMBER)
    acme.world.person("Nora Nowhere", "nora@example.com")
    for arguments, sentence in (
        (
            ("nobody@example.com", "payroll"),
            "Nobody has nobody@example.com as a verified address, and no member is listed with it.",
        ),
        (("nobody", "payroll"), "nobody is not an email address."),
        (("nora@example.com", "payroll"), "Nora Nowhere belongs to no organization."),
        (
            (acme.member.email, "payroll"),
            "Mina Member belongs to several organizations: say ORG/PROJECT. They are acme, umbra.",
        ),
        ((acme.member.email, "nowhere/payroll"), "There is no organization nowhere."),
        (
            (acme.member.email, "umbra/payroll"),
            "There is no project payroll in umbra. Say its slug, which is its name in addresses.",
        ),
    ):
        ran = vestibule("access", *arguments)
        assert (ran.status, ran.out, ran.err) == (2, "", f"Error: {sentence}\n")


def test_project_is_found_by_the_slug_it_had(acme: Acme, payroll: int, vestibule: Command) -> None:
    acme.act(acme.owner, lambda actor, here: projects.rename(actor, here, project(payroll), "Wages"))
    ran = vestibule("access", acme.member.email, "payroll")
    assert ran.status == 0
    assert "on Wages (acme)" in ran.out


def unprove(acme: Acme, email: str, *people: Person) -> None:
    """Let an address be the one these people are listed with, and none of them have verified it."""

    def unprove() -> None:
        theirs = update(EmailAddress).where(EmailAddress.user_id.in_([person.user_id for person in people]))
        db.session.execute(theirs.values(address=email, canonical=email.lower(), verified_at=None))

    acme.world.write(unprove)


def test_member_whom_nobody_here_has_verified_is_found_as_the_list_shows_them(
    acme: Acme, payroll: int, vestibule: Command
) -> None:
    unprove(acme, "Mina@provider.example.org", acme.member)
    for asked in ("payroll", "acme/payroll"):
        ran = vestibule("access", "mina@Provider.example.org", asked)
        assert (ran.status, ran.err) == (0, "")
        assert ran.out.startswith(
            "Mina Member has project:read on Payroll (acme).\n  they have not verified this address\n"
        )
    elsewhere = vestibule("access", "mina@provider.example.org", "umbra/payroll")
    assert elsewhere.status == 2
    assert "no member is listed with it in umbra." in elsewhere.err
    mistyped = vestibule("access", "mina@provider.example.org", "nowhere/payroll")
    assert (mistyped.status, mistyped.out, mistyped.err) == (2, "", "Error: There is no organization nowhere.\n")


def test_members_are_meant_before_whoever_has_verified_the_address_and_belongs_elsewhere(
    acme: Acme, payroll: int, vestibule: Command
) -> None:
    unprove(acme, acme.stranger.email, acme.member)
    ran = vestibule("access", acme.stranger.email, "acme/payroll")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith(
        "Mina Member has project:read on Payroll (acme).\n  they have not verified this address\n"
    )
    elsewhere = vestibule("access", acme.stranger.email, "umbra/payroll")
    assert "There is no project payroll in umbra." in elsewhere.err
    acme.world.person("Nora Nowhere", "nora@example.com")
    unprove(acme, "nora@example.com", acme.member)
    assert vestibule("access", "nora@example.com", "payroll").out.startswith("Mina Member has")


def test_member_who_has_verified_the_address_is_meant_before_one_who_is_only_listed_with_it(
    acme: Acme, payroll: int, vestibule: Command
) -> None:
    unprove(acme, acme.admin.email, acme.member)
    for asked in ("payroll", "acme/payroll"):
        ran = vestibule("access", acme.admin.email, asked)
        assert (ran.status, ran.err) == (0, "")
        assert ran.out.startswith("Adam Admin has project:read on Payroll (acme).\n  grant: global access")


def test_json_says_whether_the_address_is_proven(acme: Acme, payroll: int, vestibule: Command) -> None:
    assert vestibule("access", acme.member.email, "payroll", "--json").json["is_address_proven"] is True
    unprove(acme, "mina@provider.example.org", acme.member)
    assert vestibule("access", "mina@provider.example.org", "payroll", "--json").json["is_address_proven"] is False


def test_several_who_are_listed_with_one_address_are_not_chosen_from(
    acme: Acme, payroll: int, vestibule: Command
) -> None:
    unprove(acme, "both@example.org", acme.member, acme.admin)
    ran = vestibule("access", "both@example.org", "payroll")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "Error: Several members are listed with both@example.org, and none of them has verified it.\n"


def test_project_is_found_by_its_name_where_no_other_has_it(acme: Acme, payroll: int, vestibule: Command) -> None:
    blue = make_team(acme, "Blue")
    make_project(acme, "Route planner", blue)
    for asked in ("Route planner", "acme/Route planner", "route-planner"):
        ran = vestibule("access", acme.owner.email, asked)
        assert (ran.status, ran.err) == (0, "")
        assert "on Route planner (acme)" in ran.out
    make_project(acme, "Route planner", make_team(acme, "Green"))
    both = slugs_called(acme, "Route planner")
    assert len(both) == 2
    ran = vestibule("access", acme.owner.email, "Route planner")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"Error: Several projects are called Route planner. Say the slug of one: {', '.join(both)}.\n"


def test_only_some_of_many_projects_with_one_name_are_listed(acme: Acme, vestibule: Command) -> None:
    for number in range(MOST_NAMED):
        make_project(acme, "Rota", make_team(acme, f"Team {number}"))
    listed = ", ".join(slugs_called(acme, "Rota"))
    assert vestibule("access", acme.owner.email, "Rota").err.endswith(f"Say the slug of one: {listed}.\n")
    make_project(acme, "Rota", make_team(acme, "One more"))
    listed = ", ".join(slugs_called(acme, "Rota")[:MOST_NAMED])
    assert vestibule("access", acme.owner.email, "Rota").err.endswith(f"Say the slug of one: {listed} and others.\n")


def slugs_called(acme: Acme, name: str) -> list[str]:
    """Return the slugs of the projects that have a name, in their order."""
    return sorted(acme.world.read(lambda: db.session.scalars(select(Project.slug).where(Project.name == name)).all()))
