"""Whether the mail server would take letters, found out without sending one."""

import smtplib

from webapp.config import Settings
from webapp.mail.faults import ServerUnreachable, fault_of
from webapp.mail.transport import VerifiedConnection


def greet(settings: Settings) -> None:
    """Connect to the mail server, secure the connection, sign in, and say goodbye.

    Raises:
        ServerUnreachable: one of them failed; the message is a sentence.
    """
    try:
        host = VerifiedConnection(settings).configure_host()
        try:
            host.ehlo_or_helo_if_needed()
            host.quit()
        finally:
            host.close()
    except (OSError, smtplib.SMTPException) as error:
        raise ServerUnreachable(fault_of(error, settings.mail_server or "", settings.mail_timeout_seconds)) from error
