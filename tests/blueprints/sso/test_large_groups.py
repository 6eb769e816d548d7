"""Access groups that claims fill, however many are in them: a sign-in moves one person, and the log says whom."""

import re
import threading
from collections.abc import Sequence

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.managed import groups, ids
from tests.support.pages import Page
from tests.support.sso import Desk, at_provider, rows, work
from tests.support.statements import queries
from tests.support.teams import Office, furnish, make_group
from tests.support.worlds import post
from webapp.db import db
from webapp.mail import errands as worker
from webapp.models import AccessGroup, AuditEntry, GroupMember, Role, SsoMapping, SsoMappingMember
from webapp.services.memberships import MOST_CHANGED
from webapp.services.sso import errands
from webapp.services.sso.errands import BATCH, Owed


@pytest.fixture
def office(acme: Acme, desk: Desk) -> Office:
    """Acme's teams, where the member is known at the provider."""
    desk.know(acme.member)
    return furnish(acme)


@pytest.fixture
def browser(acme: Acme) -> FlaskClient:
    """The browser of Acme's owner."""
    return acme.browser(acme.owner)


def add(browser: FlaskClient, desk: Desk, group: int, value: str = "staff") -> None:
    wanted = {"claim": "groups", "value": value, "group": str(group)}
    assert post(browser, desk.address("mappings"), **wanted, confirm="1").status_code == 303


def fill(acme: Acme, group: int, people: int) -> None:
    """Let a claim have filled a group with many people."""
    members = crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(people)])

    def write() -> None:
        mapping = db.session.scalars(select(SsoMapping.id)).one()
        of = {"organization_id": acme.organization().id}
        inside = {**of, "group_id": group}
        rows = [{**inside, "member_id": one, "sort_name": f"person {n}"} for n, one in enumerate(members)]
        db.session.execute(insert(GroupMember), rows)
        db.session.execute(insert(SsoMappingMember), [{**of, "mapping_id": mapping, "member_id": n} for n in members])

    acme.world.write(write)


def put_by_hand(acme: Acme, group: int, number: int) -> list[int]:
    """Let people whom the provider does not know have been put in a group; return the ids of their memberships."""
    members = crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(number)])

    def write() -> None:
        of_group = {"organization_id": acme.organization().id, "group_id": group}
        rows = [{**of_group, "member_id": one, "sort_name": f"person {n}"} for n, one in enumerate(members)]
        db.session.execute(insert(GroupMember), rows)

    acme.world.write(write)
    return members


def come(desk: Desk, app: Flask, *said: str) -> list[str]:
    """Let the member sign in, of whom the provider says these groups; return what the database is asked."""
    desk.theirs.userinfo_changes = desk.theirs.claims_changes = {"groups": list(said)}
    browser = desk.acme.world.browser()
    back = at_provider(desk.way_out(browser))
    with queries(app) as found:
        assert browser.get(back).status_code == 303
    return found


def test_sign_in_reads_and_writes_one_row_of_a_group_and_costs_the_same_at_any_size(
    app: Flask, acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, office.readers)
    few = len(come(desk, app, "staff")), len(come(desk, app))
    fill(acme, office.readers, 100)
    asked = come(desk, app, "staff"), come(desk, app)
    assert tuple(map(len, asked)) == few
    whole = [one for found in asked for one in found if "FROM group_member" in one and "member_id =" not in one]
    assert whole == []
    for entry in acme.entries()[-3:]:
        assert "members" not in {**(entry.before or {}), **(entry.after or {})}


def test_sign_in_costs_the_same_for_one_group_and_for_ten(
    app: Flask, acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, office.readers)
    few = len(come(desk, app, "staff")), len(come(desk, app))
    for number in range(9):
        group = make_group(acme, office.red, f"Group {number}", Role.MEMBER, ([office.rota], [office.otto]))
        add(browser, desk, group, value=f"value {number}")
    everywhere = ["staff", *(f"value {number}" for number in range(9))]
    assert (len(come(desk, app, *everywhere)), len(come(desk, app))) == few


