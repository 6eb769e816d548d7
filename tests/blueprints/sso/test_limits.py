"""How much single sign-on does in a day: the last that is done, and the first that is not."""

from datetime import timedelta

import time_machine
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.sso import Desk, rows
from tests.support.taking_away import page_of, take_away, wrongly_linked
from tests.support.teams import make_group, make_project, make_team
from tests.support.worlds import Person, World, post
from webapp import clock
from webapp.db import db
from webapp.models import Joining, LetterState, RecoveryCode, Role, SsoDomain, SsoMapping
from webapp.services import attempts, member_letters
from webapp.services.attempts import CHANGES_A_DAY, DAY, Limit
from webapp.services.sso import domains, recovery
from webapp.services.sso.domains import MOST_LETTERS_A_DAY
from webapp.services.sso.identities import LETTERS_A_DAY, REFUSALS_TOLD_A_DAY
from webapp.services.sso.letters import MOST_A_DAY
from webapp.services.sso.mappings import MOST_MAPPINGS

TOMORROW = timedelta(days=1, minutes=1)


def all_but_one(acme: Acme, bucket: str, most: int) -> None:
    """Let all that a day allows be used up but one; `bucket` may name Acme by its id."""
    number = acme.world.read(lambda: acme.organization().id)
    limit = Limit(bucket.format(number), most, DAY)
    acme.world.write(attempts.raise_counters, {limit: most - 1})


def test_X06_owners_get_so_many_letters_a_day_about_domains(world: World, acme: Acme, desk: Desk) -> None:
    desk.prove_domain("corp.example.org")

    def lose() -> None:
        domains.lose(acme.organization(), db.session.scalars(select(SsoDomain)).one(), "lost", domains.HANDED_OVER)

    all_but_one(acme, "sso:domain-letters:{}", MOST_LETTERS_A_DAY)
    for _ in range(2):
        world.write(lose)
        assert [letter.to_address for letter in world.letters("sso_domain")] == [acme.owner.email]
    with time_machine.travel(clock.now() + TOMORROW, tick=False):
        world.write(lose)
    assert len(world.letters("sso_domain")) == 2


def arrive(desk: Desk, name: str) -> None:
    """Let somebody join through the provider, whom nobody has invited."""
    desk.theirs.people[name] = {"email": f"{name}@example.org", "email_verified": True}
    desk.theirs.person = name
    assert desk.sign_in(desk.acme.world.browser()).status_code == 303


def test_X06_owners_are_told_of_so_many_arrivals_a_day(world: World, acme: Acme, desk: Desk) -> None:
    desk.set(joining=Joining.ALLOWED)
    desk.prove_domain("example.org")
    all_but_one(acme, "sso:arrivals:{}", MOST_A_DAY)
    for name in ("first", "second"):
        arrive(desk, name)
    assert [letter.data["claimed"] for letter in world.letters("sso_joined")] == ["first@example.org"]
    assert {"first", "second"} <= world.roles(acme.slug).keys()
    with time_machine.travel(clock.now() + TOMORROW, tick=False):
        arrive(desk, "third")
    assert [letter.data["claimed"] for letter in world.letters("sso_joined")][1:] == ["third@example.org"]


def test_X06_person_gets_so_many_letters_a_day_about_their_link(world: World, acme: Acme, desk: Desk) -> None:
    all_but_one(acme, f"sso:letters:{{}}:{acme.member.user_id}", LETTERS_A_DAY)
    browser = acme.browser(acme.member)
    desk.link(browser)
    assert post(browser, desk.address("unlink"), confirm="1").status_code == 303
    assert [letter.kind for letter in world.letters() if letter.kind.startswith("sso_")] == ["sso_linked"]
    desk.theirs.person = "u-2"
    other = acme.browser(acme.admin)
    desk.link(other)
    assert [letter.to_address for letter in world.letters("sso_linked")] == [acme.member.email, acme.admin.email]


