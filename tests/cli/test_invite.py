"""vestibule invite: the rules of the page, from a terminal."""

from datetime import timedelta

from tests.support.acme import Acme
from tests.support.commands import Command
from tests.support.teams import make_team
from webapp.db import db
from webapp.models import Invitation, Role
from webapp.services import offers, teams
from webapp.services.memberships import Terms


def invited(acme: Acme) -> dict[str, Invitation]:
    """Return the invitations by address."""
    return {row.email: row for row in acme.world.read(lambda: list(db.session.query(Invitation)))}


def test_addresses_are_invited_and_every_other_is_named(acme: Acme, vestibule: Command) -> None:
    acme.world.invite(acme.slug, acme.owner, "waiting@example.org")
    before = len(acme.world.letters())
    typed = ["new@example.org", acme.member.email, "waiting@example.org", "nonsense"]
    ran = vestibule("invite", *typed, "--org", acme.slug, "--role", "admin", "--days", 3)
    assert (ran.status, ran.err) == (0, "")
    assert [line.split(maxsplit=1) for line in ran.out.splitlines()[1:]] == [
        ["new@example.org", "invited"],
        [acme.member.email, "is a member already"],
        ["waiting@example.org", "has an open invitation already"],
        ["nonsense", "is not an email address"],
    ]
    row = invited(acme)["new@example.org"]
    assert (row.role.label, row.expires_at - row.created_at, row.invited_by_id) == ("admin", timedelta(days=3), None)
    assert [letter.to_address for letter in acme.world.letters()[before:]] == ["new@example.org"]
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_kind, entry.actor_name) == ("invitation.sent", "system", "Vestibule")


def test_organization_says_how_long_an_invitation_lives(acme: Acme, vestibule: Command) -> None:
    acme.world.policy(acme.slug, invitation_lifetime_days=12)
    ran = vestibule("invite", "new@example.org", "--org", acme.slug, "--json")
    assert (ran.status, ran.json) == (0, [{"email": "new@example.org", "result": "invited"}])
    row = invited(acme)["new@example.org"]
    assert (row.expires_at - row.created_at, row.role.label) == (timedelta(days=12), "member")


def test_nobody_invited_is_a_failure(acme: Acme, vestibule: Command) -> None:
    with acme.unchanged():
        ran = vestibule("invite", acme.member.email, "--org", acme.slug)
        nowhere = vestibule("invite", "new@example.org", "--org", "nowhere")
    assert ran.status == nowhere.status == 1
    assert "is a member already" in ran.out
    assert nowhere.err == "Error: There is no organization nowhere.\n"


def test_teams_are_offered_instead_of_every_project(acme: Acme, vestibule: Command) -> None:
    red, blue = make_team(acme, "Red"), make_team(acme, "Blue")
    shadow = acme.act(acme.stranger, lambda actor, here: teams.create(actor, here, "Shadow").slug, acme.other_slug)
    ran = vestibule("invite", "new@example.org", "--org", acme.slug, "--team", "red", "--team", "blue", "--team", "red")
    assert (ran.status, ran.err) == (0, "")
    number = invited(acme)["new@example.org"].id
    terms = acme.world.read(lambda: offers.terms_of(db.session.get_one(Invitation, number)))
    assert terms == Terms(Role.MEMBER, False, [red, blue], [])
    with acme.unchanged():
        nowhere = vestibule("invite", "other@example.org", "--org", acme.slug, "--team", shadow)
    assert (nowhere.status, nowhere.err) == (1, "Error: There is no team shadow.\n")


def test_address_of_a_domain_without_a_dot_is_none(acme: Acme, vestibule: Command) -> None:
    ran = vestibule("invite", "x@nowhere", "--org", acme.slug)
    assert (ran.status, "is not an email address" in ran.out) == (1, True)
