"""Suggesting somebody, for members who may not invite."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.asking import ask, request_for
from tests.support.pages import PANEL, Page
from tests.support.worlds import Person, post
from webapp.services import attempts, requests
from webapp.services.attempts import DAY, Limit


def send(acme: Acme, person: Person | None, email: str, **more: Any) -> TestResponse:
    return post(acme.browser(person), acme.address("members/requests/new"), email=email, **more)


def test_button_leads_members_to_the_form_and_others_to_invite(acme: Acme) -> None:
    page = Page(acme.browser(acme.member).get(acme.address("members")))
    address = page.link("suggest-somebody")
    assert address == acme.address("members/requests/new")
    assert "invite-people" not in page.ids
    form = Page(acme.browser(acme.member).get(address, headers=PANEL))
    assert form.roots[0].id == "panel"
    assert "suggest-somebody" not in form.ids
    assert "suggest-somebody" not in Page(acme.browser(acme.admin).get(acme.address("members"))).ids


def test_suggestion_is_stored_and_said(acme: Acme) -> None:
    browser = acme.browser(acme.member)
    done = post(browser, acme.address("members/requests/new"), email=" Bob@example.org ")
    assert (done.status_code, done.location) == (303, acme.address("members"))
    notice = Page(browser.get(done.location)).by_id("notices").text
    assert notice == "Bob@example.org is suggested. Those who may approve it decide."
    assert acme.world.read(lambda: request_for("bob@example.org").invited_by_id) == acme.member.user_id
    assert [letter.kind for letter in acme.world.letters()] == ["request_received"] * 2
    assert acme.events()[-1] == "request.made"


@pytest.mark.parametrize("person", ["admin", "owner"])
def test_who_may_invite_is_led_there_with_the_address(acme: Acme, person: str) -> None:
    who = getattr(acme, person)
    browser = acme.browser(who)
    assert browser.get(acme.address("members/requests/new")).location == acme.address("members/new")
    with acme.unchanged():
        led = send(acme, who, "bob@example.org")
    assert led.status_code == 303
    [field] = Page(browser.get(led.location)).named("emails")
    assert field.text == "bob@example.org"


@pytest.mark.parametrize("email", ["", "bob", "bob@example.org, eve@example.org"])
def test_invalid_address_is_kept_and_nothing_stored(acme: Acme, email: str) -> None:
    with acme.unchanged():
        refused = send(acme, acme.member, email)
    assert refused.status_code == 422
    [field] = Page(refused).named("email")
    assert field.attributes["value"] == email


def test_whom_there_is_nothing_to_ask_for_is_refused_by_name(acme: Acme) -> None:
    acme.world.invite(acme.slug, acme.owner, "ivy@example.org")
    said = {
        "mona@example.com": "mona@example.com is already a member.",
        "ivy@example.org": "ivy@example.org is invited already.",
    }
    for email, sentence in said.items():
        with acme.unchanged():
            refused = send(acme, acme.member, email)
        assert refused.status_code == 422
        assert sentence in Page(refused).by_id("email-error").text


def test_F06_answer_does_not_say_who_asked_to_join(acme: Acme) -> None:
    ask(acme, "kim@example.org")
    with acme.unchanged():
        answer = send(acme, acme.member, "kim@example.org")
    other = send(acme, acme.member, "bob@example.org")
    assert (
        (answer.status_code, answer.location) == (other.status_code, other.location) == (303, acme.address("members"))
    )


def test_F06_answer_is_the_same_again_whether_somebody_asked_to_join_or_not(acme: Acme) -> None:
    ask(acme, "kim@example.org")
    for email in ("kim@example.org", "bob@example.org"):
        answers = [send(acme, acme.member, email) for _ in range(2)]
        assert [(answer.status_code, answer.location) for answer in answers] == [(303, acme.address("members"))] * 2


@pytest.mark.parametrize("person", ["suspended", "stranger"])
def test_D06_outsiders_find_nothing(acme: Acme, person: str) -> None:
    with acme.unchanged():
        assert send(acme, getattr(acme, person), "bob@example.org").status_code == 404


def test_C14_limit_is_a_sentence_beside_the_address(acme: Acme) -> None:
    number = acme.world.read(lambda: acme.organization().id)
    limit = Limit(f"request:invite:{number}:{acme.member.user_id}", requests.TO_INVITE_BY_MEMBER_A_DAY, DAY)
    acme.world.write(lambda: attempts.raise_counters({limit: limit.most}))
    with acme.unchanged():
        refused = send(acme, acme.member, "bob@example.org")
    assert refused.status_code == 422
    assert "The limit of suggestions for today is reached." in Page(refused).by_id("email-error").text


def test_C08_D07_no_field_gives_a_role_or_approves(acme: Acme) -> None:
    fields = {"role": "owner", "status": "pending", "invited_by_id": "1", "organization_id": "2"}
    send(acme, acme.member, "bob@example.org", **fields)
    row = acme.world.read(request_for, "bob@example.org")
    assert (row.role.label, row.invited_by_id) == ("member", acme.member.user_id)
    assert row.organization_id == acme.world.read(lambda: acme.organization().id)


def test_domain_without_a_dot_is_refused_in_words_and_stays_typed(acme: Acme) -> None:
    with acme.unchanged():
        answer = send(acme, acme.member, "x@nowhere")
    assert answer.status_code == 422
    assert "What follows the @ has no dot, so no letter would arrive there." in Page(answer).by_id("email-error").text
    assert Page(answer).by_id("email").attributes["value"] == "x@nowhere"
