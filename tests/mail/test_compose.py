"""What letters say, and what they refuse to say."""

import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from flask import Flask

from tests.mail.letters import INVITATION, queue, queue_invitation, require_well_set, settings_of, stored, worker_of
from tests.support.smtp import SmtpSink
from webapp.db import db, transaction
from webapp.mail.compose import Composer
from webapp.models import LetterState, OutboxMessage

HOSTILE = "<b>Eve</b>\r\nBcc: eve@evil.example\u202e https://evil.example/win www.evil.example"
LINKABLE = re.compile(r"(?:https?://|www\.|evil\.example)[^\s<>\"]*")


def composed(app: Flask, letter_id: int, **changes: str) -> EmailMessage:
    letter = stored(app, letter_id)
    with app.app_context():
        raw = Composer(app, replace(settings_of(app), **changes)).compose(letter).as_bytes()  # type: ignore[arg-type]
    return message_from_bytes(raw, policy=policy.default)


def part(message: EmailMessage, kind: str) -> str:
    """Return the text of a letter, or its HTML; the text is well set."""
    body = message.get_body((kind,))
    assert body is not None
    content = str(body.get_content())
    if kind == "plain":
        require_well_set(content)
    return content


@pytest.mark.parametrize(
    ("kind", "data", "token", "path", "why"),
    [
        (
            "invitation",
            {},
            "a-token",
            "/invitations/a-token",
            "because Ada Example of Harbour Works entered this address",
        ),
        (
            "invitation_reminder",
            {**INVITATION, "email": "mia@example.org"},
            "a-token",
            "/invitations/a-token",
            "because Ada Example of Harbour Works entered this address. It is the only reminder",
        ),
        (
            "verify_address",
            {"name": "Mia", "email": "mia@example.org", "expires_at": "2027-01-08T14:03:00+00:00"},
            "a-token",
            "/verify-email/a-token",
            "because an account was made with this address through a copied link",
        ),
        (
            "password_reset",
            {"name": "Mia", "expires_at": "2027-01-08T14:03:00+00:00"},
            "a-token",
            "/reset-password/a-token",
            "asked for a new password",
        ),
        (
            "password_changed",
            {"name": "Mia", "expires_at": "2027-01-08T14:03:00+00:00"},
            None,
            "/forgot-password",
            "each change of its password",
        ),
        (
            "new_sign_in",
            {"name": "Mia", "signed_in_at": "2027-01-08T14:03:00+00:00", "ip": "192.0.2.7", "browser": "Firefox"},
            None,
            "/forgot-password",
            "each sign-in from a new network",
        ),
    ],
)
def test_letter_says_in_text_and_html_where_to_go_and_why_it_came(
    app: Flask, kind: str, data: dict[str, str], token: str | None, path: str, why: str
) -> None:
    if kind == "invitation":
        letter_id = queue_invitation(app, "mia@example.org", token)
    else:
        letter_id = queue(app, kind, "mia@example.org", data, token)
    message = composed(app, letter_id, base_url="https://vestibule.example.org")
    link = f"https://vestibule.example.org{path}"
    text, html = part(message, "plain"), part(message, "html")
    assert re.findall(r"https?://\S+", text) == [link]
    assert set(re.findall(r'href="([^"]*)"', html)) == {link}
    assert why in " ".join(text.split())
    assert why in html
    assert message["To"] == "mia@example.org"
    assert message["From"] == "Vestibule <vestibule@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == stored(app, letter_id).created_at.replace(microsecond=0)
    assert message["Message-ID"] == f"<{stored(app, letter_id).message_id}@vestibule.example.org>"
    assert message["Subject"] == re.findall("<title>(.*)</title>", html)[0]


