"""From a row of the outbox to a letter: text and HTML, with links that lead to this server only."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.charset import QP, Charset
from email.mime.text import MIMEText
from typing import Any

from flask import Flask
from flask_babel import force_locale, gettext, ngettext
from flask_mail import Message
from jinja2 import UndefinedError

from webapp.config import Settings
from webapp.db import db
from webapp.errors import N_, InvalidAddress
from webapp.mail.faults import Fault, LetterNotComposable
from webapp.mail.names import defanged
from webapp.mail.transport import domain_of
from webapp.models import OutboxMessage, Role
from webapp.services import addresses
from webapp.services.outbox import seal_name
from webapp.vault import NotReadable

EXTRA_HEADERS = {"Auto-Submitted": "auto-generated"}  # RFC 3834: no vacation notice answers it
DEFAULT_LANGUAGE = "en"
PLAIN = {"_": gettext, "gettext": gettext, "ngettext": ngettext}  # those of the pages escape for HTML
# The address the letter goes to, and a number that no mail program makes a link. An address that somebody else typed
# has another name: its local part may look like a link.
NOT_DEFANGED = {"email", "ip"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class QuotedPrintableMessage(Message):
    """A message whose lines are short and ASCII only, whatever the names in it: every mail server passes it on."""

    def _mimetext(self, text: str | None, subtype: str = "plain") -> MIMEText:
        charset = Charset("utf-8")
        charset.body_encoding = QP
        return MIMEText(text or "", subtype, charset)  # type: ignore[arg-type]


class Composer:
    """Writes the letters of one application. Needs its application context."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._environment = app.jinja_env
        self._base_url = settings.base_url
        self._sender = settings.mail_default_sender

    def compose(self, letter: OutboxMessage) -> Message:
        """Return the message of a letter; its Message-ID is the same each time.

        Raises:
            LetterNotComposable: the address, the secret or the template makes it impossible.
        """
        recipient = _mailbox(letter.to_address)
        try:
            context = self._context(letter)
            with force_locale(letter.language or DEFAULT_LANGUAGE):
                text = self._environment.get_template(f"mail/{letter.kind}.txt").render(context, **PLAIN)
                html = self._environment.get_template(f"mail/{letter.kind}.html").render(context)
            subject, _, body = text.partition("\n")
            return self._message(letter, recipient, subject.strip(), body.strip() + "\n", html)
        except (ValueError, UndefinedError) as error:
            message = N_("The letter could not be written (%(why)s).")
            raise LetterNotComposable(Fault(message, {"why": type(error).__name__})) from error

    def _context(self, letter: OutboxMessage) -> dict[str, Any]:
        context = dict(_speakable(letter.data), base_url=self._base_url)
        if letter.secret is not None:
            try:
                context["token"] = db.vault.open(seal_name(letter), letter.secret)
            except NotReadable as error:
                message = N_(
                    "The link in the letter cannot be read: the encryption key that sealed it is not given any more."
                )
                raise LetterNotComposable(Fault(message)) from error
        return context

    def _message(self, letter: OutboxMessage, recipient: str, subject: str, body: str, html: str) -> Message:
        message = QuotedPrintableMessage(
            subject,
            recipients=[recipient],
            body=body,
            html=html,
            sender=self._sender,
            date=letter.created_at.timestamp(),
            extra_headers=EXTRA_HEADERS,
        )
        message.msgId = f"<{letter.message_id}@{domain_of(self._base_url)}>"
        if message.has_bad_headers() or not subject or _CONTROL.search(subject):
            raise ValueError("no subject, or a header with a line break or another control character")
        message.as_bytes()
        return message


def _mailbox(address: str) -> str:
    """Return where the letter goes: the domain in the one ASCII form by which the address was proven and compared.

    Left to itself, the mail library would encode some domains (IDNA 2003) into somebody else's.
    """
    try:
        return addresses.parse(address).mailbox
    except InvalidAddress as error:
        raise LetterNotComposable(Fault(N_("The address is not one that letters can be sent to."))) from error


def _speakable(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a template may say: moments, roles, the address the letter goes to, all else defanged.

    Raises:
        KeyError: a role of a newer version, which waits for a worker that knows it, as an unknown kind of letter does.
    """
    said: dict[str, Any] = {}
    for name, value in data.items():
        if name.endswith("_at"):
            said[name] = datetime.fromisoformat(value)
        elif name == "role":
            said[name] = Role[value.upper()]
        else:
            said[name] = defanged(value) if isinstance(value, str) and name not in NOT_DEFANGED else value
    return said