def test_X06_links_tried_in_vain_keep_no_letter_about_the_one_that_is_changed_from_leaving(
    world: World, acme: Acme, desk: Desk
) -> None:
    desk.know(acme.member, "u-1")
    desk.theirs.person = "u-2"
    browser = acme.browser(acme.member)
    for _ in range(REFUSALS_TOLD_A_DAY + 1):
        assert desk.link(browser).status_code == 409
    all_but_one(acme, f"sso:letters:{{}}:{acme.member.user_id}", LETTERS_A_DAY)
    assert post(browser, desk.address("unlink"), confirm="1").status_code == 303
    kinds = [letter.kind for letter in world.letters() if letter.kind.startswith("sso_")]
    assert kinds == ["sso_link_refused"] * REFUSALS_TOLD_A_DAY + ["sso_unlinked"]


def kinds_sent(world: World, person: Person) -> list[str]:
    """Return which letters leave to somebody, and were not over a limit."""
    theirs = (letter for letter in world.letters() if letter.to_address == person.email)
    return [letter.kind for letter in theirs if letter.state is not LetterState.DROPPED]


def test_X06_letters_about_a_membership_keep_none_about_a_link_that_was_taken_away_from_leaving(
    world: World, acme: Acme, desk: Desk
) -> None:
    wrongly_linked(desk)
    all_but_one(acme, f"membership:letters:{{}}:{acme.member.user_id}", member_letters.LETTERS_A_DAY)
    for role in ("admin", "member"):
        form = {"role": role, "has_global_access": "1", "confirm": "1"}
        assert post(acme.browser(acme.owner), page_of(acme, acme.member), **form).status_code == 303
    assert take_away(desk, acme.member).status_code == 303
    assert kinds_sent(world, acme.member) == ["role_changed", "sso_taken_away"]


def test_X06_person_gets_so_many_letters_a_day_about_links_that_were_taken_away(
    world: World, acme: Acme, desk: Desk
) -> None:
    wrongly_linked(desk)
    all_but_one(acme, f"membership:links:{{}}:{acme.member.user_id}", member_letters.LETTERS_A_DAY)
    for _ in range(2):
        assert take_away(desk, acme.member).status_code == 303
        assert kinds_sent(world, acme.member) == ["sso_taken_away"]
        desk.know(acme.member, "u-2")


def test_X09_there_are_so_many_mappings(acme: Acme, desk: Desk) -> None:
    red = make_team(acme, "Red")
    group = make_group(acme, red, "Readers", Role.MEMBER, ([make_project(acme, "Payroll", red)], [acme.member]))

    def fill() -> None:
        of = {"organization_id": acme.organization().id, "group_id": group, "claim": "roles"}
        db.session.execute(insert(SsoMapping), [{**of, "value": f"v{n}"} for n in range(MOST_MAPPINGS - 1)])

    acme.world.write(fill)
    browser = acme.browser(acme.owner)
    form = {"claim": "groups", "group": str(group), "confirm": "1"}
    assert post(browser, desk.address("mappings"), value="last", **form).status_code == 303
    with acme.unchanged():
        answer = post(browser, desk.address("mappings"), value="one more", **form)
    assert answer.status_code == 422
    assert "There are 500 claim mappings already." in Page(answer).by_id("value-error").text


def codes(acme: Acme) -> list[int]:
    """Return the ids of the codes there are."""
    return list(acme.world.read(lambda: db.session.scalars(select(RecoveryCode.id).order_by(RecoveryCode.id)).all()))


def make(browser: FlaskClient, desk: Desk) -> int:
    return post(browser, desk.address("recovery-codes")).status_code


def test_X09_one_person_makes_recovery_codes_so_often_a_day(acme: Acme, desk: Desk) -> None:
    all_but_one(acme, f"recovery-codes:user:{acme.owner.user_id}", CHANGES_A_DAY)
    browser = acme.browser(acme.owner)
    assert make(browser, desk) == 303
    made = codes(acme)
    assert make(browser, desk) == 422
    assert (codes(acme), rows(acme, RecoveryCode)) == (made, recovery.NUMBER)
    with time_machine.travel(clock.now() + TOMORROW, tick=False):
        assert make(acme.world.browser(acme.owner), desk) == 303
