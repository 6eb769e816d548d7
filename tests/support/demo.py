"""The identity provider that a demo runs beside its server."""

import re
from dataclasses import replace
from uuid import uuid4

from tests.support.server import Server
from tests.support.traveller import Seen, Traveller
from webapp.config import Settings
from webapp.providers.base import Connection
from webapp.providers.demo import CLIENT_ID, Offered, offered_in

SAID = re.compile(r"^Sign-on +(\S+) ", re.MULTILINE)


def issuer_of(server: Server) -> str:
    """Return the issuer that a server of a demo has printed."""
    found = SAID.search(server.log)
    assert found, server.log
    return found[1]


def offered_by(server: Server, settings: Settings) -> Offered:
    """Return what connects an organization of a server to the provider of its demo."""
    found = offered_in(replace(settings, demo=True, demo_issuer=issuer_of(server)))
    assert found
    return found


def connection_to(offered: Offered) -> Connection:
    """Return an organization's connection to it."""
    return Connection(uuid4().hex, "oidc", offered.issuer, offered.client_id, offered.client_secret)


def choose(traveller: Traveller, address: str, name: str) -> Seen:
    """Go to the provider and sign in as somebody it knows; return where it sent the browser."""
    seen = traveller.open(address)
    found = re.search(rf'name="person" value="(\w+)">(?:(?!</button>).)*{re.escape(name)}', seen.text, re.DOTALL)
    assert found, seen
    return traveller.send(seen.forms[0], person=found[1])


def request_to_sign_in(base_url: str) -> dict[str, str]:
    """Return what a demo asks of its provider, for a connection of its own."""
    return {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": f"{base_url}/sso/callback/7",
        "scope": "openid",
        "state": "s",
        "nonce": "n",
        "code_challenge": "c",
        "code_challenge_method": "S256",
    }
