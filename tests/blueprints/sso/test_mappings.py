"""Claims that fill access groups: at each sign-in people come in and leave, and only by what was said."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.identity_provider import ABSENT, HostileProvider
from tests.support.managed import groups, held, ids
from tests.support.offering import accept, joined_with, left_out
from tests.support.pages import Page
from tests.support.rounds import rounds_of
from tests.support.routes import Place
from tests.support.sso import Desk, at_provider, let_all_ask
from tests.support.teams import Office, furnish, group, make_group
from tests.support.worlds import World, post
from webapp import clock
from webapp.db import db
from webapp.models import IdentityProvider, InvitationGroup, ProviderStatus, Role, SsoMapping
from webapp.services import access_groups, removals
from webapp.services.sso import reverification
from webapp.services.sso.identities import Said


@pytest.fixture
def office(acme: Acme, desk: Desk) -> Office:
    """Acme's teams, where the member, who reaches nothing by it, is Mia at the provider."""
    desk.know(acme.member)
    return furnish(acme)


@pytest.fixture
def browser(acme: Acme) -> FlaskClient:
    """The browser of Acme's owner."""
    return acme.browser(acme.owner)


def form(office: Office, claim: str = "groups", value: str = "staff", number: int = 0) -> dict[str, str]:
    return {"claim": claim, "value": value, "group": str(number or office.readers)}


def add(browser: FlaskClient, desk: Desk, wanted: dict[str, str]) -> None:
    """Add a mapping, and say yes where people lose something by it."""
    assert post(browser, desk.address("mappings"), **wanted, confirm="1").status_code == 303


def mapping_ids(acme: Acme) -> list[int]:
    return acme.world.read(lambda: list(db.session.scalars(select(SsoMapping.id).order_by(SsoMapping.id))))


def come(desk: Desk) -> None:
    """Let Mia sign in."""
    assert desk.sign_in(desk.acme.world.browser()).status_code == 303


def say(theirs: HostileProvider, **claims: object) -> None:
    theirs.userinfo_changes = theirs.claims_changes = claims


