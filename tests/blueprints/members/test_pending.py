"""The tab Pending: which invitations are listed, where they stand, and what became of their letters."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import update

from tests.mail.letters import worker_of
from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.smtp import NO_SUCH_MAILBOX, TRY_LATER, SmtpSink
from tests.support.worlds import Invited
from webapp.db import db
from webapp.mail.queue import MAX_ATTEMPTS
from webapp.models import InvitationStatus, LetterState, OutboxMessage, Role

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


def pending_page(acme: Acme, query: str = "", language: str = "en") -> Page:
    browser = acme.browser(acme.owner)
    return Page(browser.get(acme.address(f"members/pending{query}"), headers={"Accept-Language": language}))


def row(acme: Acme, invited: Invited, language: str = "en") -> str:
    return pending_page(acme, language=language).by_id(f"invitation-{invited.id}").text


@pytest.fixture
def invited(acme: Acme) -> Invited:
    return acme.world.invite(acme.slug, acme.admin, "bob@example.org", Role.ADMIN)


def test_invitations_are_listed_newest_first_with_role_and_sender(acme: Acme, invited: Invited) -> None:
    newer = acme.world.invite(acme.slug, acme.manager, "eve@example.org")
    page = pending_page(acme)
    assert page.rows("invitation") == [newer.id, invited.id]
    said = page.by_id(f"invitation-{invited.id}").text
    assert said.startswith("bob@example.org Invited by Adam Admin,")
    assert " Admin Global access Queued in " in said


def test_nothing_of_another_organization_is_listed(acme: Acme, invited: Invited) -> None:
    acme.world.invite(acme.other_slug, acme.stranger, "bobby@example.org")
    for query in ("", "?q=bob"):
        assert pending_page(acme, query).rows("invitation") == [invited.id]


def test_expired_one_is_marked_and_can_be_taken_off_the_list(acme: Acme) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org", days=1)
        clock.shift(timedelta(days=1))
        page = Page(acme.world.browser(acme.owner).get(acme.address("members/pending")))
    said = page.by_id(f"invitation-{invited.id}").text
    assert "Expired" in said
    assert "Revoke" in said


def test_declined_one_is_marked_and_can_be_taken_off_the_list(acme: Acme, invited: Invited) -> None:
    acme.close(invited, InvitationStatus.DECLINED)
    assert "Declined" in row(acme, invited)
    assert "Revoke" in row(acme, invited)


@pytest.mark.parametrize("status", [InvitationStatus.ACCEPTED, InvitationStatus.REVOKED])
def test_accepted_and_revoked_ones_are_gone(acme: Acme, invited: Invited, status: InvitationStatus) -> None:
    acme.close(invited, status)
    for query in ("", "?q=bob"):
        assert pending_page(acme, query).rows("invitation") == []


def test_counter_is_the_number_of_rows(acme: Acme, invited: Invited) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(days=8)):
        acme.world.invite(acme.slug, acme.admin, "expired@example.org")
    for status in (InvitationStatus.ACCEPTED, InvitationStatus.REVOKED, InvitationStatus.DECLINED):
        acme.close(acme.world.invite(acme.slug, acme.admin, f"{status.value}@example.org"), status)
    page = pending_page(acme)
    assert len(page.rows("invitation")) == 3
    assert page.by_id("tab-pending").text == "Pending 3"


def test_empty_tab_says_what_to_do_next(acme: Acme) -> None:
    page = pending_page(acme)
    assert "Nobody is waiting" in page.text
    assert "Invite people" in page.by_id("results").text


def test_sender_who_has_left_the_organization_is_still_named(acme: Acme, invited: Invited) -> None:
    acme.remove(acme.admin)
    assert "Invited by Adam Admin" in row(acme, invited)


class TestLetters:
    """What the real worker and the real mail server made of the letter."""

    @pytest.fixture
    def environment(self, environment: dict[str, str], smtp_sink: SmtpSink) -> dict[str, str]:
        more = {"MAIL_SERVER": smtp_sink.host, "MAIL_PORT": str(smtp_sink.port), "MAIL_SECURITY": "none"}
        return environment | {f"VESTIBULE_{name}": value for name, value in more.items()}

    def test_waiting_letter_is_queued(self, acme: Acme, invited: Invited) -> None:
        assert "Queued" in row(acme, invited)

    def test_delivered_letter_is_sent(self, app: Flask, acme: Acme, invited: Invited, smtp_sink: SmtpSink) -> None:
        worker_of(app).run_once()
        assert [letter.recipients for letter in smtp_sink.letters] == [("bob@example.org",)]
        assert " Sent " in row(acme, invited)

    def test_refused_letter_has_failed_and_says_why(
        self, app: Flask, acme: Acme, invited: Invited, smtp_sink: SmtpSink
    ) -> None:
        smtp_sink.answers["bob@example.org"] = NO_SUCH_MAILBOX
        worker_of(app).run_once()
        assert " Failed " in row(acme, invited)
        assert "550 5.1.1 No such mailbox" in row(acme, invited)

    def test_reason_is_told_in_the_language_of_the_page(
        self, app: Flask, acme: Acme, invited: Invited, smtp_sink: SmtpSink
    ) -> None:
        smtp_sink.answers["bob@example.org"] = NO_SUCH_MAILBOX
        worker_of(app).run_once()
        german = row(acme, invited, "de")
        assert "Der Mailserver 127.0.0.1 hat die Adresse abgelehnt: 550 5.1.1 No such mailbox" in german

    def test_reason_of_a_letter_that_was_given_up_is_told_whole(
        self, app: Flask, acme: Acme, invited: Invited, smtp_sink: SmtpSink
    ) -> None:
        smtp_sink.answers["bob@example.org"] = TRY_LATER
        attempts = update(OutboxMessage).values(attempts=MAX_ATTEMPTS - 1)
        acme.world.write(lambda: db.session.execute(attempts))
        worker_of(app).run_once()
        said = f"Given up after {MAX_ATTEMPTS} attempts. The mail server at 127.0.0.1 refused the address: 451"
        assert said in row(acme, invited)
        german = row(acme, invited, "de")
        assert f"Nach {MAX_ATTEMPTS} Versuchen aufgegeben. Der Mailserver 127.0.0.1 hat" in german

    def test_reason_that_an_earlier_version_noted_is_shown_as_it_stands(self, acme: Acme, invited: Invited) -> None:
        noted = update(OutboxMessage).values(state=LetterState.FAILED, last_error="It was <refused>.")
        acme.world.write(lambda: db.session.execute(noted))
        assert "It was <refused>." in row(acme, invited, "de")

    def test_letter_that_is_tried_again_is_queued(
        self, app: Flask, acme: Acme, invited: Invited, smtp_sink: SmtpSink
    ) -> None:
        smtp_sink.answers["bob@example.org"] = TRY_LATER
        worker_of(app).run_once()
        assert " Queued " in row(acme, invited)

    def test_letter_in_the_hands_of_a_worker_is_queued(self, acme: Acme, invited: Invited) -> None:
        acme.world.write(lambda: db.session.execute(update(OutboxMessage).values(state=LetterState.SENDING)))
        assert " Queued " in row(acme, invited)
