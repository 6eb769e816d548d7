"""Where our client goes, and whom it believes to be there."""

import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from werkzeug.serving import make_server

from tests.providers.refusals import refusal_of
from tests.support.certificates import make_certificate
from tests.support.identity_provider import (
    LOOPBACK,
    HostileProvider,
    connection_to,
    served,
)
from tests.support.server import reserved_port
from webapp.providers import http
from webapp.providers.addresses import PrivateProviders, is_public
from webapp.providers.base import Surroundings
from webapp.providers.errors import Misconfigured, ProviderError, Reason
from webapp.providers.http import Conversation, Network
from webapp.providers.registry import provider_for

PUBLIC = "8.8.8.8"  # is looked at and never connected to


class Names:
    """A name service with one answer after the other, the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.asked = answers, 0

    def __call__(self, _host: str, _port: int) -> Sequence[str]:
        """Answer once more."""
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


def asked(address: str, *private: str, names: Names | None = None, tls: ssl.SSLContext | None = None) -> http.Answer:
    network = Network(PrivateProviders(private), names or http.resolve, tls or ssl.create_default_context())
    return Conversation(network).get(address)


def reason_of(address: str, *private: str, names: Names | None = None, tls: ssl.SSLContext | None = None) -> Reason:
    with pytest.raises(ProviderError) as refused:
        asked(address, *private, names=names, tls=tls)
    return refused.value.reason


@pytest.fixture
def inner() -> Iterator[tuple[str, list[str]]]:
    """Something that answers on loopback; gives its port, and what it was asked."""
    app, seen = Flask("inner"), list[str]()

    @app.get("/<path:path>")
    def answer(path: str) -> dict[str, str]:
        seen.append(path)
        return {"canary": path}

    with served(app) as address:
        yield address.rpartition(":")[2], seen


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "LOCALHOST.",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",  # noqa: S104  (asked, not bound)
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::1]",
    ],
)
def test_X01_loopback_is_not_asked_however_it_is_written(inner: tuple[str, list[str]], host: str) -> None:
    port, seen = inner
    for scheme in ("http", "https"):
        assert reason_of(f"{scheme}://{host}:{port}/x") in (Reason.PRIVATE_ADDRESS, Reason.NOT_FOUND)
    assert seen == []


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "2001:0:0:0:0:0:f5ff:fffe",
        "2001:db8::1",
    ],
)
def test_X01_name_that_leads_inside_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    for answer in ([address], [PUBLIC, address], [address, PUBLIC]):
        assert reason_of("https://idp.example.org/x", names=Names(answer)) == Reason.PRIVATE_ADDRESS


@pytest.mark.parametrize("listed", ["127.0.0.1", "127.0.0.0/8", "localhost"])
def test_X01_entry_with_a_port_allows_no_other(inner: tuple[str, list[str]], listed: str) -> None:
    port, seen = inner
    address, names = f"http://localhost:{port}/x", Names(["127.0.0.1"])
    assert asked(address, f"{listed}:{port}", names=names).status == 200
    for other in (443, int(port) - 1):
        assert reason_of(address, f"{listed}:{other}", names=names) == Reason.PRIVATE_ADDRESS
    assert seen == ["x"]


def test_X01_port_of_an_address_in_brackets_is_the_only_one() -> None:
    private, address = PrivateProviders(["[fd00::7]:8443"]), ip_address("fd00::7")
    assert [private.lists("fd00::7", port, address) for port in (8443, 443)] == [True, False]


def test_X01_public_addresses_are_public() -> None:
    for address in (PUBLIC, "2001:4860:4860::8888", "64:ff9b::808:808", "::ffff:8.8.8.8"):
        assert is_public(ip_address(address))


def test_X01_plain_http_to_the_internet_is_refused() -> None:
    assert reason_of("http://idp.example.org/x", "idp.example.org", names=Names([PUBLIC])) == Reason.PLAIN_HTTP


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "ftp://idp.example.org/",
        "gopher://idp.example.org/",
        "//idp.example.org/",
        "idp.example.org",
        "",
        "https://",
        "https:///x",
        "https://mia:word@idp.example.org/",
        "https://idp.example.org\\@127.0.0.1/",
        "https://idp.example.org/ x",
        "https://idp.example.org/\r\nX: y",
        "https://idp.example.org/\tx",
        "https://idp.example.org/#x",
        "https://idp.example.org:0/",
        "https://idp.example.org:99999/",
        "https://[::1/",
        "https://idp\u3002example.org/",
        "https://idp.example.org/" + "x" * 2_000,
    ],
    ids=lambda address: repr(address)[:40],
)
def test_X01_what_is_no_plain_address_is_refused(address: str) -> None:
    names = Names([PUBLIC])
    assert (reason_of(address, names=names), names.asked) == (Reason.ADDRESS, 0)


@pytest.mark.parametrize("listed", ["127.0.0.1", "127.0.0.0/8", "idp.example.org"])
def test_X01_instance_may_list_private_hosts_and_networks(inner: tuple[str, list[str]], listed: str) -> None:
    port, seen = inner
    assert asked(f"http://IdP.example.org.:{port}/x", listed, names=Names(["127.0.0.1"])).status == 200
    assert seen == ["x"]


@pytest.mark.parametrize("listed", ["127.0.0.2", "10.0.0.0/8", "example.org", "idp.example.org.evil.example.org"])
def test_X01_what_is_not_listed_stays_refused(inner: tuple[str, list[str]], listed: str) -> None:
    port, seen = inner
    address = f"http://idp.example.org:{port}/x"
    assert reason_of(address, listed, names=Names(["127.0.0.1"])) == Reason.PRIVATE_ADDRESS
    assert seen == []


def test_X01_name_that_changes_its_mind_is_asked_once(inner: tuple[str, list[str]]) -> None:
    """A name that was good when looked at and leads inside when connected to: there is no second question."""
    port, seen = inner
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    # Nobody listens at the address that is allowed.
    assert reason_of(f"http://idp.example.org:{port}/x", "127.0.0.2", names=names) == Reason.UNREACHABLE
    assert (names.asked, seen) == (1, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("endpoint", ["discovery", "token", "jwks", "userinfo"])
def test_X01_redirect_is_not_followed(
    theirs: HostileProvider, inner: tuple[str, list[str]], endpoint: str, status: int
) -> None:
    theirs.replies[endpoint] = lambda: Response(status=status, headers={"Location": f"http://127.0.0.1:{inner[0]}/x"})
    refused = refusal_of(theirs)
    assert (refused.reason, inner[1]) == (Reason.REDIRECT, [])
    assert inner[0] not in str(refused)


@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri", "userinfo_endpoint"])
@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("https://169.254.169.254/latest/meta-data", Reason.PRIVATE_ADDRESS),
        ("https://[::1]/", Reason.PRIVATE_ADDRESS),
        ("file:///etc/passwd", Reason.ADDRESS),
        ("http://10.0.0.1/", Reason.PRIVATE_ADDRESS),
    ],
)
def test_X01_endpoints_of_a_provider_lead_nowhere_inside(
    theirs: HostileProvider, endpoint: str, address: str, reason: Reason
) -> None:
    theirs.discovery_changes = {endpoint: address}
    assert refusal_of(theirs).reason == reason


@pytest.mark.parametrize("issuer", ["https://127.0.0.1:1", "http://idp.example.org", "https://idp.example.org?x=1"])
def test_X01_issuer_is_an_address_like_any_other(theirs: HostileProvider, issuer: str) -> None:
    surroundings = Surroundings(Network(resolve=Names([PUBLIC] if "idp" in issuer else ["127.0.0.1"])))
    with pytest.raises(Misconfigured):
        provider_for(connection_to(theirs, issuer=issuer), surroundings).probe()


def test_provider_on_https_sends_nobody_to_plain_http(tmp_path: Path, theirs: HostileProvider) -> None:
    app = Flask("secure")

    @app.get("/.well-known/openid-configuration")
    def discovery() -> dict[str, Any]:
        return {**theirs.discovery(), "issuer": issuer[0]}

    issuer: list[str] = []
    with served_securely(app, tmp_path) as (address, tls):
        issuer.append(address)
        surroundings = Surroundings(Network(LOOPBACK.network.private, tls=tls))
        with pytest.raises(Misconfigured) as refused:
            provider_for(connection_to(theirs, issuer=address), surroundings).probe()
    assert refused.value.reason == Reason.PLAIN_HTTP


@contextmanager
def served_securely(app: Flask, folder: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    certificate = make_certificate(folder, ["127.0.0.1"])
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(certificate.chain_file)
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=ours)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}", ssl.create_default_context(cafile=certificate.authority_file)
    server.shutdown()
    thread.join()
    server.server_close()


def test_certificate_is_verified(tmp_path: Path) -> None:
    app = Flask("secure")
    app.add_url_rule("/x", view_func=lambda: {"a": 1})
    with served_securely(app, tmp_path) as (address, tls):
        assert asked(f"{address}/x", "127.0.0.1", tls=tls).json_object() == {"a": 1}
        assert reason_of(f"{address}/x", "127.0.0.1") == Reason.CERTIFICATE
        elsewhere = address.replace("127.0.0.1", "idp.example.org")
        assert reason_of(f"{elsewhere}/x", "127.0.0.1", names=Names(["127.0.0.1"]), tls=tls) == Reason.CERTIFICATE


def test_unknown_host_and_closed_port_are_told_apart() -> None:
    with reserved_port() as port:
        assert reason_of(f"http://127.0.0.1:{port}/", "127.0.0.1") == Reason.UNREACHABLE
    assert reason_of(f"https://{'x' * 70}.example.org/") == Reason.NOT_FOUND
