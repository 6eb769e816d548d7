"""Why a letter could not leave, as sentences an administrator can act on, in any language."""

import re
import smtplib
import socket
import ssl
from collections.abc import Mapping
from typing import NamedTuple

from webapp.errors import N_

WORDS_MAX_CHARACTERS = 200
PERMANENT = range(500, 600)
# What could be a link or a token, should a mail server quote the letter it refuses.
_SECRETIVE = re.compile(r"\S*://\S*|[\w-]{32,}")


class Fault(NamedTuple):
    """Why a letter could not leave: a message marked for translation, and the values for its placeholders."""

    message: str
    params: Mapping[str, str] = {}

    def __str__(self) -> str:
        return self.message % self.params


UNEXPECTED = Fault(N_("Something unexpected happened while the letter was sent; the log of the mail worker says more."))


class LetterFault(Exception):
    """A letter could not leave."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


class LetterRefused(LetterFault):
    """The mail server will never take this letter."""


class LetterDelayed(LetterFault):
    """This letter may well go later."""


class ServerUnreachable(LetterDelayed):
    """No letter can go at present."""


class LetterNotComposable(LetterFault):
    """The row of the outbox makes no letter."""


def fault_of(error: Exception, server: str, timeout_seconds: float) -> Fault:
    """Say what went wrong while opening a connection to the mail server, or while handing over a letter."""
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return _too_late(server, timeout_seconds)
    if isinstance(error, smtplib.SMTPException):
        return _of_conversation(error, server)
    return _of_network(error, server)


def _too_late(server: str, timeout_seconds: float) -> Fault:
    if timeout_seconds == 1:
        return Fault(N_("The mail server at %(server)s did not answer within 1 second."), {"server": server})
    return Fault(
        N_("The mail server at %(server)s did not answer within %(seconds)s seconds."),
        {"server": server, "seconds": f"{timeout_seconds:g}"},
    )


def is_permanent(error: Exception) -> bool:
    """Tell whether the server refused this recipient or this message for good (RFC 5321, section 4.2.1).

    A refused sender or login is no fault of the letter: it waits until an administrator has mended the settings.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code in PERMANENT for code, _words in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code in PERMANENT


def _of_conversation(error: smtplib.SMTPException, server: str) -> Fault:
    if isinstance(error, smtplib.SMTPServerDisconnected):
        message = N_("The mail server at %(server)s closed the connection before it had confirmed the letter.")
        return Fault(message, {"server": server})
    if isinstance(error, smtplib.SMTPSenderRefused):
        message = N_("The mail server at %(server)s does not take letters from %(sender)s: %(words)s")
        return Fault(message, {"server": server, "sender": error.sender, "words": _words_of(error)})
    message, words = _answered(error)
    return Fault(message, {"server": server, "words": words})


def _answered(error: smtplib.SMTPException) -> tuple[str, str]:
    """Return what to say of an answer, and its words."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        message = N_("The mail server at %(server)s did not accept the user name and password: %(words)s")
        return message, _words_of(error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
        return N_("The mail server at %(server)s refused the address: %(words)s"), _shortened(code, words)
    if isinstance(error, smtplib.SMTPResponseException):
        return N_("The mail server at %(server)s answered: %(words)s"), _words_of(error)
    message = N_("The mail server at %(server)s cannot do what was asked of it: %(words)s")
    return message, _shortened(None, str(error))


def _of_network(error: Exception, server: str) -> Fault:
    if isinstance(error, ssl.SSLCertVerificationError):
        message, why = N_("The mail server at %(server)s could not prove who it is: %(why)s."), error.verify_message
    elif isinstance(error, ssl.SSLError):
        message = N_("A secure connection to the mail server at %(server)s could not be made: %(why)s.")
        why = error.reason
    elif isinstance(error, socket.gaierror):
        return Fault(N_("The mail server %(server)s was not found under this name."), {"server": server})
    elif isinstance(error, ConnectionRefusedError):
        return Fault(N_("The mail server at %(server)s refused the connection."), {"server": server})
    else:
        message = N_("The mail server at %(server)s could not be reached: %(why)s.")
        why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return Fault(message, {"server": server, "why": str(why)})


def _words_of(error: smtplib.SMTPResponseException) -> str:
    return _shortened(error.smtp_code, error.smtp_error)


def _shortened(code: int | None, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    text = "".join(character if character.isprintable() else " " for character in text)
    text = " ".join(_SECRETIVE.sub("…", text).split())
    text = text if len(text) <= WORDS_MAX_CHARACTERS else text[:WORDS_MAX_CHARACTERS].rstrip() + "…"
    return text if code is None else f"{code} {text}".rstrip()
