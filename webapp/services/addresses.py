"""Email addresses: one parser and one canonical form, computed here and nowhere else."""

import re
import unicodedata
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from webapp.errors import DomainWithoutDot, InvalidAddress

MAX_CHARACTERS = 254


@dataclass(frozen=True)
class Address:
    """An address as its owner typed it, and the form by which it is compared."""

    typed: str
    canonical: str

    @property
    def mailbox(self) -> str:
        """The address as mail servers take it: what was typed, with the domain in its ASCII form (RFC 5891)."""
        return f"{self.typed.rpartition('@')[0]}@{self.canonical.rpartition('@')[2]}"

    @property
    def bucket(self) -> str:
        """The mailbox behind the address: tags after a plus sign share it."""
        local, _, domain = self.canonical.rpartition("@")
        return f"{local.partition('+')[0]}@{domain}"


def parse(text: str) -> Address:
    """Read one address.

    Only ASCII local parts are taken, and only domains that Unicode compatibility mapping leaves as they are: nobody
    receives a letter at an address other than the one typed (RFC 5321, UTS 46).

    Raises:
        InvalidAddress: it is not one address we can write to.
    """
    typed = text.strip()
    domain = typed.rpartition("@")[2]
    if len(typed) > MAX_CHARACTERS or unicodedata.normalize("NFKC", domain) != domain:
        raise InvalidAddress
    try:
        checked = validate_email(
            typed, check_deliverability=False, allow_smtputf8=False, globally_deliverable=False, strict=True
        )
    except EmailNotValidError as error:
        raise InvalidAddress from error
    if not domain.isascii() and checked.domain != domain.lower():
        raise InvalidAddress
    ascii_domain = (checked.ascii_domain or checked.domain).lower()
    return Address(typed, f"{checked.local_part.lower()}@{ascii_domain}")


def parse_claimed(email: str | None, *, is_verified: bool | None) -> Address | None:
    """Read the address that a provider says it has verified; any other opens nothing, and is none."""
    if not is_verified or email is None:
        return None
    try:
        return parse(email)
    except InvalidAddress:
        return None


def parse_new(text: str, own_domain: str) -> Address:
    """Read one address that comes in now; what is there already is read by `parse`, whatever its domain.

    Args:
        text: the address.
        own_domain: the domain that our letters come from, the only one that needs no dot.

    Raises:
        InvalidAddress: it is not one address we can write to.
        DomainWithoutDot: nobody would receive a letter there.
    """
    address = parse(text)
    domain = address.canonical.rpartition("@")[2]
    if "." not in domain and domain != own_domain:
        raise DomainWithoutDot
    return address


_DISPLAY_NAME = r'"[^"]*"(?=\s*<)'
_TOKEN = re.compile(
    _DISPLAY_NAME + r'|<(?P<angle>[^<>]*)>|"(?P<quoted>[^"]*)"|(?P<separator>[,;\r\n])|(?P<word>[^\s,;<>"]+)'
)


def split(text: str) -> list[str]:
    """Split a pasted list into the addresses in it, in order.

    Commas, semicolons, white space and lines separate; "Ada Lovelace <ada@example.com>" counts as one.
    """
    found: list[str] = []
    words: list[str] = []
    for token in _TOKEN.finditer(text):
        if word := token["word"] or (token["quoted"] or "").strip():
            words.append(word)
        elif token["separator"]:
            found += words
            words = []
        elif token["angle"] is not None:
            found += [*_without_display_name(words), token["angle"].strip()]
            words = []
    return [address for address in found + words if address]


def _without_display_name(words: list[str]) -> list[str]:
    addresses_end = max((place for place, word in enumerate(words, start=1) if "@" in word), default=0)
    return words[:addresses_end]