def test_mapping_takes_those_out_who_were_put_in_by_hand_and_says_so_before(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    with acme.unchanged():
        question = post(browser, desk.address("mappings"), **form(office))
    assert question.status_code == 422
    assert "Otto Outside" in question.text
    assert "Payroll" in question.text
    answer = Page(question).answer()
    assert post(browser, desk.address("mappings"), **answer).status_code == 303
    assert groups(acme)["Readers"][0] == "sso"
    assert held(acme) == set()
    assert acme.events()[-2:] == ["sso.mapped", "group.changed"]
    said = acme.entries()[-1].after
    assert said
    assert said["impact"]["people"] == 1
    listed = browser.get(desk.address("mappings")).text
    assert "staff" in listed
    assert "Readers" in listed


def test_cancel_of_the_question_leads_back_to_the_mapping_as_it_was_filled_in(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    with acme.unchanged():
        question = Page(post(browser, desk.address("mappings"), **form(office, claim="roles")))
        answer = post(browser, desk.address("mappings"), **question.cancel())
    page = Page(answer)
    assert answer.status_code == 200
    assert [page.by_id(name).attributes["value"] for name in ("claim", "value")] == ["roles", "staff"]
    assert page.checked("group") == [str(office.readers)]


def test_whoever_was_put_in_by_hand_stays_where_the_provider_has_named_them(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    come(desk)
    number = make_group(acme, office.red, "Staff", Role.ADMIN, ([office.rota], [acme.member, office.otto]))
    add(browser, desk, form(office, number=number))
    assert held(acme, "Staff") == ids(acme, acme.member)


def test_people_come_in_and_leave_as_they_sign_in(acme: Acme, desk: Desk, office: Office, browser: FlaskClient) -> None:
    add(browser, desk, form(office))
    come(desk)
    assert held(acme) == ids(acme, acme.member)
    last = acme.entries()[-1]
    host = desk.theirs.issuer.removeprefix("http://")
    assert (last.event, last.actor_kind, last.actor_name) == ("group.member_added", "system", host)
    provider = acme.world.read(lambda: db.session.get_one(IdentityProvider, desk.provider_id))
    assert provider.last_sync_at is not None
    assert "last sync: <time" in " ".join(browser.get(desk.address("")[:-1]).text.split())
    say(desk.theirs, groups=["desk"])
    come(desk)
    assert held(acme) == set()


def test_claim_that_is_absent_changes_nothing_and_an_empty_one_takes_all(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, form(office))
    come(desk)
    say(desk.theirs, groups=ABSENT)
    come(desk)
    assert held(acme) == ids(acme, acme.member)
    say(desk.theirs, groups=[])
    come(desk)
    assert held(acme) == set()


@pytest.mark.parametrize(
    "said", [7, {"staff": True}, [["staff"]], ["staff", 7], ["staff", "x" * 201], 1_001 * ["staff"], "sta\0ff"], ids=str
)
def test_A17_claim_of_another_type_or_size_counts_as_absent(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient, said: object
) -> None:
    add(browser, desk, form(office, claim="roles"))
    say(desk.theirs, roles="staff")
    come(desk)
    assert held(acme) == ids(acme, acme.member)
    say(desk.theirs, roles=said)
    come(desk)
    assert held(acme) == ids(acme, acme.member)


def test_A16_value_is_compared_letter_by_letter(acme: Acme, desk: Desk, office: Office, browser: FlaskClient) -> None:
    for value in ("Staff", "STAFF", "staf", "staff2", "staff,desk"):
        add(browser, desk, form(office, value=value))
    come(desk)
    assert held(acme) == set()


def test_A06_address_that_is_not_verified_fills_nothing(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, form(office, claim="email", value="mia@example.org"))
    say(desk.theirs, email="mia@example.org", email_verified=False)
    come(desk)
    assert held(acme) == set()
    say(desk.theirs, email="mia@example.org", email_verified=True)
    come(desk)
    assert held(acme) == ids(acme, acme.member)


def test_people_come_in_and_leave_as_the_provider_is_asked_about_them_later(
    world: World, acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, form(office))
    say(desk.theirs, groups=["desk"])
    come(desk)
    asked = 0
    for said, inside in ((["staff"], True), (ABSENT, True), ([], False), (["staff"], True)):
        say(desk.theirs, groups=said)
        asked += 1
        with time_machine.travel(clock.now() + timedelta(days=asked, minutes=asked), tick=False):
            rounds_of(world.app).run_once()
        assert held(acme) == (ids(acme, acme.member) if inside else set()), said
    desk.theirs._refresh.clear()
    with time_machine.travel(clock.now() + timedelta(days=asked + 1, minutes=asked + 1), tick=False):
        rounds_of(world.app).run_once()
    assert held(acme) == set()
    assert acme.events()[-2:] == ["group.member_removed", "sso.invalidated"]


def test_word_that_was_asked_for_before_a_sign_in_fills_nothing_after_it(
    world: World, acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, form(office))
    come(desk)
    with time_machine.travel(clock.now() + timedelta(days=1, minutes=1)):
        asked = world.write(reverification.take, desk.provider_id)
        desk.theirs.token_changes["refresh_token"] = ABSENT
        say(desk.theirs, groups=[])
        come(desk)
        assert held(acme) == set()
        world.write(reverification.confirm, asked, Said("u-1", groups=("staff",), texts={"groups": ("staff",)}))
    assert held(acme) == set()


def test_A01_provider_of_another_organization_fills_nothing_here(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, form(office))
    acme.world.member(acme.other_slug, acme.member, Role.MEMBER)
    elsewhere = Desk(acme, desk.theirs, acme.other_slug)
    elsewhere.know(acme.member)
    assert elsewhere.sign_in(acme.world.browser()).status_code == 303
    assert held(acme) == set()


def test_D02_group_of_another_organization_cannot_be_filled(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    theirs = int(Place(replace(acme, slug=acme.other_slug, owner=acme.stranger), 1).arguments["group"])
    with acme.unchanged():
        for number in (str(theirs), "0", "x", ""):
            wanted = {**form(office), "group": number, "confirm": "1"}
            assert post(browser, desk.address("mappings"), **wanted).status_code == 422


def test_removing_a_mapping_empties_what_only_it_filled(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, form(office))
    add(browser, desk, form(office, value="desk"))
    come(desk)
    first, second = mapping_ids(acme)
    question = Page(browser.get(desk.address(f"mappings/{first}/remove")))
    assert "Mina Member" not in question.text
    assert post(browser, desk.address(f"mappings/{first}/remove"), **question.answer()).status_code == 303
    assert held(acme) == ids(acme, acme.member)
    with acme.unchanged():
        question = Page(browser.get(desk.address(f"mappings/{second}/remove")))
        assert post(browser, desk.address(f"mappings/{second}/remove")).status_code == 422
    assert "Mina Member" not in question.text  # they reach Payroll through their team as well
    assert post(browser, desk.address(f"mappings/{second}/remove"), **question.answer()).status_code == 303
    assert groups(acme)["Readers"][0] is None
    assert held(acme) == set()
    assert acme.events()[-2:] == ["sso.unmapped", "group.changed"]


def test_people_only_read_what_a_claim_fills(acme: Acme, desk: Desk, office: Office, browser: FlaskClient) -> None:
    add(browser, desk, form(office))
    page = browser.get(office.address(f"groups/{office.readers}")).text
    assert "Single sign-on fills this group, so people only read it." in page
    assert "its name, level and projects stay as they are too" in page
    wanted = {"name": "Readers", "level": "member", "projects": str(office.payroll), "confirm": "1"}
    with acme.unchanged():
        for path in (f"groups/{office.readers}", f"groups/{office.readers}/remove"):
            answer = post(browser, office.address(path), **wanted, members=str(acme.member_id(acme.member)))
            assert answer.status_code == 409, path
            assert "is filled by single sign-on" in answer.text


def test_invitation_that_offered_the_group_says_that_it_does_not_any_more(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org", groups=[office.readers])
    add(browser, desk, form(office))
    assert left_out(acme, invited) == ["Readers"]
    add(browser, desk, form(office, value="desk"))
    bob = accept(acme, invited)
    assert held(acme) == set()
    assert joined_with(acme, bob).groups == []
    assert left_out(acme, invited) == ["Readers"]


def test_whoever_unlinks_leaves_what_the_provider_filled(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, form(office))
    theirs = acme.browser(acme.member)
    assert desk.sign_in(theirs).status_code == 303
    assert held(acme) == ids(acme, acme.member)
    assert post(theirs, desk.address("unlink"), confirm="1").status_code == 303
    assert held(acme) == set()


def test_word_of_an_earlier_provider_ends_with_the_first_one_of_the_next(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, form(office))
    come(desk)
    assert held(acme) == ids(acme, acme.member)
    desk.set(status=ProviderStatus.DISABLED)
    after = Desk(acme, desk.theirs)
    say(after.theirs, groups=ABSENT)
    assert after.link(acme.browser(acme.member)).status_code == 303
    assert held(acme) == set()


def test_linking_fills_groups_too(acme: Acme, desk: Desk, office: Office, browser: FlaskClient) -> None:
    add(browser, desk, form(office))
    desk.theirs.people["u-9"] = {"groups": ["staff"]}
    desk.theirs.person = "u-9"
    assert desk.link(acme.browser(acme.admin)).status_code == 303
    assert held(acme) == ids(acme, acme.admin)


def test_R07_one_person_signs_in_ten_times_at_once(
    world: World, acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, form(office))
    browsers = [world.browser() for _ in range(10)]
    backs = [at_provider(desk.way_out(one)) for one in browsers]
    before = len(acme.events())
    let_all_ask(world.app, 10)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda pair: pair[0].get(pair[1]).status_code, zip(browsers, backs, strict=True)))
    assert answers == 10 * [303]
    assert held(acme) == ids(acme, acme.member)
    assert acme.events()[before:].count("group.member_added") == 1


def test_mapping_that_is_there_or_is_none_is_refused_beside_its_field(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, form(office))
    with acme.unchanged():
        again = post(browser, desk.address("mappings"), **form(office), confirm="1")
        assert "fills this access group already" in Page(again).by_id("value-error").text
        for name, value in (("claim", ""), ("value", ""), ("claim", 101 * "x"), ("value", 201 * "x")):
            answer = post(browser, desk.address("mappings"), **{**form(office), name: value})
            assert answer.status_code == 422
            assert Page(answer).by_id(f"{name}-error").text
    assert post(browser, desk.address("mappings"), **form(office, value="x"), confirm="1").status_code == 303


def test_plug_in_keeps_what_it_fills(acme: Acme, desk: Desk, office: Office, browser: FlaskClient) -> None:
    def fill() -> None:
        group(office.readers).source = "roster"

    acme.world.write(fill)
    assert "There is no access group yet" in browser.get(desk.address("mappings")).text
    with acme.unchanged():
        assert post(browser, desk.address("mappings"), **form(office), confirm="1").status_code == 422


def test_only_owners_change_mappings(acme: Acme, desk: Desk, office: Office, browser: FlaskClient) -> None:
    add(browser, desk, form(office))
    [number] = mapping_ids(acme)
    for person, status in ((acme.manager, 403), (acme.stranger, 404)):
        theirs = acme.browser(person)
        for path in ("mappings", f"mappings/{number}/remove"):
            assert theirs.get(desk.address(path)).status_code == status
            assert post(theirs, desk.address(path), **form(office, value="x"), confirm="1").status_code == status
    assert mapping_ids(acme) == [number]


def test_E14_only_owners_who_have_just_signed_in_change_mappings(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, form(office))
    [number] = mapping_ids(acme)
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        with acme.unchanged("session", "member"):
            assert browser.get(desk.address(f"mappings/{number}/remove")).status_code == 403
            for path in ("mappings", f"mappings/{number}/remove"):
                answer = post(browser, desk.address(path), **form(office, value="x"), confirm="1")
                assert answer.status_code == 403
                assert "at most ten minutes old" in answer.text
        fresh = acme.world.browser(acme.owner)
        assert post(fresh, desk.address(f"mappings/{number}/remove"), confirm="1").status_code == 303


def test_end_of_a_group_ends_its_mappings(acme: Acme, desk: Desk, office: Office, browser: FlaskClient) -> None:
    add(browser, desk, form(office))
    come(desk)
    acme.act(acme.owner, lambda a, here: access_groups.delete_all(a, here, [group(office.readers)]))
    assert mapping_ids(acme) == []
    come(desk)


def test_removed_member_comes_back_with_nothing_until_they_sign_in(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, form(office))
    come(desk)
    number = acme.member_id(acme.member)
    assert post(browser, acme.address(f"members/{number}/remove"), confirm="1").status_code == 303
    assert held(acme) == set()
    assert post(browser, acme.address(f"members/{number}/undo-removal")).status_code == 303
    assert held(acme) == set()
    come(desk)
    assert held(acme) == {number}


@pytest.mark.parametrize("who_goes", ["is removed", "leaves"])
def test_D05_undoing_a_removal_gives_nobody_by_hand_what_a_claim_gave(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient, who_goes: str
) -> None:
    add(browser, desk, form(office))
    come(desk)
    number = acme.member_id(acme.member)
    if who_goes == "leaves":
        acme.act(acme.member, removals.leave)
    else:
        assert post(browser, acme.address(f"members/{number}/remove"), confirm="1").status_code == 303
    [mapping] = mapping_ids(acme)
    assert post(browser, desk.address(f"mappings/{mapping}/remove"), confirm="1").status_code == 303
    assert groups(acme)["Readers"][0] is None
    answer = post(browser, acme.address(f"members/{number}/undo-removal"))
    said = Page(browser.get(answer.location)).by_id("notices").text
    assert "Left out, because what had given it gives it no more: Readers." in said
    assert "as before" not in said
    if who_goes == "leaves":
        assert acme.world.read(lambda: db.session.scalars(select(InvitationGroup)).all()) == []
    else:
        assert (acme.entries()[-1].after or {})["left_out"] == ["Readers"]
        assert (held(acme), joined_with(acme, acme.member).groups) == (set(), [])


def test_mappings_can_be_removed_when_no_connection_is_in_use(
    acme: Acme, desk: Desk, office: Office, browser: FlaskClient
) -> None:
    add(browser, desk, form(office))
    come(desk)
    assert desk.address("mappings") in browser.get(office.address(f"groups/{office.readers}")).text
    desk.set(status=ProviderStatus.DISABLED)
    assert "Nobody signs in through a provider at present" in browser.get(desk.address("mappings")).text
    assert post(browser, desk.address("mappings"), **form(office, value="desk"), confirm="1").status_code == 404
    assert held(acme) == ids(acme, acme.member)
    [number] = mapping_ids(acme)
    assert post(browser, desk.address(f"mappings/{number}/remove"), confirm="1").status_code == 303
    assert (groups(acme)["Readers"][0], held(acme)) == (None, set())


def test_questions_about_a_link_speak_of_access_groups_where_it_fills_some(
    office: Office, desk: Desk, theirs: HostileProvider, browser: FlaskClient
) -> None:
    acme, mia = office.acme, office.acme.browser(office.acme.member)
    desk.know(acme.owner, "u-9")
    theirs.person, theirs.people["u-9"] = "u-9", {"groups": []}
    assert desk.sign_in(browser).status_code == 303
    of_others = acme.address(f"members/{acme.member_id(acme.member)}/unlink")
    said = "You leave the access groups that it fills.", "They leave the access groups that the provider fills."

    def spoken() -> list[bool]:
        asked = mia.get(desk.address("unlink")), browser.get(of_others)
        assert [answer.status_code for answer in asked] == [200, 200]
        return [sentence in Page(answer).text for sentence, answer in zip(said, asked, strict=True)]

    assert spoken() == [False, False]
    add(browser, desk, form(office))
    assert spoken() == [False, False]
    theirs.person = "u-1"
    theirs.people["u-1"]["groups"] = ["staff"]
    come(desk)
    assert spoken() == [True, True]
