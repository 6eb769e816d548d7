"""Answering an invitation: with a new account, with an account one has, or as somebody signed in."""

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.worlds import PASSWORD, Invited, Person, post
from webapp.db import db
from webapp.models import EmailAddress, Invitation, RemovedMember, Role, User
from webapp.services import removals

NEW = {"name": "Bob Builder", "password": "several words work well", "accept": "1"}


@pytest.fixture
def invited(acme: Acme) -> Invited:
    """For somebody without an account."""
    return acme.world.invite(acme.slug, acme.manager, "Bob@example.org", Role.ADMIN)


@pytest.fixture
def for_una(acme: Acme) -> Invited:
    """For the stranger, who has an account."""
    return acme.world.invite(acme.slug, acme.manager, "UNA@example.org")


def sign_in(browser: FlaskClient, invited: Invited, email: str, password: str = PASSWORD) -> TestResponse:
    return post(browser, invited.link, email=email, password=password, accept="1")


def is_signed_in(browser: FlaskClient) -> bool:
    return browser.get("/orgs/").status_code == 200


def accounts_with(acme: Acme, canonical: str) -> list[EmailAddress]:
    statement = select(EmailAddress).where(EmailAddress.canonical == canonical)
    return acme.world.read(lambda: list(db.session.scalars(statement)))


def test_registering_joins_signs_in_and_welcomes_once(acme: Acme, invited: Invited) -> None:
    browser = acme.browser()
    letters = len(acme.world.letters())
    answer = post(browser, invited.link, **NEW)
    assert (answer.status_code, answer.location) == (303, acme.address("members"))
    first, second = (Page(browser.get(answer.location)) for _ in range(2))
    assert "Welcome to Acme" in first.by_id("notices").text
    assert second.by_id("notices").text == ""
    assert acme.world.roles(acme.slug)["Bob Builder"] == "admin"
    assert acme.world.status_of(invited) == "accepted"
    assert len(acme.world.letters()) == letters
    joined, accepted = acme.entries()[-2:]
    assert (joined.event, joined.actor_name) == ("member.joined", "Bob Builder")
    assert (accepted.event, accepted.actor_name, accepted.ip) == ("invitation.accepted", "Bob Builder", "127.0.0.1")


@pytest.mark.parametrize("is_signed_in_before", [True, False])
def test_who_comes_back_after_their_last_day_is_not_welcomed_but_told_so(acme: Acme, is_signed_in_before: bool) -> None:
    """An admin may invite, but not renew: the membership is over the moment it is there again."""
    acme.act(acme.member, removals.leave)
    ended = update(RemovedMember).values(expires_at=datetime(2026, 8, 1, tzinfo=UTC))
    acme.world.write(lambda: db.session.execute(ended))
    invited = acme.world.invite(acme.slug, acme.admin, acme.member.email)
    browser = acme.world.browser(acme.member) if is_signed_in_before else acme.browser()
    if is_signed_in_before:
        answer = post(browser, invited.link, page=invited.link, accept="1")
    else:
        answer = sign_in(browser, invited, acme.member.email)
    assert (answer.status_code, answer.location) == (303, "/orgs/")
    said = Page(browser.get(answer.location)).by_id("notices").text
    assert said == "Your membership of Acme ended on 31 Jul 2026. Managers and owners there can renew it."


def test_signing_in_on_the_page_joins(acme: Acme, for_una: Invited) -> None:
    browser = acme.browser()
    answer = sign_in(browser, for_una, "una@EXAMPLE.org")
    assert (answer.status_code, answer.location) == (303, acme.address("members"))
    assert acme.world.roles(acme.slug)["Una Umbra"] == "member"
    assert is_signed_in(browser)


def test_who_is_signed_in_joins_with_one_click(acme: Acme, for_una: Invited) -> None:
    answer = post(acme.browser(acme.stranger), for_una.link, accept="1")
    assert answer.location == acme.address("members")
    assert acme.world.roles(acme.slug)["Una Umbra"] == "member"