def test_invitation_says_who_where_as_what_and_until_when(app: Flask) -> None:
    message = composed(app, queue_invitation(app, "mia@example.org", role="manager"))
    text = " ".join(part(message, "plain").split())
    assert message["Subject"] == "Ada Example invited you to Harbour Works"
    assert "Ada Example invited you to join Harbour Works with the role Manager." in text
    assert "It works until 8 Jan 2027, 14:03 UTC." in text


def test_links_never_follow_the_host_of_a_request(app: Flask) -> None:
    letter_id = queue_invitation(app, "mia@example.org")
    with app.test_request_context(base_url="http://evil.example"):
        message = composed(app, letter_id)
    assert "evil.example" not in message.as_string()


def test_c14_names_are_text_in_subject_text_and_html(app: Flask) -> None:
    token = "a-token"
    message = composed(app, queue_invitation(app, "mia@example.org", token, organization=HOSTILE, inviter=HOSTILE))
    link = f"http://127.0.0.1:8000/invitations/{token}"
    text, html = part(message, "plain"), part(message, "html")
    assert LINKABLE.findall(text) == [link]
    assert set(LINKABLE.findall(html)) == {link}
    assert LINKABLE.findall(message["Subject"]) == []
    assert message["Bcc"] is None
    assert "<b>" not in html
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", text + html + message["Subject"])


def test_lines_on_the_wire_are_short_and_ascii_whatever_the_names(app: Flask) -> None:
    letter_id = queue_invitation(app, "mia@example.org", organization="🎉" * 200, inviter="ß" * 200)
    with app.app_context():
        raw = Composer(app, settings_of(app)).compose(stored(app, letter_id)).as_bytes()
    assert raw.isascii()
    assert max(map(len, raw.splitlines())) < 100
    assert "🎉" * 200 in part(message_from_bytes(raw, policy=policy.default), "html")


@pytest.mark.parametrize(
    "address",
    [
        "mia@example.org\r\nBcc: eve@example.org",
        "mia@example.org\nSubject: won",
        "mia@example.org, eve@example.org",
        "Mia <mia@example.org>",
        "jörg@example.org",
        "@example.org",
        "",
    ],
)
def test_address_that_is_not_one_fails_alone_and_reaches_nobody(app: Flask, smtp_sink: SmtpSink, address: str) -> None:
    bad = queue_invitation(app, address)
    good = queue_invitation(app, "noa@example.org")
    assert worker_of(app).run_once() == 0
    assert stored(app, bad).state is LetterState.FAILED
    assert stored(app, bad).last_error == "The address is not one that letters can be sent to."
    assert stored(app, good).state is LetterState.SENT
    assert [letter.recipients for letter in smtp_sink.letters] == [("noa@example.org",)]


def test_c14_line_breaks_in_names_make_no_header(app: Flask, smtp_sink: SmtpSink) -> None:
    queue_invitation(app, "mia@example.org", organization="Harbour\r\nBcc: eve@example.org\r\n\r\nhello")
    assert worker_of(app).run_once() == 0
    [letter] = smtp_sink.letters
    assert letter.recipients == ("mia@example.org",)
    assert letter.message["Bcc"] is None
    assert letter.message["Subject"] == "Ada Example invited you to Harbour Bcc: eve@example[.]org hello"


def seal_for_another_letter(app: Flask, letter_id: int) -> None:
    with app.app_context(), transaction(write=True):
        db.session.get_one(OutboxMessage, letter_id).secret = db.vault.seal("outbox_message:0", "a-token")


def test_letter_that_cannot_be_written_fails_with_a_sentence_and_blocks_nobody(app: Flask, smtp_sink: SmtpSink) -> None:
    unsaid = queue(
        app, "password_reset", "mia@example.org", {"name": "Mia", "expires_at": "2027-01-08T14:03:00+00:00"}, None
    )
    unreadable = queue_invitation(app, "mia@example.org")
    seal_for_another_letter(app, unreadable)
    good = queue_invitation(app, "noa@example.org")
    assert worker_of(app).run_once() == 0
    for letter_id, sentence in [
        (unsaid, "The letter could not be written (UndefinedError)."),
        (unreadable, "The link in the letter cannot be read: the encryption key that sealed it is not given any more."),
    ]:
        letter = stored(app, letter_id)
        assert (letter.state, letter.last_error, letter.secret) == (LetterState.FAILED, sentence, None)
    assert stored(app, good).state is LetterState.SENT
    assert len(smtp_sink.letters) == 1


