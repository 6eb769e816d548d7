"""The question before a member's link is taken away, who may ask it, and what happens at the same moment."""

from datetime import timedelta
from functools import partial

import pytest
import time_machine

from tests.support.acme import Acme
from tests.support.managed import held, ids
from tests.support.pages import Page
from tests.support.plugins import YES, Decider, installed
from tests.support.sso import Desk, at_provider, rows
from tests.support.taking_away import link_as, owner_of, page_of, sign_in_as, take_away, wrongly_linked
from tests.support.teams import furnish, make_group
from tests.support.visitor import at_once
from tests.support.worlds import World, csrf_token, post
from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import Forbidden, NotFound
from webapp.models import Enforcement, FormerIdentity, Member, Organization, Role
from webapp.services.sso import connections, taking_away


@pytest.fixture
def known(desk: Desk) -> Desk:
    """Acme's connection, which knows its member by an account there that is not theirs."""
    return wrongly_linked(desk)


def test_question_names_the_person_and_the_account_there_and_asking_changes_nothing(acme: Acme, known: Desk) -> None:
    furnish(acme)
    sign_in_as(known, "u-2")
    known.set(enforcement=Enforcement.REQUIRED)
    browser, address = owner_of(known), f"{page_of(acme, acme.member)}/unlink"
    with acme.unchanged():
        said = Page(browser.get(address)).text
        assert post(browser, address).status_code == 422
    for wanted in (acme.member.name, known.theirs.issuer.removeprefix("http://"), "u-2", "thea@example.org"):
        assert wanted in said
    assert "they reach nothing of Acme until they have linked their account again" in said
    assert "1 person reaches less than before" in said


def test_what_claims_gave_goes_with_it_and_the_audit_log_keeps_which_link_it_was_and_who_lost_what(
    acme: Acme, known: Desk
) -> None:
    office, browser = furnish(acme), owner_of(known)
    number = make_group(acme, office.blue, "Clerks", Role.MEMBER, ([office.ledger], [office.otto]))
    mapping = {"claim": "groups", "value": "staff", "group": str(number), "confirm": "1"}
    assert post(browser, known.address("mappings"), **mapping).status_code == 303
    known.theirs.people["u-2"]["groups"] = ["staff"]
    sign_in_as(known, "u-2")
    assert held(acme, "Clerks") == ids(acme, acme.member)
    take_away(known, acme.member, browser)
    assert held(acme, "Clerks") == set()
    [entry] = [entry for entry in acme.entries() if entry.event == "sso.unlinked"]
    assert (entry.actor_name, entry.target_name) == (acme.owner.name, acme.member.name)
    assert entry.before == {"subject": "u-2", "claimed": "thea@example.org"}
    assert (entry.after or {})["impact"]["people"] == 1
    said = browser.get(page_of(acme, acme.member)).text
    assert "Olive Owner took away the link of Mina Member with the identity provider" in said


def test_E14_what_is_refused_changes_nothing_and_says_why(world: World, acme: Acme, known: Desk) -> None:
    owner, manager, address = owner_of(known), acme.browser(acme.manager), f"{page_of(acme, acme.member)}/unlink"
    strange = f"/orgs/{acme.other_slug}/members/{acme.member_id(acme.member)}/unlink"
    with acme.unchanged("session", "member"):
        assert post(manager, address, confirm="1").status_code == 403
        assert post(acme.browser(acme.stranger), strange, confirm="1").status_code == 404
        unlinked = post(owner, f"{page_of(acme, acme.admin)}/unlink", confirm="1")
        assert (unlinked.status_code, "This member is not linked" in unlinked.text) == (404, True)
        own = post(owner, f"{page_of(acme, acme.owner)}/unlink", confirm="1")
        assert (own.status_code, known.address("unlink") in own.text) == (403, True)
        with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
            for answer in (owner.get(address), post(owner, address, confirm="1")):
                assert (answer.status_code, "Sign in again" in answer.text) == (403, True)


