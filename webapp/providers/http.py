"""The one client that asks identity providers: where it may go, how long it waits, and how much it reads.

Owners of organizations choose the addresses, so an address is trusted with nothing: the network address is checked once
the name is resolved, and exactly that one is connected to. No redirect is followed, nothing is unpacked.
"""

import io
import json
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPException, IncompleteRead
from typing import Any, cast
from urllib.parse import SplitResult, urlencode, urlsplit

from webapp.db import is_transaction_open
from webapp.providers.addresses import Address, PrivateProviders, is_public, parse
from webapp.providers.errors import DoesNotAnswer, Misconfigured, NotBelieved, Reason

CONNECT_SECONDS = 3.0
ALL_SECONDS = 10.0
BODY_MAX_BYTES = 256 * 1024
HEADERS_MAX_BYTES = 32 * 1024
ADDRESS_MAX_CHARACTERS = 2_000
PORTS: Mapping[str, int] = {"https": 443, "http": 80}

Resolve = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> list[str]:
    """Return the network addresses of a host, as the system's name service gives them."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@cache
def trusting_the_system() -> ssl.SSLContext:
    """Return how to trust the system's authorities; reading all of them takes longer than a sign-in."""
    return ssl.create_default_context()


@dataclass(frozen=True)
class Network:
    """How this instance reaches identity providers.

    `private` are those it may reach on private addresses. `resolve` is the name service. `tls` says whom to trust;
    the system's authorities when left out. `seconds` is how long the requests of one conversation may take together.
    """

    private: PrivateProviders = field(default_factory=PrivateProviders)
    resolve: Resolve = resolve
    tls: ssl.SSLContext | None = None
    seconds: float = ALL_SECONDS