@pytest.mark.parametrize(("kind", "role"), [("no_such_kind", "member"), ("invitation", "president")])
def test_letter_of_a_newer_version_waits_for_a_worker_that_knows_it(
    app: Flask, smtp_sink: SmtpSink, kind: str, role: str
) -> None:
    unknown = queue(app, kind, "mia@example.org", {**INVITATION, "role": role}, "a-token")
    good = queue_invitation(app, "noa@example.org")
    assert worker_of(app).run_once() == 1
    letter = stored(app, unknown)
    assert (letter.state, letter.secret is None) == (LetterState.QUEUED, False)
    assert stored(app, good).state is LetterState.SENT
    assert len(smtp_sink.letters) == 1


@pytest.mark.parametrize(
    ("typed", "mailbox"),
    [
        ("olive@straße.example", "olive@xn--strae-oqa.example"),
        ("olive@βόλος.example", "olive@xn--nxasmm1c.example"),
        ("olive@example.org", "olive@example.org"),
    ],
)
def test_F02_letter_goes_to_the_proven_domain_and_to_no_look_alike(app: Flask, typed: str, mailbox: str) -> None:
    message = composed(app, queue_invitation(app, typed))
    assert message["To"] == mailbox


def test_F03_name_cannot_smuggle_an_encoded_word_into_the_subject(app: Flask) -> None:
    message = composed(app, queue_invitation(app, "mia@example.org", inviter="=?utf-8?q?=E2=80=AEevil?="))
    assert "=?utf-8?q?=E2=80=AE" not in message["Subject"]


SIGN_IN = {"name": "Mia", "signed_in_at": "2027-01-08T14:03:00+00:00", "ip": "192.0.2.7", "browser": ""}


def test_new_sign_in_says_when_from_where_and_with_what(app: Flask) -> None:
    message = composed(app, queue(app, "new_sign_in", "mia@example.org", {**SIGN_IN, "browser": "Firefox, Linux"}))
    text, html = part(message, "plain"), part(message, "html")
    for said in ("8 Jan 2027, 14:03 UTC", "192.0.2.7", "Firefox, Linux"):
        assert said in text
        assert said in html
    unknown = composed(app, queue(app, "new_sign_in", "mia@example.org", SIGN_IN))
    assert "Unknown browser" in part(unknown, "plain")


@pytest.mark.parametrize(("language", "lang", "month"), [(None, "en", "Oct"), ("en", "en", "Oct"), ("de", "de", "Okt")])
def test_letter_is_written_in_the_language_of_its_recipient(
    app: Flask, language: str | None, lang: str, month: str
) -> None:
    said = {**SIGN_IN, "signed_in_at": "2027-10-08T14:03:00+00:00"}
    letter_id = queue(app, "new_sign_in", "mia@example.org", said, language=language)
    with app.test_request_context(headers={"Accept-Language": "de" if lang == "en" else "en"}):
        message = composed(app, letter_id)
    assert f'<html lang="{lang}">' in part(message, "html")
    assert month in part(message, "plain")


def test_names_are_escaped_in_html_only(app: Flask) -> None:
    message = composed(app, queue_invitation(app, "mia@example.org", organization="Tom & 'Jerry'"))
    assert message["Subject"] == "Ada Example invited you to Tom & 'Jerry'"
    assert "to join Tom & 'Jerry' with" in part(message, "plain")
    assert "to join Tom &amp; &#39;Jerry&#39; with" in part(message, "html")