@pytest.mark.parametrize("viewer", [None, "stranger"])
def test_declining_makes_nobody_a_member_and_the_page_says_so(acme: Acme, for_una: Invited, viewer: str | None) -> None:
    browser = acme.browser(getattr(acme, viewer) if viewer else None)
    answer = post(browser, for_una.link, decline="1")
    assert (answer.status_code, answer.location) == (303, for_una.link)
    assert "You declined this invitation" in Page(browser.get(answer.location)).text
    assert "Una Umbra" not in acme.world.roles(acme.slug)
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_kind) == ("invitation.declined", "user" if viewer else "visitor")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"password": "short"}, "A password has at least 15 characters."),
        ({"password": "BobBuilder@example.org Acme"}, "among the first ones people guess"),
        ({"password": ""}, "Enter a password."),
        ({"password": "ü" * 600}, "at most 1,024 bytes"),
        ({"name": ""}, "Enter a name."),
        ({"name": " \t\x00"}, "Enter a name."),
        ({"name": "x" * 201}, "A name has at most 200 characters."),
    ],
)
def test_invalid_registration_keeps_the_name_and_stores_nothing(
    acme: Acme, invited: Invited, fields: dict[str, str], sentence: str
) -> None:
    sent = {**NEW, **fields}
    with acme.unchanged():
        answer = post(acme.browser(), invited.link, **sent)
    assert answer.status_code == 422
    page = Page(answer)
    assert sentence in page.text
    [name] = page.named("name")
    assert name.attributes["value"] == " ".join(sent["name"].replace("\x00", " ").split())
    assert not [field for field in page.named("password") if field.attributes.get("value")]


@pytest.mark.parametrize("password", ["", "short", "Bob@example.org Acme"])
def test_all_that_is_wrong_with_a_registration_stands_beside_its_field_at_once(
    acme: Acme, invited: Invited, password: str
) -> None:
    with acme.unchanged():
        answer = post(acme.browser(), invited.link, **NEW | {"name": "", "password": password})
    page = Page(answer)
    fields = [page.by_id(f"register-{name}").attributes for name in ("name", "password")]
    assert (answer.status_code, [field["aria-invalid"] for field in fields]) == (422, ["true", "true"])
    assert all(page.by_id(field["aria-describedby"].split()[-1]).text for field in fields)


def test_F07_password_of_a_registration_is_looked_at_a_hundred_times(acme: Acme, invited: Invited) -> None:
    """Also where the name is missing: to estimate how soon a password is guessed takes a while."""
    browser = acme.browser()
    refused = {"name": "", "password": "short"}
    assert {post(browser, invited.link, **NEW | refused).status_code for _ in range(100)} == {422}
    assert post(browser, invited.link, **NEW | refused).status_code == 429


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"email": "una@example.org", "password": "wrong"}, "do not belong together"),
        ({"email": "nobody@example.org"}, "do not belong together"),
        ({"email": "nope"}, "not an email address"),
        ({"email": ""}, "Enter an email address."),
        ({"password": ""}, "Enter a password."),
    ],
)
def test_refused_sign_in_keeps_the_address_and_joins_nobody(
    acme: Acme, for_una: Invited, fields: dict[str, str], sentence: str
) -> None:
    browser, sent = acme.browser(), {"email": "una@example.org", "password": PASSWORD, "accept": "1", **fields}
    with acme.unchanged():
        answer = post(browser, for_una.link, **sent)
    assert answer.status_code == 422
    page = Page(answer)
    assert sentence in page.text
    assert [field.attributes["value"] for field in page.named("email")] == [sent["email"]]
    assert not is_signed_in(browser)


def test_answer_that_is_neither_yes_nor_no_says_so(acme: Acme, invited: Invited) -> None:
    with acme.unchanged():
        answer = post(acme.browser(), invited.link, name="Bob", password="several words work well")
    assert answer.status_code == 422
    assert "Choose whether to accept or to decline." in Page(answer).text