@pytest.mark.parametrize("where", ["acme", "umbra"])
def test_service_asks_again_who_may_and_whose_member_it_is(world: World, acme: Acme, known: Desk, where: str) -> None:
    numbers = {"acme": acme.member_id(acme.member), "umbra": world.member(acme.other_slug, acme.member, Role.MEMBER)}

    def take(actor: Actor, here: Organization) -> None:
        member = db.session.get_one(Member, numbers[where])
        taking_away.take_away(actor, here, connections.require_active(here), member)

    person, refusal = {"acme": (acme.manager, Forbidden), "umbra": (acme.owner, NotFound)}[where]
    with acme.unchanged(), pytest.raises(refusal):
        acme.act(person, take)


def test_D05_whom_a_plug_in_lets_set_single_sign_on_up_takes_nothing_from_whoever_is_above_them(
    acme: Acme, known: Desk
) -> None:
    with installed(yes=Decider(YES)):
        browser = acme.browser(acme.manager)
        with acme.unchanged("session", "member"):
            assert post(browser, f"{page_of(acme, acme.owner)}/unlink", confirm="1").status_code == 403
            assert "Above your role" in browser.get(page_of(acme, acme.owner)).text
        assert take_away(known, acme.member, browser).status_code == 303


def test_A22_last_owner_who_is_linked_keeps_the_link_where_it_is_required(acme: Acme, known: Desk) -> None:
    """Also while a bypass lets another owner in, who is linked no more then."""
    acme.change(acme.manager, role=Role.OWNER)
    known.set(enforcement=Enforcement.REQUIRED, required_from=clock.now() + timedelta(hours=1))
    browser, page = acme.browser(acme.manager), page_of(acme, acme.owner)
    assert "Last linked owner" in browser.get(page).text
    with acme.unchanged():
        assert post(browser, f"{page}/unlink", confirm="1").status_code == 409
    known.know(acme.manager, "u-1")
    assert "Last linked owner" not in browser.get(page).text
    assert post(browser, f"{page}/unlink", confirm="1").status_code == 303


def test_page_of_a_member_offers_it_to_owners_and_ones_own_leads_to_unlinking(acme: Acme, known: Desk) -> None:
    address = f"{page_of(acme, acme.member)}/unlink"
    assert address in acme.browser(acme.owner).get(page_of(acme, acme.member)).text
    assert address not in acme.browser(acme.manager).get(page_of(acme, acme.member)).text
    own = acme.browser(acme.member).get(page_of(acme, acme.member)).text
    assert (address in own, known.address("unlink") in own) == (False, True)
    assert "/unlink" not in acme.browser(acme.owner).get(page_of(acme, acme.admin)).text


def test_yes_to_one_link_is_none_to_another(acme: Acme, known: Desk) -> None:
    browser, address = owner_of(known), f"{page_of(acme, acme.member)}/unlink"
    answer = Page(browser.get(address)).answer()
    take_away(known, acme.member)
    assert link_as(known, "u-1", acme.member) == 303
    with acme.unchanged("session", "member"):
        assert post(browser, address, **answer).status_code == 409


@pytest.mark.parametrize("way", ["login", "link"])
def test_C15_coming_back_from_the_provider_at_the_same_moment_leaves_no_half_of_a_link(
    acme: Acme, known: Desk, way: str
) -> None:
    """Either it was linked when the owner took it away, or it is linked since: then the person did it.

    A way that was begun in their name ends with the link: coming back from it is too late then.
    """
    owner, theirs, address = owner_of(known), acme.browser(acme.member), f"{page_of(acme, acme.member)}/unlink"
    known.theirs.person = "u-2"
    back, token = at_provider(known.way_out(theirs, way)), csrf_token(owner)
    steps = [
        partial(theirs.get, back),
        partial(owner.post, address, data={"confirm": "1", "csrf_token": token}),
    ]
    came, taken = at_once(2, lambda index: steps[index]().status_code)
    assert taken == 303
    linked = ("u-2", acme.member.user_id) in known.identities()
    assert came in {"login": (303, 403), "link": (303,) if linked else (303, 400)}[way]
    events = [event for event in acme.events() if event in ("sso.linked", "sso.unlinked")]
    assert events == (["sso.unlinked", "sso.linked"] if linked else ["sso.unlinked"])
    assert (theirs.get(acme.address("members")).status_code, rows(acme, FormerIdentity)) == (200, 1)