def rebuilt(entries: Sequence[AuditEntry]) -> dict[str, set[int]]:
    """Return who is in which access group after these entries, by name, from nothing but what they say."""
    found: dict[str, set[int]] = {}
    for entry in entries:
        before, after = entry.before or {}, entry.after or {}
        if entry.event in ("group.created", "group.changed") and "members" in after:
            found[entry.target_name] = set(after["members"])
        elif entry.event == "group.member_added":
            found[entry.target_name].add(after["member_id"])
        elif entry.event == "group.member_removed":
            found[entry.target_name].remove(before["member_id"])
    return found


def test_members_of_groups_at_every_past_moment_are_rebuilt_from_the_log_alone(
    app: Flask, acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    moments = {len(acme.entries()): {"Readers": ids(acme, office.otto)}}
    for said in (None, ["staff"], [], ["staff", "desk"], ["desk"], []):
        if said is None:
            add(browser, desk, office.readers)
        else:
            come(desk, app, *said)
        moments[len(acme.entries())] = {name: set(held.members) for name, (_source, held) in groups(acme).items()}
    assert {number: rebuilt(acme.entries()[:number]) for number in moments} == moments
    assert len({len(moment["Readers"]) for moment in moments.values()}) > 1


def test_mappings_of_a_group_that_is_too_large_for_one_change_begin_and_end_in_batches(
    app: Flask, acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    put_by_hand(acme, office.readers, MOST_CHANGED)
    wanted = {"claim": "groups", "value": "staff", "group": str(office.readers)}
    with acme.unchanged():
        question = Page(post(browser, desk.address("mappings"), **wanted))
    assert f"This concerns up to {MOST_CHANGED + 1} people, and more access than can be compared here." in question.text
    assert "leaves soon, some at a time" in question.text
    assert post(browser, desk.address("mappings"), **question.answer()).status_code == 303
    source, present = groups(acme)["Readers"]
    assert (source, len(present.members)) == ("sso", MOST_CHANGED + 1)
    path = desk.address(f"mappings/{mapping_ids(acme)[0]}/remove")
    question = Page(browser.get(path))
    assert ("leaves it soon" in question.text, "leaves it now" in question.text) == (True, False)
    assert post(browser, path, **question.answer()).status_code == 303
    again = post(browser, desk.address("mappings"), **wanted, confirm="1")
    assert (again.status_code, "Add it again in a few minutes." in again.text) == (422, True)
    assert "Being removed" in browser.get(desk.address("mappings")).text
    assert post(browser, path, confirm="1").status_code == 404
    work(app)
    source, present = groups(acme)["Readers"]
    assert (source, present.members, mapping_ids(acme)) == (None, frozenset(), [])


def test_refilling_in_batches_keeps_whom_a_mapping_holds_and_lets_the_others_leave(
    app: Flask, acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, office.readers)
    come(desk, app, "staff")
    members = put_by_hand(acme, office.readers, BATCH + 10)
    owe(acme, office.readers)
    with app.app_context():
        worker.go_on(threading.Event())
    assert len(groups(acme)["Readers"][1].members) == 1 + len(members) + 1 - BATCH
    work(app)
    assert groups(acme)["Readers"][1].members == ids(acme, acme.member)
    left = [entry.before for entry in acme.entries() if entry.event == "group.member_removed"]
    assert {said["member_id"] for said in left if said} == {*members}


def test_mapping_that_ends_in_batches_takes_nobody_whom_another_holds(
    app: Flask, acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, office.readers)
    fill(acme, office.readers, BATCH + 10)
    add_second(acme, office.readers)
    come(desk, app, "desk", "staff")
    [ending, _second] = mapping_ids(acme)
    acme.world.write(
        lambda: db.session.execute(update(SsoMapping).where(SsoMapping.id == ending).values(is_ending=True))
    )
    owe(acme, office.readers, ending)
    work(app)
    source, present = groups(acme)["Readers"]
    assert (source, set(present.members)) == ("sso", ids(acme, acme.member))
    assert rows(acme, SsoMappingMember) == rows(acme, SsoMapping) == 1


def owe(acme: Acme, group: int, mapping: int = 0) -> None:
    """Let the worker have a group to refill, and a mapping to end."""

    def write() -> None:
        errands.owe(acme.organization(), Owed.GROUP_IS_REFILLED, group_id=group, mapping_id=mapping)

    acme.world.write(write)


def add_second(acme: Acme, group: int) -> None:
    """Let another mapping fill a group too."""
    mapping = {"group_id": group, "claim": "groups", "value": "desk"}
    acme.world.write(lambda: db.session.add(SsoMapping(organization_id=acme.organization().id, **mapping)))


def mapping_ids(acme: Acme) -> list[int]:
    return acme.world.read(lambda: list(db.session.scalars(select(SsoMapping.id).order_by(SsoMapping.id))))


def found_by(browser: FlaskClient, desk: Desk, q: str) -> list[str]:
    """Return the groups that the form offers after a search, and check that it kept what was typed."""
    form = {"claim": "roles", "value": "typed", "q": q, "found": "", "find": "1"}
    answer = post(browser, desk.address("mappings"), **form)
    assert (answer.status_code, 'value="typed"' in answer.text) == (200, True)
    return re.findall(r'name="group" value="\d+"> <span>(\S+) <', answer.text)


def test_form_finds_every_group_by_its_name_its_team_or_both(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    def write() -> None:
        of = {"organization_id": acme.organization().id, "level": Role.MEMBER}
        found = [{**of, "team_id": office.red, "name": f"G{n}", "name_key": f"g{n}"} for n in range(1_100)]
        db.session.execute(insert(AccessGroup), [*found, {**of, "team_id": office.blue, "name": "Z", "name_key": "z"}])

    acme.world.write(write)
    page = browser.get(desk.address("mappings")).text
    assert page.count('type="radio" name="group"') == 20
    assert "There are more." in page
    assert found_by(browser, desk, "g1099") == ["G1099"]
    assert found_by(browser, desk, "blu") == ["Z"]
    assert found_by(browser, desk, "\x00blu\x00") == ["Z"]
    assert found_by(browser, desk, "Red · g1098") == ["G1098"]
    assert len(found_by(browser, desk, "g")) == 20
    assert found_by(browser, desk, "nowhere") == []


def test_group_that_is_chosen_stays_chosen_while_others_are_looked_for(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    form = {"claim": "groups", "value": "staff", "group": str(office.readers), "q": "nowhere", "found": "", "find": "1"}
    with acme.unchanged():
        page = post(browser, desk.address("mappings"), **form).text
    assert f'name="group" value="{office.readers}" checked' in page
    answer = Page(post(browser, desk.address("mappings"), claim="groups", value="staff"))
    assert "Choose an access group." in answer.by_id("group-error").text


def test_form_says_how_many_groups_it_shows_the_chosen_one_among_them(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    make_group(acme, office.blue, "Watch", Role.MEMBER, ([office.ledger], [office.otto]))
    form = {"claim": "groups", "value": "staff", "found": "", "find": "1"}
    for group, q, said in (
        ("", "nowhere", "No access group matches “nowhere”"),
        (str(office.readers), "nowhere", "No access group matches “nowhere”"),
        ("", "watch", "1 access group shown"),
        (str(office.readers), "read", "1 access group shown"),
        (str(office.readers), "watch", "2 access groups shown"),
    ):
        found = Page(post(browser, desk.address("mappings"), **form, group=group, q=q)).by_id("found-groups")
        assert found.attributes["data-status"] == said


def test_log_says_in_words_who_came_into_which_group(
    app: Flask, acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, office.readers)
    come(desk, app, "staff")
    come(desk, app)
    host = desk.theirs.issuer.removeprefix("http://")
    page = browser.get(acme.address("audit")).text
    assert f"{host} added Mina Member to the access group Readers" in page
    assert f"{host} took Mina Member out of the access group Readers" in page
    assert "to the access group Readers" in browser.get(acme.address(f"members/{acme.member_id(acme.member)}")).text
