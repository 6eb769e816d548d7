"""The worker queues reminders while it keeps house; several workers do so once."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from tests.mail.letters import worker_of
from tests.support.acme import Acme
from tests.support.crowds import invite
from tests.support.faults import insertion_fails
from tests.support.smtp import SmtpSink
from tests.support.visitor import at_once
from webapp.mail import reminders

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


def test_two_workers_at_once_remind_everybody_once(acme: Acme) -> None:
    emails = [f"guest{number}@example.net" for number in range(120)]
    with time_machine.travel(NOON, tick=False) as clock:
        invite(acme, emails)
        clock.shift(timedelta(days=5))

        def sweep(_index: int) -> None:
            with acme.world.app.app_context():
                reminders.queue_due()

        at_once(2, sweep)
    letters = acme.world.letters("invitation_reminder")
    assert sorted(letter.to_address for letter in letters) == sorted(emails)
    assert acme.events().count("invitation.reminded") == len(emails)


def test_organization_whose_reminders_fail_keeps_no_other_from_its_turn(
    acme: Acme, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def sweep() -> list[str]:
        with acme.world.app.app_context():
            reminders.queue_due()
        return [letter.to_address for letter in acme.world.letters("invitation_reminder")]

    with time_machine.travel(NOON, tick=False) as clock:
        acme.world.invite(acme.slug, acme.owner, "here@example.net")
        acme.world.invite(acme.other_slug, acme.stranger, "there@example.net")
        clock.shift(timedelta(days=5))
        here = acme.world.read(acme.organization).id
        with insertion_fails(database_url, "audit_entry", "statement", of=here):
            assert sweep() == ["there@example.net"]
        [failed] = [record for record in caplog.records if "Reminders could not be queued" in record.getMessage()]
        assert vars(failed)["organization"] == here
        assert sorted(sweep()) == ["here@example.net", "there@example.net"]


class TestDelivery:
    """The letter itself, by the real worker and a real mail server."""

    @pytest.fixture
    def environment(self, environment: dict[str, str], smtp_sink: SmtpSink) -> dict[str, str]:
        more = {"MAIL_SERVER": smtp_sink.host, "MAIL_PORT": str(smtp_sink.port), "MAIL_SECURITY": "none"}
        return environment | {f"VESTIBULE_{name}": value for name, value in more.items()}

    def test_letter_says_what_ends_when_and_why_it_came(self, app: Flask, acme: Acme, smtp_sink: SmtpSink) -> None:
        with time_machine.travel(datetime.now(UTC) - timedelta(days=6)):
            invited = acme.world.invite(acme.slug, acme.admin, "bob@example.org")
        stop = threading.Event()
        thread = threading.Thread(target=worker_of(app).run_forever, args=(stop, 0.01))
        thread.start()
        _, reminder = smtp_sink.wait_for(2, seconds=60)
        stop.set()
        thread.join()
        assert reminder.recipients == ("bob@example.org",)
        assert reminder.message["Subject"] == "Your invitation to Acme expires soon"
        said = " ".join(reminder.text.split())
        assert "Adam Admin invited you to join Acme" in said
        assert "It is the only reminder" in said
        token = reminder.links[0].rpartition("/")[2]
        assert token != invited.token
        assert acme.browser().get(f"/invitations/{token}").status_code == 200
