"""What domains publish of themselves: texts (TXT records), asked of name servers, all within one limit of time."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from dns.exception import DNSException
from dns.name import NameTooLong
from dns.resolver import NXDOMAIN, NoAnswer, Resolver

from webapp.db import is_transaction_open

ALL_SECONDS = 5.0
EACH_SECONDS = 2.0
PAYLOAD_BYTES = 1_232
"""The most that one datagram holds; what is longer comes over TCP, where DNS ends at 64 KiB."""


class NameServersSilent(Exception):
    """The name servers do not answer, or not with an answer: nothing is known of the name."""


def texts_at(name: str, server: str | None, seconds: float = ALL_SECONDS) -> Sequence[str]:
    """Return the texts that are published under a name; none where there is no such name.

    Args:
        name: whole, in ASCII.
        server: the address and port of the one to ask; those of the system when left out.
        seconds: how long it may take, whatever is tried.

    Raises:
        NameServersSilent: nobody said in time whether there are any.
    """
    if is_transaction_open():
        raise AssertionError("a transaction is open while the network is used")
    try:
        answer = _resolver(server).resolve(f"{name}.", "TXT", lifetime=seconds, search=False)
    except (NXDOMAIN, NoAnswer, NameTooLong):
        return []
    except (DNSException, OSError) as error:
        raise NameServersSilent from error
    return [b"".join(record.strings).decode("ascii", "replace") for record in answer]


def _resolver(server: str | None) -> Resolver:
    found = Resolver(configure=server is None)
    if server is not None:
        parts = urlsplit(f"//{server}")
        found.nameservers, found.port = [parts.hostname or ""], parts.port or 0
    found.timeout = EACH_SECONDS
    found.use_edns(0, 0, PAYLOAD_BYTES)
    return found
