"""How letters leave: through a mail server with verified TLS, or into the demo mailbox."""

import smtplib
import ssl
from typing import Protocol
from urllib.parse import urlsplit

from flask_mail import Connection, Mail, Message

from webapp.config import Settings
from webapp.db import is_transaction_open
from webapp.errors import N_
from webapp.mail.demo_mailbox import DemoMailbox
from webapp.mail.faults import Fault, LetterDelayed, LetterRefused, ServerUnreachable, fault_of, is_permanent

LETTERS_PER_CONNECTION = 100


class Transport(Protocol):
    """Takes letters away."""

    def send(self, message: Message) -> None:
        """Hand one letter over.

        Raises:
            LetterRefused: it will never be taken.
            LetterDelayed: it may be taken later.
            ServerUnreachable: nothing can be handed over at present.
        """

    def close(self) -> None:
        """Let go of any connection."""


def transport_for(settings: Settings) -> Transport | None:
    """Return how letters leave under these settings: None when no mail server is configured and it is no demo."""
    if settings.demo:
        return DemoMailbox(settings.data_dir)
    return SmtpTransport(settings) if settings.mail_server else None


class VerifiedConnection(Connection):
    """A connection that waits for a limited time and believes only a certificate it can verify.

    Flask-Mail's own does neither. It would also reconnect by itself after some letters, and then report a letter that
    has arrived as lost when that fails; so here `SmtpTransport` counts.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(Mail())
        self._settings = settings

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Connect, secure the connection and sign in.

        Raises:
            OSError, smtplib.SMTPException: any of the three failed.
            ServerUnreachable: the server offers no encryption.
        """
        settings = self._settings
        host = self._connect()
        try:
            if settings.mail_security == "starttls":
                self._secure(host)
            if settings.mail_username and settings.mail_password:
                host.login(settings.mail_username, settings.mail_password)
        except BaseException:
            host.close()
            raise
        return host

    def _connect(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        settings = self._settings
        server, port, timeout = settings.mail_server or "", settings.mail_port, settings.mail_timeout_seconds
        # Left to itself, smtplib asks the name service who we are, and waits for it without a limit.
        own_name = domain_of(settings.base_url)
        if settings.mail_security == "tls":
            return smtplib.SMTP_SSL(server, port, own_name, timeout=timeout, context=self._tls())
        return smtplib.SMTP(server, port, own_name, timeout=timeout)

    def _secure(self, host: smtplib.SMTP) -> None:
        try:
            host.starttls(context=self._tls())
        except smtplib.SMTPNotSupportedError as error:
            message = N_(
                "The mail server at %(server)s offers no encryption (STARTTLS), and letters do not travel without it."
            )
            raise ServerUnreachable(Fault(message, {"server": self._settings.mail_server or ""})) from error

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._settings.mail_ca_file)


class SmtpTransport:
    """Sends through the configured mail server, many letters over one connection."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: Connection | None = None

    def send(self, message: Message) -> None:
        """Hand one letter over; see `Transport`."""
        if is_transaction_open():
            raise AssertionError("a transaction is open while the network is used")
        try:
            connection = self._opened()
        except (OSError, smtplib.SMTPException) as error:
            raise ServerUnreachable(self._fault(error)) from error
        try:
            connection.send(message)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            kind = LetterRefused if is_permanent(error) else LetterDelayed
            raise kind(self._fault(error)) from error

    def close(self) -> None:
        """Say goodbye to the mail server, if it still listens."""
        connection, self._connection = self._connection, None
        if connection is None or connection.host is None:
            return
        try:
            connection.host.quit()
        except (OSError, smtplib.SMTPException):
            connection.host.close()

    def _opened(self) -> Connection:
        if self._connection and not self._is_usable(self._connection):
            self.close()
        if self._connection is None:
            connection = VerifiedConnection(self._settings)
            connection.host = connection.configure_host()
            self._connection = connection
        return self._connection

    def _is_usable(self, connection: Connection) -> bool:
        if connection.num_emails >= LETTERS_PER_CONNECTION or connection.host is None:
            return False
        try:
            return connection.host.rset()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def _fault(self, error: Exception) -> Fault:
        settings = self._settings
        return fault_of(error, settings.mail_server or "", settings.mail_timeout_seconds)


def domain_of(base_url: str) -> str:
    """Return the host of an address as SMTP and Message-ID write it: a name, or an IP address in brackets."""
    host = urlsplit(base_url).hostname or "localhost"
    if ":" in host:
        return f"[IPv6:{host}]"
    return f"[{host}]" if host.replace(".", "").isdigit() else host
