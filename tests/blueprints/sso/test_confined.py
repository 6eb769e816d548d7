"""Sessions begun at a provider's word: whoever runs it may be anybody there, and gains nothing by that elsewhere."""

import pytest
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.sso import Desk
from tests.support.worlds import World, csrf_token, post
from webapp.models import Role
from webapp.services import networks


@pytest.fixture
def confined(world: World, acme: Acme, umbra: Desk) -> FlaskClient:
    """Umbra's owner, as Acme's owner, who is a manager in Umbra."""
    world.member(acme.other_slug, acme.owner, Role.MANAGER)
    umbra.know(acme.owner)
    browser = world.browser()
    assert umbra.sign_in(browser).status_code == 303
    return browser


def test_A01_nobody_is_added_whom_the_person_knows_from_elsewhere(
    world: World, acme: Acme, confined: FlaskClient
) -> None:
    form = {"email": acme.manager.email, "role": "member", "has_global_access": "1"}
    with acme.unchanged("session", "member"):
        assert post(confined, f"/orgs/{acme.other_slug}/members/add", **form).status_code == 422
    assert "Mona Manager" not in world.roles(acme.other_slug)
    full = acme.browser(acme.owner)
    assert post(full, f"/orgs/{acme.other_slug}/members/add", **form).status_code == 303


def test_A01_addresses_of_organizations_do_not_tell_where_the_person_belongs(
    world: World, acme: Acme, confined: FlaskClient
) -> None:
    third = world.organization("Third", acme.manager)
    token = csrf_token(confined)
    for slug in (acme.slug, third, "nowhere"):
        read = confined.get(f"/orgs/{slug}/members")
        assert (read.status_code, read.location.partition("?")[0]) == (303, "/login"), slug
        sent = confined.post(f"/orgs/{slug}/members/new", data={"csrf_token": token})
        assert (sent.status_code, sent.location) == (303, "/login"), slug


def test_A01_network_of_whoever_runs_the_provider_does_not_become_the_persons(
    world: World, acme: Acme, umbra: Desk
) -> None:
    umbra.know(acme.stranger)
    browser = world.browser()
    browser.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    assert umbra.sign_in(browser).status_code == 303
    assert not world.read(networks.is_known, acme.stranger.email, "203.0.113.9")
    assert world.letters("new_sign_in") == []


def test_A01_no_invitation_is_accepted_and_nothing_asked_for_in_the_persons_name(
    world: World, acme: Acme, confined: FlaskClient
) -> None:
    third = world.organization("Third", acme.stranger)
    world.policy(third, address_match_required=False, join_requests_allowed=True)
    invited = world.invite(third, acme.stranger, "eve@example.net")
    with acme.unchanged("session", "session_identity"):
        assert post(confined, invited.link, page=invited.link, accept="1").location.startswith("/login")
        asked = post(confined, f"/orgs/{third}/join")
        assert asked.location.startswith("/login")
    assert "Olive Owner" not in world.roles(third)


def test_name_that_a_provider_gives_is_one_line_of_what_can_be_seen(world: World, acme: Acme, desk: Desk) -> None:
    world.invite(acme.slug, acme.owner, "mia@example.org")
    desk.theirs.people["u-1"]["name"] = "Mia \u202egnimoS\u2066\u200b"
    assert desk.sign_in(world.browser()).status_code == 303
    assert "Mia gnimoS" in world.roles(acme.slug)
