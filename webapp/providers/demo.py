"""The identity provider of a demo: who is in it, and how this instance is its client."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from webapp.config import DEMO_HOST, Settings
from webapp.providers.demo_identity_provider import DemoClient, DemoIdentityProvider
from webapp.services.addresses import Address, parse

CLIENT_ID: Final = "vestibule"
# It opens nothing: whoever reaches the provider signs in as anybody, and only this machine does.
CLIENT_SECRET: Final = "demo"  # noqa: S105
MADE_UP: Final = (
    ("Grace Holm", "grace@example.org", ("staff", "desk")),
    ("Linus Berg", "linus@example.org", ("staff", "engineering")),
    ("Nadia Rossi", "nadia@example.com", ("staff", "finance")),
    ("Theo Winter", "theo@example.com", ("guests",)),
)


class Offered(NamedTuple):
    """What connects an organization of this instance to the demo's provider, as a provider of kind `oidc`."""

    issuer: str
    client_id: str
    client_secret: str


@dataclass(frozen=True)
class Instance(DemoClient):
    """This instance as a client: people go back to the callback of any connection of it."""

    base_url: str = ""

    def may_return_to(self, address: str) -> bool:
        """Tell whether an address is a callback of ours."""
        return bool(re.fullmatch(rf"{re.escape(self.base_url)}/sso/callback/[1-9][0-9]{{0,18}}", address, re.ASCII))


def offered_in(settings: Settings) -> Offered | None:
    """Return what to enter, or nothing where no demo runs."""
    if not settings.demo or settings.demo_issuer is None:
        return None
    return Offered(settings.demo_issuer, CLIENT_ID, CLIENT_SECRET)


def is_of_demo(issuer: str, client_id: str) -> bool:
    """Tell whether a connection looks like one to the provider of a demo, on the machine it runs on."""
    return urlsplit(issuer).hostname == DEMO_HOST and client_id == CLIENT_ID


def identity_provider(issuer: str, base_url: str) -> DemoIdentityProvider:
    """Return the provider of a demo, with the people it begins with."""
    people = dict(person(name, parse(email), groups) for name, email, groups in MADE_UP)
    return DemoIdentityProvider(issuer, {CLIENT_ID: Instance(CLIENT_SECRET, (), base_url)}, people)


def admit(provider: DemoIdentityProvider, name: str, address: Address) -> str:
    """Let somebody who was just made up be known to a provider; return their subject.

    Whoever has the address already is meant, and keeps what else is known of them.
    """
    subject, claims = person(name, address)
    provider.people[subject] = {**provider.people.get(subject, {}), **claims}
    return subject


def person(name: str, address: Address, groups: tuple[str, ...] = ()) -> tuple[str, dict[str, Any]]:
    """Return the subject and the claims of somebody; the subject is that of the address in every demo."""
    claims: dict[str, Any] = {"name": name, "email": address.typed, "email_verified": True}
    subject = hashlib.sha256(address.canonical.encode()).hexdigest()[:16]
    return subject, claims | ({"groups": list(groups)} if groups else {})
