"""A mail server on loopback that answers as told and keeps every message as it came in."""

import asyncio
import re
import ssl
import threading
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.certificates import Certificate

ACCEPT = "250 OK"
TRY_LATER = "451 4.3.0 Try again later"
NO_SUCH_MAILBOX = "550 5.1.1 No such mailbox"
STALL = "stall"
"""Take the message and answer only after `release()`."""
CUT = "cut"
"""Take the message and close the connection instead of answering."""


@dataclass(frozen=True)
class Letter:
    """One message as it came in."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def text(self) -> str:
        """The plain text a person reads."""
        body = self.message.get_body(("plain",))
        return str(body.get_content()) if body else ""

    @property
    def links(self) -> list[str]:
        """The addresses in the plain text, in order."""
        return re.findall(r"https?://[^\s<>]+", self.text)


class SmtpSink:
    """The mail server. Use it as a context manager; it listens on `host` and `port`.

    `answers` maps a recipient's address to what happens to its mail: ACCEPT, TRY_LATER, NO_SUCH_MAILBOX, another reply
    to RCPT, STALL or CUT. It may be changed at any time; who is not in it is accepted.
    """

    host = "127.0.0.1"
    conversation: type[SMTP] = SMTP

    def __init__(
        self,
        security: str = "none",
        certificate: Certificate | None = None,
        login: tuple[str, str] | None = None,
        port: int = 0,
    ) -> None:
        """Prepare a server.

        Args:
            security: "none", "starttls" (refuses mail before it) or "tls".
            certificate: what to show for the last two.
            login: the user name and password it insists on, if any; only over TLS.
            port: where to listen; any free one when left out.
        """
        self.port = port
        self.answers: dict[str, str] = {}
        self._letters: list[Letter] = []
        self._arrived = threading.Condition()
        self._released = asyncio.Event()
        self._security = security
        self._login = login
        self._context = _context(certificate) if certificate else None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp-sink", daemon=True)

    @property
    def letters(self) -> list[Letter]:
        """What has come in so far, in order."""
        with self._arrived:
            return list(self._letters)

    def wait_for(self, count: int, seconds: float = 60) -> list[Letter]:
        """Return the letters once `count` of them have come in; fail after `seconds`."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self._letters) >= count, seconds):
                raise AssertionError(f"{len(self._letters)} letters instead of {count} came in within {seconds} s")
            return list(self._letters)

    def release(self) -> None:
        """Answer the messages that stall, and let none stall from now on."""
        self._loop.call_soon_threadsafe(self._released.set)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        context = self._context if self._security == "tls" else None
        return await self._loop.create_server(self._protocol, self.host, self.port, ssl=context)

    async def _close(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _protocol(self) -> SMTP:
        starttls = self._security == "starttls"
        return self.conversation(
            self,
            hostname="localhost",
            loop=self._loop,
            tls_context=self._context if starttls else None,
            require_starttls=starttls,
            auth_required=self._login is not None,
            auth_require_tls=starttls,
            authenticator=self._authenticate,
        )

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given == self._login, handled=False)

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer one recipient, as aiosmtpd asks."""
        answer = self.answers.get(address, ACCEPT)
        if answer not in (ACCEPT, STALL, CUT):
            return answer
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return ACCEPT

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep one message and answer it, as aiosmtpd asks."""
        recipients = tuple(envelope.rcpt_tos)
        letter = Letter(envelope.mail_from or "", recipients, envelope.original_content or b"")
        with self._arrived:
            self._letters.append(letter)
            self._arrived.notify_all()
        troubles = {self.answers.get(address) for address in recipients}
        if STALL in troubles:
            await self._released.wait()
        if CUT in troubles and server.transport is not None:
            cast(asyncio.Transport, server.transport).abort()
        return ACCEPT


def _context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain_file)
    return context
