"""vestibule members: the whole list, whatever its length."""

from datetime import UTC, datetime

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.commands import Command


def test_everybody_is_listed_page_after_page(acme: Acme, vestibule: Command) -> None:
    crowds.join(acme, [(f"Person {number}", f"person{number}@example.org") for number in range(120)])
    ran = vestibule("members", acme.slug)
    assert (ran.status, ran.err) == (0, "")
    title, *lines = ran.out.splitlines()
    assert title.split() == ["id", "name", "email", "role", "status", "last", "day"]
    assert len(lines) == len(acme.world.roles(acme.slug)) == 125
    [line] = [line for line in lines if "Olive Owner" in line]
    assert line.split() == [str(acme.member_id(acme.owner)), "Olive", "Owner", acme.owner.email, "owner", "active"]


def test_list_is_narrowed_and_printed_as_json(acme: Acme, vestibule: Command) -> None:
    by_role = vestibule("members", acme.slug, "--role", "owner", "--json").json
    assert [row["email"] for row in by_role] == [acme.owner.email, acme.suspended.email]
    ran = vestibule("members", acme.slug, "--role", "owner", "--status", "suspended", "--q", "sam", "--json")
    [row] = ran.json
    assert (row["name"], row["role"], row["status"]) == ("Sam Suspended", "owner", "suspended")
    assert (row["id"], row["user_id"]) == (acme.member_id(acme.suspended), acme.suspended.user_id)


def test_last_day_is_listed_and_whoever_is_past_it_found(acme: Acme, vestibule: Command) -> None:
    assert vestibule("members", acme.slug, "--status", "ended", "--json").json == []
    acme.change(acme.member, expires_at=datetime(2020, 3, 1, tzinfo=UTC))
    [_title, line] = vestibule("members", acme.slug, "--status", "ended").out.splitlines()
    assert line.split()[-2:] == ["ended", "2020-02-29"]
    [row] = vestibule("members", acme.slug, "--status", "ended", "--json").json
    assert (row["status"], row["expires_at"]) == ("ended", "2020-03-01T00:00:00+00:00")


def test_U04_names_are_shown_and_never_obeyed_by_a_terminal(acme: Acme, vestibule: Command) -> None:
    crowds.join(acme, [("\x1b[2Jblank", "blank@example.org")])
    ran = vestibule("members", acme.slug, "--q", "blank")
    assert "?[2Jblank" in ran.out
    assert "\x1b" not in ran.out


def test_unknown_organization_or_role_is_a_sentence(acme: Acme, vestibule: Command) -> None:
    ran = vestibule("members", "nowhere")
    assert (ran.status, ran.out, ran.err) == (1, "", "Error: There is no organization nowhere.\n")
    wrong = vestibule("members", acme.slug, "--role", "king")
    assert wrong.status == 2
    assert "'king' is not one of" in wrong.err
