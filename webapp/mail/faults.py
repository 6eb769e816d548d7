"""Why a letter could not leave, as sentences an administrator can act on."""

import re
import smtplib
import socket
import ssl

WORDS_MAX_CHARACTERS = 200
PERMANENT = range(500, 600)
# What could be a link or a token, should a mail server quote the letter it refuses.
_SECRETIVE = re.compile(r"\S*://\S*|[\w-]{32,}")


class LetterRefused(Exception):
    """The mail server will never take this letter; the message is a sentence."""


class LetterDelayed(Exception):
    """This letter may well go later; the message is a sentence."""


class ServerUnreachable(LetterDelayed):
    """No letter can go at present; the message is a sentence."""


class LetterNotComposable(Exception):
    """The row of the outbox makes no letter; the message is a sentence."""


def sentence(error: Exception, server: str, timeout_seconds: float) -> str:
    """Say what went wrong while opening a connection to the mail server, or while handing over a letter."""
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        unit = "second" if timeout_seconds == 1 else "seconds"
        return f"The mail server at {server} did not answer within {timeout_seconds:g} {unit}."
    if isinstance(error, smtplib.SMTPException):
        return _of_conversation(error, server)
    return _of_network(error, server)


def is_permanent(error: Exception) -> bool:
    """Tell whether the server refused this recipient or this message for good (RFC 5321, section 4.2.1).

    A refused sender or login is no fault of the letter: it waits until an administrator has mended the settings.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code in PERMANENT for code, _words in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code in PERMANENT


def _of_conversation(error: smtplib.SMTPException, server: str) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"The mail server at {server} did not accept the user name and password: {_words_of(error)}"
    if isinstance(error, smtplib.SMTPSenderRefused):
        return f"The mail server at {server} does not take letters from {error.sender}: {_words_of(error)}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
        return f"The mail server at {server} refused the address: {_shortened(code, words)}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"The mail server at {server} answered: {_words_of(error)}"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return f"The mail server at {server} closed the connection before it had confirmed the letter."
    return f"The mail server at {server} cannot do what was asked of it: {_shortened(None, str(error))}"


def _of_network(error: Exception, server: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The mail server at {server} could not prove who it is: {error.verify_message}."
    if isinstance(error, ssl.SSLError):
        return f"A secure connection to the mail server at {server} could not be made: {error.reason}."
    if isinstance(error, socket.gaierror):
        return f"The mail server {server} was not found under this name."
    if isinstance(error, ConnectionRefusedError):
        return f"The mail server at {server} refused the connection."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return f"The mail server at {server} could not be reached: {reason}."


def _words_of(error: smtplib.SMTPResponseException) -> str:
    return _shortened(error.smtp_code, error.smtp_error)


def _shortened(code: int | None, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    text = "".join(character if character.isprintable() else " " for character in text)
    text = " ".join(_SECRETIVE.sub("…", text).split())
    text = text if len(text) <= WORDS_MAX_CHARACTERS else text[:WORDS_MAX_CHARACTERS].rstrip() + "…"
    return text if code is None else f"{code} {text}".rstrip()
