"""Sessions begun at a provider's word: whoever runs it may be anybody there, and gains nothing by that elsewhere."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from tests.support.acme import Acme, organization_of
from tests.support.pages import Page
from tests.support.sso import Desk
from tests.support.worlds import World, csrf_token, post
from webapp import clock
from webapp.db import db
from webapp.models import Attempts, Identity, MemberStatus, Role, SessionIdentity, User
from webapp.services import networks


@pytest.fixture
def confined(world: World, acme: Acme, umbra: Desk) -> FlaskClient:
    """Umbra's owner, as Acme's owner, who is a manager in Umbra."""
    world.member(acme.other_slug, acme.owner, Role.MANAGER)
    umbra.know(acme.owner)
    browser = world.browser()
    assert umbra.sign_in(browser).status_code == 303
    return browser


@pytest.fixture
def bare(world: World, acme: Acme, confined: FlaskClient) -> FlaskClient:
    """The same, where Acme's owner has no password."""
    owner = update(User).where(User.id == acme.owner.user_id)
    world.write(lambda: db.session.execute(owner.values(password_hash=None)))
    return confined


def test_A01_account_without_a_password_is_not_changed_either(world: World, acme: Acme, bare: FlaskClient) -> None:
    third = world.organization("Third", acme.stranger)
    world.policy(third, address_match_required=False, join_requests_allowed=True)
    invited = world.invite(third, acme.stranger, "eve@example.net")
    token = csrf_token(bare)
    deeds = {
        "/account/": {"name": "Taken Over", "language": ""},
        "/account/sessions/end": {},
        "/account/sessions/1/end": {},
        "/orgs/new": {"name": "Owned"},
        f"/orgs/{third}/join": {},
        invited.link: {"accept": "1"},
    }
    with acme.unchanged():
        for path, form in deeds.items():
            assert bare.post(path, data={**form, "csrf_token": token}).location.startswith("/login"), path
        page = Page(bare.get("/account/"))
        assert ("Where you are signed in" in page.text, "Email addresses" in page.text) == (False, False)
        assert "Your account has no password yet" in bare.get("/login").text


def test_A23_whoever_has_no_password_gets_one_by_mail_all_the_same(world: World, acme: Acme, bare: FlaskClient) -> None:
    page = Page(bare.get("/account/"))
    address = page.named("email")[0].attributes["value"]
    assert post(bare, "/forgot-password", page="/account/", email=address).status_code == 303
    [letter] = world.letters("password_reset")
    assert (letter.to_address, letter.state) == (acme.owner.email, "queued")


def test_A01_deeds_at_the_word_of_a_provider_use_up_nothing_elsewhere(
    world: World, acme: Acme, bare: FlaskClient
) -> None:
    """Where others are counted by person alone: links that are copied, invitations."""
    invited = world.invite(acme.other_slug, acme.stranger, "eve@example.net")
    address = f"/orgs/{acme.other_slug}/invitations/{invited.id}/link"
    assert post(bare, address).status_code < 400
    form = {"emails": "bo@example.net", "role": "member", "lifetime_days": "7"}
    assert post(bare, f"/orgs/{acme.other_slug}/members/new", **form).status_code < 400
    whose = f"user:{acme.owner.user_id}:{world.read(lambda: organization_of(acme.other_slug).id)}"
    counted = world.read(lambda: set(db.session.scalars(select(Attempts.bucket))))
    assert {bucket for bucket in counted if bucket.startswith(("links:", "invitation:inviter:"))} == {
        f"links:{whose}",
        f"invitation:inviter:{whose.removeprefix('user:')}",
    }


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


def test_A01_no_answer_tells_whether_or_how_the_person_belongs_elsewhere(
    world: World, acme: Acme, desk: Desk, confined: FlaskClient
) -> None:
    token = csrf_token(confined)

    def answers() -> list[tuple[int, str | None]]:
        read = [confined.get(acme.address(path)) for path in ("members", "sso/recover")]
        sent = [
            confined.post(acme.address(path), data={"csrf_token": token, "code": "0"})
            for path in ("members/new", "leave", "sso/recover", "sso/link")
        ]
        return [(answer.status_code, answer.location) for answer in read + sent]

    of_active = answers()
    assert {(status, str(location).partition("?")[0]) for status, location in of_active} == {(303, "/login")}
    acme.change(acme.owner, role=Role.MEMBER)
    acme.change(acme.owner, expires_at=clock.now() - timedelta(days=1))
    assert answers() == of_active
    acme.change(acme.owner, expires_at=None, status=MemberStatus.SUSPENDED)
    assert answers() == of_active
    acme.remove(acme.owner)
    assert answers() == of_active


def test_A01_no_answer_tells_whether_the_person_administers_the_instance(
    world: World, acme: Acme, confined: FlaskClient
) -> None:
    def answers() -> tuple[bool, int, str | None]:
        made = confined.get("/orgs/new")
        return "/orgs/new" in confined.get("/orgs/").text, made.status_code, made.location

    assert answers() == (False, 303, "/login?next=/orgs/new")
    own = update(User).where(User.id == acme.owner.user_id)
    world.write(lambda: db.session.execute(own.values(is_instance_administrator=True)))
    assert answers() == (False, 303, "/login?next=/orgs/new")


def test_word_of_the_provider_runs_out_also_where_nobody_has_to_come_through_it(
    world: World, acme: Acme, umbra: Desk, confined: FlaskClient
) -> None:
    umbra.set(verification_days=1)
    address, token = f"/orgs/{acme.other_slug}/members", csrf_token(confined)
    assert confined.get(address).status_code == 200
    before = update(SessionIdentity).values(verified_at=clock.now() - timedelta(days=2))
    world.write(lambda: db.session.execute(before))
    assert confined.get(address).location == f"{umbra.address('login')}?next={address}"
    with acme.unchanged():
        assert confined.post(f"{address}/new", data={"csrf_token": token}).location == umbra.address("login")
    assert acme.other_slug in confined.get("/orgs/").text
    for refreshed_at, status in ((clock.now(), 200), (None, 303)):
        world.write(db.session.execute, update(Identity).values(refreshed_at=refreshed_at))
        assert confined.get(address).status_code == status
    assert umbra.sign_in(confined).status_code == 303
    assert confined.get(address).status_code == 200


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
