"""Letters travel encrypted to a server that proves who it is, or not at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.mail.letters import queue_invitation, stored, worker_of
from tests.support.certificates import Certificate, make_certificate
from tests.support.smtp import SmtpSink
from webapp.models import LetterState

SecureSink = tuple[SmtpSink, dict[str, Any]]
LOGIN = {"mail_username": "mailer", "mail_password": "a made-up password"}


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


@pytest.fixture(params=["starttls", "tls"])
def secure_sink(request: pytest.FixtureRequest, certificate: Certificate) -> Iterator[SecureSink]:
    """A mail server with TLS of either kind, and the settings that reach it."""
    with SmtpSink(request.param, certificate) as sink:
        yield sink, {"mail_port": sink.port, "mail_security": request.param}


def error_after(app: Flask, **changes: Any) -> str:
    letter_id = queue_invitation(app, "mia@example.org")
    worker_of(app, **changes).run_once()
    letter = stored(app, letter_id)
    assert letter.state is LetterState.QUEUED
    return letter.last_error or ""


def test_certificate_of_an_unknown_authority_is_refused(app: Flask, secure_sink: SecureSink) -> None:
    sink, settings = secure_sink
    error = error_after(app, **settings)
    assert error.startswith("The mail server at 127.0.0.1 could not prove who it is: ")
    assert sink.letters == []


def test_certificate_of_a_given_authority_is_accepted(
    app: Flask, secure_sink: SecureSink, certificate: Certificate
) -> None:
    sink, settings = secure_sink
    letter_id = queue_invitation(app, "mia@example.org")
    assert worker_of(app, mail_ca_file=certificate.authority_file, **settings).run_once() == 0
    assert stored(app, letter_id).state is LetterState.SENT
    assert len(sink.letters) == 1


def test_certificate_for_another_name_is_refused(app: Flask, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, ["mail.example.org"])
    with SmtpSink("starttls", certificate) as sink:
        changes = {"mail_port": sink.port, "mail_ca_file": certificate.authority_file, "mail_security": "starttls"}
        assert "could not prove who it is" in error_after(app, **changes)
        assert sink.letters == []


def test_server_without_starttls_gets_nothing_in_the_clear(app: Flask, smtp_sink: SmtpSink) -> None:
    error = error_after(app, mail_security="starttls", **LOGIN)
    assert error == (
        "The mail server at 127.0.0.1 offers no encryption (STARTTLS), and letters do not travel without it."
    )
    assert smtp_sink.letters == []


def test_login_is_sent_only_encrypted_and_a_wrong_one_is_told(app: Flask, certificate: Certificate) -> None:
    changes = {"mail_security": "starttls", "mail_ca_file": certificate.authority_file}
    with SmtpSink("starttls", certificate, login=("mailer", "another password")) as sink:
        error = error_after(app, mail_port=sink.port, **changes, **LOGIN)
        assert error.startswith("The mail server at 127.0.0.1 did not accept the user name and password: 535 ")
        assert LOGIN["mail_password"] not in error
    with SmtpSink("starttls", certificate, login=("mailer", LOGIN["mail_password"])) as sink:
        queue_invitation(app, "noa@example.org")
        worker_of(app, mail_port=sink.port, **changes, **LOGIN).run_once()
        assert [letter.recipients for letter in sink.letters] == [("noa@example.org",)]