def test_answer_without_its_csrf_token_is_refused(acme: Acme, invited: Invited) -> None:
    with acme.unchanged():
        assert acme.browser().post(invited.link, data=NEW).status_code == 403
        assert acme.browser().post(invited.link, data={"decline": "1"}).status_code == 403


def test_C02_D07_everything_comes_from_the_row_whatever_the_form_says(acme: Acme, invited: Invited) -> None:
    extra = {
        "organization_id": "2",
        "organization": acme.other_slug,
        "org": acme.other_slug,
        "role": "owner",
        "status": "active",
        "user_id": str(acme.owner.user_id),
        "canonical": "eve@example.org",
        "is_instance_administrator": "1",
        "is_active": "0",
        "kind": "bot",
        "verified_at": "",
        "sort_name": "aaa",
        "id": "900",
    }
    post(acme.browser(), f"{invited.link}?org={acme.other_slug}&role=owner", **NEW, **extra)
    assert acme.world.roles(acme.slug)["Bob Builder"] == "admin"
    assert set(acme.world.roles(acme.other_slug)) == {"Una Umbra"}
    [address] = accounts_with(acme, "bob@example.org")
    user: User = acme.world.read(lambda: db.session.get_one(User, address.user_id))
    assert (user.is_instance_administrator, user.is_active, user.kind.value) == (False, True, "person")
    assert accounts_with(acme, "eve@example.org") == []


def test_C02_token_works_under_no_other_address(acme: Acme, invited: Invited) -> None:
    with acme.unchanged():
        for address in (
            f"/orgs/{acme.other_slug}{invited.link}",
            f"/orgs/{acme.slug}{invited.link}",
            f"/orgs/{acme.other_slug}/invitations/{invited.id}",
            f"{invited.link}/accept",
        ):
            assert post(acme.browser(), address, **NEW).status_code == 404


def test_C04_address_in_the_registration_form_makes_no_account(acme: Acme, invited: Invited) -> None:
    with acme.unchanged():
        answer = post(acme.browser(), invited.link, **NEW, email="eve@example.org")
    assert answer.status_code == 422
    assert accounts_with(acme, "eve@example.org") == []


def test_C04_signing_in_as_somebody_else_leads_to_the_choice_and_joins_nobody(acme: Acme, invited: Invited) -> None:
    browser = acme.browser()
    answer = sign_in(browser, invited, "una@example.org")
    assert (answer.status_code, answer.location) == (303, invited.link)
    assert acme.world.status_of(invited) == "pending"
    assert "but you are signed in as una@example.org" in Page(browser.get(invited.link)).text


def test_C04_strict_policy_refuses_another_address(acme: Acme, invited: Invited) -> None:
    with acme.unchanged():
        answer = post(acme.browser(acme.stranger), invited.link, accept="1")
    assert answer.status_code == 403
    assert "but you are signed in as una@example.org" in Page(answer).text


def test_C04_refusals_of_another_address_fill_no_audit_log(acme: Acme, invited: Invited) -> None:
    before, browser = len(acme.entries()), acme.browser(acme.stranger)
    assert {post(browser, invited.link, accept="1").status_code for _ in range(25)} == {403}
    assert [entry.event for entry in acme.entries()[before:]] == ["invitation.refused"] * 20


def test_C04_form_of_the_signed_out_page_does_not_answer_for_who_is_signed_in(
    acme: Acme, invited: Invited, for_una: Invited
) -> None:
    acme.world.policy(acme.slug, address_match_required=False)
    browser = acme.browser(acme.stranger)
    for sent in (NEW, {"email": "bob@example.org", "password": PASSWORD, "accept": "1"}):
        for invitation in (invited, for_una):
            with acme.unchanged():
                answer = post(browser, invitation.link, **sent)
            assert answer.status_code == 409
            assert "signed in as una@example.org" in Page(answer).text


