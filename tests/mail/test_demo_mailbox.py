"""In a demo, letters go into a mailbox that is shown in the browser."""

import os
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.mail.letters import queue, queue_invitation, queue_invitations, settings_of, stored, worker_of
from tests.support.smtp import SmtpSink
from webapp.config import Settings
from webapp.mail.demo_mailbox import DemoMailbox
from webapp.models import LetterState


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    """A demo, even with a mail server."""
    return replace(Settings.from_environment(environment), demo=True)


def mailbox_of(app: Flask) -> DemoMailbox:
    return DemoMailbox(settings_of(app).data_dir)


def test_letter_lands_in_the_mailbox_and_nowhere_else(app: Flask, smtp_sink: SmtpSink) -> None:
    letter_id = queue_invitation(app, "mia@example.org", "a-token")
    assert worker_of(app).run_once() == 0
    assert stored(app, letter_id).state is LetterState.SENT
    assert stored(app, letter_id).secret is None
    [letter] = mailbox_of(app).newest()
    assert (letter.to, letter.subject) == ("mia@example.org", "Ada Example invited you to Harbour Works")
    assert letter.links == ["http://127.0.0.1:8000/invitations/a-token"]
    assert abs((datetime.now(UTC) - letter.created_at).total_seconds()) < 60
    assert smtp_sink.letters == []


def test_only_the_servers_user_may_look_into_the_folder(app: Flask, tmp_path: Path) -> None:
    folder = tmp_path / "demo-mailbox"
    folder.mkdir(mode=0o755)
    queue_invitation(app, "mia@example.org")
    worker_of(app).run_once()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_pages_show_the_newest_letter_first_and_each_with_its_link(app: Flask, client: FlaskClient) -> None:
    assert client.get("/demo/mailbox").status_code == 200
    queue_invitation(app, "mia@example.org", "a-token")
    queue(app, "password_changed", "noa@example.org", {"name": "Noa"})
    worker_of(app).run_once()
    newest, oldest = mailbox_of(app).newest()
    page = client.get("/demo/mailbox").get_data(as_text=True)
    assert page.index(f"/demo/mailbox/{newest.key}") < page.index(f"/demo/mailbox/{oldest.key}")
    assert page.index("noa@example.org") < page.index("mia@example.org")
    shown = client.get(f"/demo/mailbox/{oldest.key}").get_data(as_text=True)
    assert 'href="http://127.0.0.1:8000/invitations/a-token"' in shown
    assert "with the role Member" in shown


def test_at_most_a_hundred_letters_are_listed(app: Flask) -> None:
    queue_invitations(app, ["mia@example.org"] * 101)
    worker_of(app).run_once()
    assert len(mailbox_of(app).newest()) == 100


@pytest.mark.parametrize("key", ["none", "..", "..%2fkeys", "%2e%2e%2fdemo-mailbox", "."])
def test_other_files_are_no_letters(app: Flask, client: FlaskClient, key: str) -> None:
    queue_invitation(app, "mia@example.org")
    worker_of(app).run_once()
    assert client.get(f"/demo/mailbox/{key}").status_code == 404


def test_worker_is_a_demo_on_loopback_addresses_only(environment: dict[str, str]) -> None:
    public = {**os.environ, **environment, "VESTIBULE_BASE_URL": "https://vestibule.example.org"}
    command = [sys.executable, "-m", "webapp.cli", "worker", "--demo"]
    refusal = subprocess.run(command, env=public, timeout=120, check=False, capture_output=True, text=True)
    assert refusal.returncode == 1
    assert "--demo sends no mail, so it runs on loopback addresses only." in refusal.stderr
