"""Changing many invitations at once: what happens is said first, who is left out is named, and it is all or nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from werkzeug.test import TestResponse

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.entries import refuse_entries_about
from tests.support.pages import PANEL, Page
from tests.support.worlds import Invited, Person, post
from webapp.models import InvitationStatus, Role
from webapp.queries.page import PAGE_ROWS
from webapp.services import attempts
from webapp.services.attempts import DAY, Limit
from webapp.services.bulk import MOST_AT_ONCE
from webapp.services.invitation_limits import PER_ADDRESS_A_DAY, PER_ORGANIZATION_A_DAY

ACTIONS = pytest.mark.parametrize("action", ["resend", "revoke"])


def ask(acme: Acme, query: str, person: Person | None = None, **options: Any) -> TestResponse:
    return acme.browser(person or acme.owner).get(acme.address(f"members/pending/bulk?{query}"), **options)


def about(action: str, ids: Sequence[int]) -> str:
    return f"action={action}&" + "&".join(f"ids={number}" for number in ids)


def act(acme: Acme, action: str, ids: Sequence[int], person: Person | None = None, **fields: object) -> TestResponse:
    given: dict[str, Any] = {"action": action, "ids": [str(number) for number in ids], **fields}
    return post(acme.browser(person or acme.owner), acme.address("members/pending/bulk"), **given)


def say_yes(acme: Acme, answer: TestResponse) -> TestResponse:
    """Send what the question on a page sends."""
    return post(acme.browser(acme.owner), acme.address("members/pending/bulk"), **Page(answer).answer())


@pytest.fixture
def sorts(acme: Acme) -> list[Invited]:
    """An invitation that is open, one that has expired, and one that was declined."""
    with time_machine.travel(datetime.now(UTC) - timedelta(days=8)):
        expired = acme.world.invite(acme.slug, acme.admin, "expired@example.org")
    waiting = acme.world.invite(acme.slug, acme.admin, "open@example.org", Role.ADMIN)
    declined = acme.world.invite(acme.slug, acme.manager, "declined@example.org")
    acme.close(declined, InvitationStatus.DECLINED)
    return [waiting, expired, declined]


def test_only_what_the_viewer_may_change_can_be_chosen(acme: Acme, sorts: list[Invited]) -> None:
    above = acme.world.invite(acme.slug, acme.owner, "boss@example.org", Role.OWNER)

    def boxes(person: Person) -> set[str]:
        page = Page(acme.browser(person).get(acme.address("members/pending")))
        assert all(box.attributes["form"] == "bulk" for box in page.named("ids"))
        assert ("bulk" in page.ids) is (person is not acme.member)
        return {box.attributes["value"] for box in page.named("ids")}

    of_all = {str(invited.id) for invited in [*sorts, above]}
    assert boxes(acme.owner) == of_all
    assert boxes(acme.manager) == of_all - {str(above.id)}
    assert boxes(acme.member) == set()


def test_question_says_who_gets_a_letter_and_who_is_left_out_and_changes_nothing(
    acme: Acme, sorts: list[Invited]
) -> None:
    above = acme.world.invite(acme.slug, acme.owner, "boss@example.org", Role.OWNER)
    with acme.unchanged():
        answer = ask(acme, about("resend", [invited.id for invited in [*sorts, above]]), acme.manager)
    text = Page(answer).text
    assert answer.status_code == 200
    assert "Send 3 invitations again? declined@example.org, open@example.org, expired@example.org" in text
    assert "boss@example.org is left out. It offers a role above your own." in text
    assert "They are your invitations from now on, and expire in 7 days." in text


def test_question_names_whose_mailbox_had_its_letters(acme: Acme) -> None:
    ids = crowds.invite(acme, [f"bob+{number}@example.org" for number in range(PER_ADDRESS_A_DAY + 1)])
    text = Page(ask(acme, about("resend", ids))).text
    assert f"Send {PER_ADDRESS_A_DAY} invitations again?" in text
    assert "@example.org is left out. This address had enough letters for today." in text


def test_question_says_whose_link_dies_and_what_only_leaves_the_list(acme: Acme, sorts: list[Invited]) -> None:
    text = Page(ask(acme, about("revoke", [invited.id for invited in sorts]))).text
    assert "Revoke 3 invitations?" in text
    assert "1 person can no longer join by their link." in text
    assert "2 that have expired or were declined leave the list." in text


@ACTIONS
@pytest.mark.parametrize("is_asked_again", [False, True])
def test_cancel_leads_back_to_the_list_as_it_was_with_the_same_invitations_ticked(
    acme: Acme, sorts: list[Invited], action: str, *, is_asked_again: bool
) -> None:
    waiting, expired, _declined = sorts
    another = acme.world.invite(acme.slug, acme.admin, "other@example.org")
    asked = ask(acme, about(f"{action}&q=o&state=pending", [waiting.id, expired.id]))
    if is_asked_again:
        sent = Page(asked).answer() | {"seen": ["something else"]}
        asked = post(acme.browser(acme.owner), acme.address("members/pending/bulk"), **sent)
        assert asked.status_code == 409
    [back] = [element for element in Page(asked).elements if (element.tag, element.text) == ("a", "Cancel")]
    shown = Page(acme.browser(acme.owner).get(back.attributes["href"]))
    assert {*shown.rows("invitation")} == {another.id, waiting.id}
    assert shown.checked("ids") == [str(waiting.id)]
    assert [shown.named(name)[-1].attributes["value"] for name in ("q", "state")] == ["o", "pending"]


def test_cancel_leads_back_to_all_where_all_on_the_list_were_chosen(acme: Acme) -> None:
    crowds.invite(acme, [f"guest{number}@example.org" for number in range(PAGE_ROWS + 1)])
    [back] = [e for e in Page(ask(acme, "action=revoke&q=guest&all=1")).elements if e.text == "Cancel"]
    shown = Page(acme.browser(acme.owner).get(back.attributes["href"]))
    assert (shown.checked("all"), shown.checked("ids")) == (["1"], [])


@ACTIONS
def test_yes_does_it_for_all_who_can_be_changed(acme: Acme, sorts: list[Invited], action: str) -> None:
    ids, before = [invited.id for invited in sorts], len(acme.world.letters("invitation"))
    answer = say_yes(acme, ask(acme, about(action, ids)))
    assert answer.status_code == 303
    assert answer.location.endswith("/members/pending")
    assert acme.events()[-3:] == [{"resend": "invitation.resent", "revoke": "invitation.revoked"}[action]] * 3
    assert len(acme.world.letters("invitation")) - before == {"resend": 3, "revoke": 0}[action]
    assert {acme.world.status_of(invited) for invited in sorts} == {
        "resend": {"pending"},
        "revoke": {"revoked"},
    }[action]


@ACTIONS
def test_world_that_moved_is_shown_again_and_nothing_is_done(acme: Acme, sorts: list[Invited], action: str) -> None:
    asked = ask(acme, about(action, [invited.id for invited in sorts]))
    acme.close(sorts[0], InvitationStatus.ACCEPTED)
    with acme.unchanged():
        answer = say_yes(acme, asked)
    assert answer.status_code == 409
    text = Page(answer).text
    assert "Something changed in the meantime, so nothing was done." in text
    assert "1 was answered or revoked meanwhile, and is left out." in text
    assert "open@example.org" not in text
    assert say_yes(acme, answer).status_code == 303
    assert acme.world.status_of(sorts[0]) == "accepted"


def test_other_number_of_days_than_was_said_is_asked_about_anew(acme: Acme, sorts: list[Invited]) -> None:
    asked = ask(acme, about("resend", [invited.id for invited in sorts]))
    acme.world.policy(acme.slug, invitation_lifetime_days=3)
    with acme.unchanged():
        answer = say_yes(acme, asked)
    assert answer.status_code == 409
    assert "expire in 3 days." in Page(answer).text


def test_R25_second_click_sends_no_second_letter(acme: Acme, sorts: list[Invited]) -> None:
    asked = ask(acme, about("resend", [sorts[0].id]))
    assert say_yes(acme, asked).status_code == 303
    with acme.unchanged():
        assert say_yes(acme, asked).status_code == 409


def test_yes_to_one_action_is_none_to_another(acme: Acme, sorts: list[Invited]) -> None:
    ids = [sorts[0].id]
    seen = Page(ask(acme, about("resend", ids))).answer()["seen"]
    with acme.unchanged():
        assert act(acme, "revoke", ids, confirm="1", seen=seen).status_code == 409


def test_missing_confirmation_unknown_actions_and_no_choice_do_nothing(acme: Acme, sorts: list[Invited]) -> None:
    with acme.unchanged():
        assert act(acme, "resend", [sorts[0].id]).status_code == 422
        assert act(acme, "crown", [sorts[0].id], confirm="1").status_code == 404
        assert act(acme, "revoke", [], confirm="1").status_code == 422
        assert ask(acme, "action=resend&all=1&state=crowned").status_code == 404
    assert "No invitation is chosen" in Page(ask(acme, "action=resend")).text
    assert "No invitation is chosen" in Page(ask(acme, "action=resend", headers=PANEL)).text
    assert ask(acme, "").status_code == 303


@ACTIONS
def test_D03_nothing_is_said_or_done_about_another_organization_and_requests(acme: Acme, action: str) -> None:
    foreign = acme.world.invite(acme.other_slug, acme.stranger, "foreign@example.org")
    request = acme.world.invite(acme.slug, acme.owner, "asking@example.org")
    acme.close(request, InvitationStatus.REQUESTED)
    with acme.unchanged():
        answer = act(acme, action, [foreign.id, request.id], confirm="1")
        mixed = ask(acme, about(action, [foreign.id, request.id]))
    assert (answer.status_code, mixed.status_code) == (422, 422)
    for text in (Page(answer).text, Page(mixed).text):
        assert "foreign@example.org" not in text
        assert "asking@example.org" not in text


@ACTIONS
def test_nobody_changes_what_is_above_them(acme: Acme, action: str) -> None:
    above = acme.world.invite(acme.slug, acme.owner, "boss@example.org", Role.OWNER)
    with acme.unchanged():
        answer = act(acme, action, [above.id], person=acme.admin, confirm="1")
    assert answer.status_code == 422
    assert "None of these invitations can be changed" in Page(answer).text
    assert "boss@example.org is left out." in Page(answer).text
    assert not Page(answer).named("confirm")


def test_all_on_a_list_is_all_of_its_pages_and_at_most_a_thousand(acme: Acme) -> None:
    ids = crowds.invite(acme, [f"guest{number}@example.org" for number in range(60)])
    crowds.invite(acme, [f"other{number}@example.org" for number in range(2)])
    answer = ask(acme, "action=revoke&all=1&q=guest&state=pending")
    assert "Revoke 60 invitations?" in Page(answer).text
    assert sorted(map(int, Page(answer).answer()["ids"])) == ids
    crowds.invite(acme, [f"more{number}@example.org" for number in range(MOST_AT_ONCE)])
    answer = ask(acme, "action=revoke&all=1")
    assert answer.status_code == 422
    assert "At most 1,000 invitations can be changed at once." in Page(answer).text


def test_C14_more_than_the_organization_may_send_today_is_refused_before_anything_is_asked(acme: Acme) -> None:
    ids = crowds.invite(acme, ["a@example.org", "b@example.org"])
    bucket = f"invitation:organization:{acme.world.read(lambda: acme.organization().id)}"
    limit = Limit(bucket, PER_ORGANIZATION_A_DAY, DAY)
    acme.world.write(attempts.raise_counters, {limit: PER_ORGANIZATION_A_DAY - 1})
    with acme.unchanged():
        answer = ask(acme, about("resend", ids))
        assert act(acme, "resend", ids, confirm="1").status_code == 429
    assert answer.status_code == 429
    assert "These are 2 invitations, and of today's you and your organization have 1 left." in Page(answer).text
    assert act(acme, "resend", ids[:1], confirm="1").status_code == 303


@ACTIONS
def test_one_that_fails_takes_all_back(acme: Acme, action: str) -> None:
    ids = crowds.invite(acme, ["a@example.org", "b@example.org", "c@example.org"])
    acme.world.write(refuse_entries_about, ids[1])
    with acme.unchanged():
        assert act(acme, action, ids, confirm="1").status_code >= 400


@ACTIONS
def test_thousand_can_be_changed_by_one_form(acme: Acme, action: str) -> None:
    crowds.invite(acme, [f"guest{number}@example.org" for number in range(MOST_AT_ONCE)])
    asked = ask(acme, f"action={action}&all=1")
    assert "and others" in Page(asked).text
    assert say_yes(acme, asked).status_code == 303
    assert acme.events()[-1000:] == [{"resend": "invitation.resent", "revoke": "invitation.revoked"}[action]] * 1000
    assert len(acme.world.letters("invitation")) == {"resend": 2000, "revoke": 1000}[action]


def test_refusal_is_in_the_audit_log(acme: Acme, sorts: list[Invited]) -> None:
    with acme.unchanged():
        assert act(acme, "revoke", [sorts[0].id], person=acme.member, confirm="1").status_code == 403
    assert acme.events()[-1] == "access.refused"
    log = Page(acme.browser(acme.owner).get(acme.address("audit"))).text
    assert "Mina Member tried to change several invitations and was refused" in log
