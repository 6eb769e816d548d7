"""The mail server of the tests does what its script says."""

import smtplib
import ssl
from pathlib import Path

import pytest

from tests.support.certificates import make_certificate
from tests.support.smtp import CUT, NO_SUCH_MAILBOX, STALL, TRY_LATER, SmtpSink

LETTER = b"Subject: Hello\r\nMessage-ID: <1@example.org>\r\n\r\nFollow http://127.0.0.1/invitations/abc today.\r\n"
PATIENCE_SECONDS = 60


def send(sink: SmtpSink, *recipients: str) -> None:
    with smtplib.SMTP(sink.host, sink.port, timeout=PATIENCE_SECONDS) as client:
        client.sendmail("vestibule@example.org", recipients, LETTER)


def test_accepted_letter_is_kept_as_it_came(smtp_sink: SmtpSink) -> None:
    send(smtp_sink, "mia@example.org")
    [letter] = smtp_sink.wait_for(1)
    assert letter.raw == LETTER
    assert letter.recipients == ("mia@example.org",)
    assert letter.links == ["http://127.0.0.1/invitations/abc"]


@pytest.mark.parametrize("answer", [TRY_LATER, NO_SUCH_MAILBOX])
def test_scripted_refusal(smtp_sink: SmtpSink, answer: str) -> None:
    smtp_sink.answers["mia@example.org"] = answer
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        send(smtp_sink, "mia@example.org")
    code, text = refusal.value.recipients["mia@example.org"]
    assert f"{code} {text.decode()}" == answer
    assert smtp_sink.letters == []


def test_cut_takes_the_letter_and_says_nothing(smtp_sink: SmtpSink) -> None:
    smtp_sink.answers["mia@example.org"] = CUT
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(smtp_sink, "mia@example.org")
    assert len(smtp_sink.letters) == 1


def test_stall_never_answers(smtp_sink: SmtpSink) -> None:
    smtp_sink.answers["mia@example.org"] = STALL
    with smtplib.SMTP(smtp_sink.host, smtp_sink.port, timeout=PATIENCE_SECONDS) as client:
        for said, code in (
            ("EHLO localhost", 250),
            ("MAIL FROM:<>", 250),
            ("RCPT TO:<mia@example.org>", 250),
            ("DATA", 354),
        ):
            assert client.docmd(said)[0] == code
        client.send(LETTER + b".\r\n")
        smtp_sink.wait_for(1)
        assert client.sock is not None
        client.sock.settimeout(0.1)
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            client.getreply()


def test_tls_is_believed_only_with_its_authority(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=certificate.authority_file)
    with SmtpSink("tls", certificate) as sink:
        with smtplib.SMTP_SSL(sink.host, sink.port, context=trusting, timeout=PATIENCE_SECONDS) as client:
            assert client.noop()[0] == 250
        with pytest.raises(ssl.SSLCertVerificationError):
            smtplib.SMTP_SSL(sink.host, sink.port, context=ssl.create_default_context(), timeout=PATIENCE_SECONDS)


def test_starttls_comes_before_mail_and_login(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=certificate.authority_file)
    sink = SmtpSink("starttls", certificate, login=("mailer", "a secret"))
    with sink, smtplib.SMTP(sink.host, sink.port, timeout=PATIENCE_SECONDS) as client:
        assert client.docmd("MAIL FROM:<vestibule@example.org>")[0] == 530
        client.starttls(context=trusting)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("mailer", "a wrong one")
        client.login("mailer", "a secret")
        client.sendmail("vestibule@example.org", ["mia@example.org"], LETTER)
    assert len(sink.letters) == 1