@dataclass(frozen=True)
class Answer:
    """What a provider answered, whole; never more than `BODY_MAX_BYTES`."""

    status: int
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the JSON value of the body.

        Raises:
            NotBelieved: it is none, or is nested so deeply that nobody could mean it.
        """
        try:
            return json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise NotBelieved(Reason.NOT_JSON) from None

    def json_object(self) -> dict[str, Any]:
        """Return the JSON object of the body.

        Raises:
            NotBelieved: it is none.
        """
        value = self.json()
        if not isinstance(value, dict):
            raise NotBelieved(Reason.NOT_JSON)
        return value


class Conversation:
    """A few requests that belong together, such as those of one sign-in, with one limit of time for all of them.

    Args:
        network: how providers are reached.
        seconds: how long all requests may take together; what the network says when left out.
        place: what each request is made within, and is refused by where there is no place for it.
    """

    def __init__(
        self,
        network: Network,
        seconds: float | None = None,
        place: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._network, self._place = network, place
        self._deadline = time.monotonic() + (network.seconds if seconds is None else seconds)

    def get(self, address: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for an address; see `send`."""
        return self.send("GET", address, None, headers or {})

    def post(self, address: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """Send a form to an address; see `send`."""
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self.send("POST", address, urlencode(form).encode(), sent)

    def send(self, method: str, address: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send one request and read the answer, which is no redirect.

        Raises:
            Misconfigured: the address cannot be asked, may not be, or leads elsewhere.
            DoesNotAnswer: nobody answers there in time, or too many wait for it already.
            NotBelieved: the answer is too large, or is none.
        """
        if is_transaction_open():
            raise AssertionError("a transaction is open while the network is used")
        parts = checked_address(address)
        with self._place():
            return self._sent(method, parts, body, headers)

    def _sent(self, method: str, parts: SplitResult, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        try:
            with closing(self._connected(parts)) as connection:
                spoken = HTTPConnection(parts.hostname or "", parts.port or PORTS[parts.scheme])
                spoken.sock = cast(socket.socket, _Socket(connection, self._deadline))
                answer = _exchange(spoken, method, parts, body, headers)
        except ssl.SSLCertVerificationError as error:
            raise Misconfigured(Reason.CERTIFICATE) from error
        except TimeoutError as error:
            raise DoesNotAnswer(Reason.TIMEOUT) from error
        except (OSError, HTTPException) as error:
            raise DoesNotAnswer(Reason.UNREACHABLE) from error
        if 300 <= answer.status < 400:
            raise Misconfigured(Reason.REDIRECT)
        return answer

    def _connected(self, parts: SplitResult) -> socket.socket:
        until = min(self._deadline, time.monotonic() + CONNECT_SECONDS)
        host, port = host_of(parts), parts.port or PORTS[parts.scheme]
        addresses = _resolved(self._network.resolve, host, port, until)
        for address in addresses:
            self._refuse_private(parts, address)
        connection = _first_connected(addresses, port, until)
        try:
            if parts.scheme == "https":
                connection.settimeout(_left(until))
                tls = self._network.tls or trusting_the_system()
                return tls.wrap_socket(connection, server_hostname=host)
        except BaseException:
            connection.close()
            raise
        return connection

    def _refuse_private(self, parts: SplitResult, address: Address) -> None:
        if is_public(address):
            if parts.scheme != "https":
                raise Misconfigured(Reason.PLAIN_HTTP)
        elif not self._network.private.lists(host_of(parts), parts.port or PORTS[parts.scheme], address):
            raise Misconfigured(Reason.PRIVATE_ADDRESS)


def checked_address(address: str) -> SplitResult:
    """Return the parts of an address that a provider may be asked at.

    Raises:
        Misconfigured: it is no absolute http address in plain ASCII, or holds a user name or a fragment.
    """
    is_plain = all("!" <= character <= "~" and character != "\\" for character in address)
    try:
        parts = urlsplit(address)
        is_good = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise Misconfigured(Reason.ADDRESS) from None
    if not (is_plain and is_good) or "@" in parts.netloc or "#" in address or len(address) > ADDRESS_MAX_CHARACTERS:
        raise Misconfigured(Reason.ADDRESS)
    return parts


def host_of(parts: SplitResult) -> str:
    """Return the host of an address, written in one way only."""
    return (parts.hostname or "").rstrip(".")


def _resolved(resolve_: Resolve, host: str, port: int, until: float) -> list[Address]:
    """Ask the name service, which has no limit of time of its own, in a thread that may be left behind."""
    answers: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolve_(host, port))
        except Exception as error:  # handed over to whoever waits
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        found = answers.get(timeout=_left(until))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(found, Exception):
        raise Misconfigured(Reason.NOT_FOUND) if _is_unknown(found) else DoesNotAnswer(Reason.UNREACHABLE) from found
    return [parse(text) for text in found]


def _is_unknown(error: Exception) -> bool:
    """Tell whether there is no such host, rather than no name service."""
    return isinstance(error, UnicodeError) or (isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN)


def _first_connected(addresses: Sequence[Address], port: int, until: float) -> socket.socket:
    failed: OSError = ConnectionRefusedError()
    for address in addresses:
        try:
            return socket.create_connection((str(address), port), timeout=_left(until))
        except OSError as error:
            failed = error
    raise failed


def _left(until: float) -> float:
    """Return the seconds that are left, always some: zero would mean not to wait at all."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _exchange(
    spoken: HTTPConnection, method: str, parts: SplitResult, body: bytes | None, headers: Mapping[str, str]
) -> Answer:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    always = {"Host": parts.netloc, "Accept-Encoding": "identity", "Connection": "close", "User-Agent": "Vestibule"}
    spoken.request(method, target, body, {"Accept": "application/json", **headers, **always})
    response = spoken.getresponse()
    try:
        read = response.read(BODY_MAX_BYTES + 1)
        missing = response.length
    finally:
        response.close()
    if len(read) > BODY_MAX_BYTES:
        raise NotBelieved(Reason.TOO_LARGE)
    if missing:
        raise IncompleteRead(b"")
    return Answer(response.status, read)


class _Socket:
    """A socket as http.client wants one, whose every wait ends at one deadline and that reads so much and no more."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline = connection, deadline

    def sendall(self, data: bytes) -> None:
        """Send what there is."""
        self._connection.settimeout(_left(self._deadline))
        self._connection.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what http.client reads from."""
        return io.BufferedReader(_Incoming(self._connection, self._deadline))

    def close(self) -> None:
        """Do nothing: http.client closes before the body is read. Whoever connected lets go."""


class _Incoming(io.RawIOBase):
    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline = connection, deadline
        self._left = BODY_MAX_BYTES + HEADERS_MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise NotBelieved(Reason.TOO_LARGE)
        self._connection.settimeout(_left(self._deadline))
        read = self._connection.recv_into(buffer)
        self._left -= read
        return read


def _no_constant(name: str) -> None:
    raise ValueError(name)