def test_C04_lax_policy_takes_another_address_and_both_are_in_the_audit_log(acme: Acme, invited: Invited) -> None:
    acme.world.policy(acme.slug, address_match_required=False)
    assert post(acme.browser(acme.stranger), invited.link, accept="1").status_code == 303
    assert acme.world.roles(acme.slug)["Una Umbra"] == "admin"
    entry = acme.entries()[-1]
    assert (entry.target_name, (entry.after or {})["email"]) == ("Bob@example.org", "una@example.org")


def test_switching_signs_out_and_comes_back_without_answering(acme: Acme, invited: Invited) -> None:
    browser = acme.browser(acme.stranger)
    answer = post(browser, f"{invited.link}/switch")
    assert (answer.status_code, answer.location) == (303, invited.link)
    assert acme.world.status_of(invited) == "pending"
    assert not is_signed_in(browser)
    assert len(Page(browser.get(invited.link)).named("password")) == 2


def everybody(acme: Acme) -> int:
    return int(acme.world.read(lambda: db.session.scalar(select(func.count(User.id)))) or 0)


def test_C05_second_account_and_second_tab_come_too_late(acme: Acme, invited: Invited) -> None:
    first_tab = acme.browser()
    post(first_tab, invited.link, **NEW)
    people = everybody(acme)
    for browser in (acme.browser(), acme.browser(acme.stranger), acme.browser(acme.member)):
        with acme.unchanged():
            answer = post(browser, invited.link, **NEW)
        assert answer.status_code == 409
        assert "This invitation was already accepted" in Page(answer).text
    assert everybody(acme) == people


def test_C05_second_click_of_who_accepted_leads_where_the_first_did(acme: Acme, invited: Invited) -> None:
    browser = acme.browser()
    post(browser, invited.link, **NEW)
    events = acme.events()
    with acme.unchanged():
        answer = post(browser, invited.link, **NEW)
    assert (answer.status_code, answer.location) == (303, acme.address("members"))
    assert acme.events() == events
    with acme.unchanged():
        answer = post(browser, invited.link, decline="1")
    assert answer.status_code == 409


def test_C05_abandoned_sign_up_uses_nothing_up_and_leaves_nothing_behind(acme: Acme, invited: Invited) -> None:
    with acme.unchanged():
        acme.browser().get(invited.link)
        post(acme.browser(), invited.link, **{**NEW, "password": "short"})
    assert post(acme.browser(), invited.link, **NEW).status_code == 303
    assert len(accounts_with(acme, "bob@example.org")) == 1


def test_taken_address_cannot_be_registered_again(acme: Acme, for_una: Invited) -> None:
    with acme.unchanged():
        answer = post(acme.browser(), for_una.link, **NEW)
    assert answer.status_code == 422
    assert "There is already an account with this address." in Page(answer).text


@pytest.mark.parametrize("who", ["member", "suspended"])
def test_member_who_accepts_another_invitation_is_told_that_they_are_one(
    acme: Acme, invited: Invited, who: str
) -> None:
    person: Person = getattr(acme, who)
    acme.world.policy(acme.slug, address_match_required=False)
    with acme.unchanged():
        answer = post(acme.browser(person), invited.link, accept="1")
    assert answer.status_code == 422
    assert f"{person.email} is already a member." in Page(answer).text


def test_inactive_person_does_not_get_in_through_the_page(acme: Acme, for_una: Invited) -> None:
    browser = acme.browser(acme.stranger)
    acme.deactivate(acme.stranger)
    with acme.unchanged():
        assert sign_in(acme.browser(), for_una, "una@example.org").status_code == 422
        assert post(browser, for_una.link, accept="1").status_code == 422


def test_D02_each_invitation_answers_for_itself(acme: Acme, invited: Invited, for_una: Invited) -> None:
    post(acme.browser(), invited.link, **NEW, invitation=str(for_una.id), id=str(for_una.id))
    assert (acme.world.status_of(invited), acme.world.status_of(for_una)) == ("accepted", "pending")
    rows = acme.world.read(lambda: db.session.scalars(select(Invitation)).all())
    assert {row.organization_id for row in rows} == {acme.world.read(lambda: acme.organization().id)}
