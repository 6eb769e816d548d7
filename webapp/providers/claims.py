"""What a provider may say about a person, and nothing else: everything is of one type, bounded, and storable."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from webapp.providers.errors import NotBelieved, Reason

SUBJECT_MAX_BYTES = 255
EMAIL_MAX_CHARACTERS = 254
NAME_MAX_CHARACTERS = 200
GROUP_MAX_CHARACTERS = 200
GROUPS_MAX = 1_000
CLAIM_NAME_MAX_CHARACTERS = 100
# What a token says of itself, and not of the person
_OF_TOKEN = frozenset(
    {"iss", "aud", "azp", "exp", "iat", "nbf", "jti", "sid", "nonce", "acr", "amr", "auth_time", "at_hash", "c_hash"}
)
# Control characters, line separators, and halves of characters, which no database takes
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class Claims:
    """What a provider says about a person.

    The subject is compared byte for byte and never changed. `email` is what the provider says, in its spelling;
    `email_verified` only repeats the provider. `groups` is None where it does not speak of groups: that is not the same
    as being in none. `texts` are all claims about the person that are a text or a list of texts, by name; one of
    another type, or that is too long, is not among them, as if the provider did not speak of it.
    """

    subject: str
    email: str | None = None
    email_verified: bool = False
    name: str | None = None
    groups: tuple[str, ...] | None = None
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)


def read(said: Mapping[str, Any]) -> Claims:
    """Return the claims in what a provider said, in the words of OpenID Connect Core, section 5.1.

    Raises:
        NotBelieved: one of those we use is missing, of another type, or too long.
    """
    email = _text(said.get("email"), EMAIL_MAX_CHARACTERS)
    is_verified = email is not None and said.get("email_verified") is True
    return Claims(
        subject=subject(said.get("sub")),
        email=email,
        email_verified=is_verified,
        name=_text(said.get("name"), NAME_MAX_CHARACTERS),
        groups=_groups(said.get("groups")),
        texts=_texts(said, is_verified=is_verified),
    )


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two answers about one person say together; the first counts where both speak.

    An address and whether it is verified come from the same answer: two halves would say what nobody said.
    """
    together = {**second, **first}
    whole = first if first.get("email") else second
    for name in ("email", "email_verified"):
        together.pop(name, None)
        if name in whole:
            together[name] = whole[name]
    return together


def subject(value: object) -> str:
    """Return a subject as it is.

    Raises:
        NotBelieved: it is no text of 1 to 255 bytes, or holds a NUL or half a character.
    """
    if not isinstance(value, str) or "\0" in value:
        raise NotBelieved(Reason.SUBJECT)
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise NotBelieved(Reason.SUBJECT) from None
    if not 1 <= size <= SUBJECT_MAX_BYTES:
        raise NotBelieved(Reason.SUBJECT)
    return value


def _text(value: object, most: int) -> str | None:
    """Return one line of text; nothing and an empty one are the same."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > most or _FORBIDDEN.search(value):
        raise NotBelieved(Reason.CLAIMS)
    return value.strip() or None


def _groups(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > GROUPS_MAX:
        raise NotBelieved(Reason.CLAIMS)
    names = [_text(name, GROUP_MAX_CHARACTERS) for name in value]
    if None in names:
        raise NotBelieved(Reason.CLAIMS)
    return tuple(dict.fromkeys(name for name in names if name))


def _texts(said: Mapping[str, Any], *, is_verified: bool) -> dict[str, tuple[str, ...]]:
    """Return what was said of the person in texts; an address only where the provider has verified it."""
    found = {name: _texts_in(value) for name, value in said.items() if _is_of_person(name)}
    if not is_verified:
        found.pop("email", None)
    return {name: texts for name, texts in found.items() if texts is not None}


def _is_of_person(name: object) -> bool:
    return isinstance(name, str) and len(name) <= CLAIM_NAME_MAX_CHARACTERS and name not in _OF_TOKEN


def _texts_in(value: object) -> tuple[str, ...] | None:
    """Return the texts in a claim, each once; an empty list is none of them, an empty text says nothing."""
    values = value if isinstance(value, list) else [value]
    if len(values) > GROUPS_MAX:
        return None
    try:
        texts = [_text(one, GROUP_MAX_CHARACTERS) for one in values]
    except NotBelieved:
        return None
    return None if None in texts else tuple(dict.fromkeys(text for text in texts if text))
