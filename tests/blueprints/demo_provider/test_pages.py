"""The pages of the demo's identity provider: who may ask, where people are sent back to, and who somebody is."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.demo import request_to_sign_in
from tests.support.settings import environment_for
from webapp import create_demo_provider
from webapp.config import BadSetting, Settings
from webapp.providers import demo
from webapp.providers.addresses import parse
from webapp.providers.base import Surroundings
from webapp.services.addresses import parse as parse_address

BASE_URL = "http://127.0.0.1:8000"
ISSUER = "http://127.0.0.1:8010"
ASKED = request_to_sign_in(BASE_URL)
DEMO = {"demo": True, "demo_issuer": ISSUER}


def settings_with(folder: Path, **more: object) -> Settings:
    """Return the settings of a server on this machine; nothing opens its database."""
    found = Settings.from_environment(environment_for(f"sqlite:///{folder}/none.db", folder, base_url=BASE_URL))
    return replace(found, **more)  # type: ignore[arg-type]


class AtTheProvider(FlaskClient):
    """Asks for addresses below the issuer."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request."""
        return super().open(*args, **{"base_url": ISSUER, **kwargs})


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """A browser at the provider."""
    app = create_demo_provider(settings_with(tmp_path, **DEMO))
    app.test_client_class = AtTheProvider
    return app.test_client()


def address(**changes: str) -> str:
    return f"/authorize?{urlencode({**ASKED, **changes})}"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"redirect_uri": ""},
        {"redirect_uri": f"{BASE_URL}/sso/callback/0"},
        {"redirect_uri": f"{BASE_URL}/sso/callback/7/"},
        {"redirect_uri": f"{BASE_URL}/sso/callback/7\n"},
        {"redirect_uri": f"{BASE_URL}/sso/callback/٧"},
        {"redirect_uri": f"{BASE_URL}/login"},
        {"redirect_uri": "http://127.0.0.1:80000/sso/callback/7"},
        {"redirect_uri": "http://127.0.0.1:8000.example.org/sso/callback/7"},
        {"redirect_uri": "http://127x0.0.1:8000/sso/callback/7"},
        {"redirect_uri": "https://127.0.0.1:8000/sso/callback/7"},
    ],
    ids=str,
)
def test_nobody_is_sent_elsewhere(client: FlaskClient, changes: dict[str, str]) -> None:
    for answer in (client.get(address(**changes)), client.post(address(**changes), data={"refuse": "1"})):
        assert answer.status_code == 400
        assert "Location" not in answer.headers
        assert "not from the demo" in answer.text


def test_everybody_it_knows_may_be_chosen(client: FlaskClient) -> None:
    page = client.get(address()).text
    for name, email, groups in demo.MADE_UP:
        assert name in page
        assert email in page
        assert ", ".join(groups) in page


def test_whoever_says_no_is_sent_back_as_nobody(client: FlaskClient) -> None:
    answer = client.post(address(), data={"refuse": "1"})
    assert answer.status_code == 303
    assert answer.location == f"{ASKED['redirect_uri']}?" + urlencode(
        {"error": "access_denied", "state": "s", "iss": ISSUER}
    )


@pytest.mark.parametrize(
    ("name", "email", "sentence"),
    [
        ("", "zoe@example.org", "Enter a name."),
        ("Zoe", "", "Enter an email address."),
        ("Zoe", "zoe at example.org", "not an email address"),
        ("Z" * 201, "zoe@example.org", "at most 200 characters"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(client: FlaskClient, name: str, email: str, sentence: str) -> None:
    answer = client.post(address(), data={"name": name, "email": email})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{email}"' in answer.text
    assert "zoe" not in client.get(address()).text.lower()


def test_person_of_an_address_is_the_same_each_time(client: FlaskClient) -> None:
    for email in ("Zoe@Example.org", "zoe@example.org"):
        assert client.post(address(), data={"name": "Zoe Lind", "email": email}).status_code == 303
    assert client.get(address()).text.count('<span class="row-name">Zoe Lind') == 1


def test_somebody_it_no_longer_knows_is_asked_again(client: FlaskClient) -> None:
    answer = client.post(address(), data={"person": "forgotten"})
    assert answer.status_code == 200
    assert "Who signs in?" in answer.text


@pytest.mark.parametrize("response_type", ["token", "code id_token"])
def test_other_flows_come_back_as_errors(client: FlaskClient, response_type: str) -> None:
    subject, _claims = demo.person("Grace Holm", parse_address("grace@example.org"))
    answer = client.post(address(response_type=response_type), data={"person": subject})
    assert dict(parse_qsl(urlsplit(answer.location).query))["error"] == "invalid_request"


def test_no_other_name_leads_here(client: FlaskClient) -> None:
    for path in ("/", address(), "/.well-known/openid-configuration"):
        assert client.get(path, base_url="http://vestibule.example.org:8010").status_code == 400


def test_errors_are_pages(client: FlaskClient) -> None:
    for answer, status in ((client.get("/nowhere"), 404), (client.get("/token"), 405)):
        assert answer.status_code == status
        assert 'class="problem-status"' in answer.text


@pytest.mark.parametrize(
    "changes", [{}, {"demo_issuer": ISSUER}, {"demo": True}, {**DEMO, "base_url": "https://vestibule.example.org"}]
)
def test_there_is_none_outside_of_a_demo(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(BadSetting):
        create_demo_provider(settings_with(tmp_path, **changes))


def test_set_up_is_offered_it_in_a_demo_only(tmp_path: Path) -> None:
    assert demo.offered_in(settings_with(tmp_path, **DEMO)) == (ISSUER, demo.CLIENT_ID, demo.CLIENT_SECRET)
    assert demo.offered_in(settings_with(tmp_path, demo_issuer=ISSUER)) is None


@pytest.mark.parametrize(
    ("host", "is_reached"), [("127.0.0.1", True), ("127.0.0.2", False), ("10.0.0.1", False), ("::1", False)]
)
def test_demo_reaches_no_private_address_but_its_own(tmp_path: Path, host: str, is_reached: bool) -> None:
    inside, outside = (Surroundings.of(settings_with(tmp_path, demo=is_demo)) for is_demo in (True, False))
    assert inside.network.private.lists(host, 8001, parse(host)) is is_reached
    assert not outside.network.private.lists(host, 8001, parse(host))
    assert (inside.is_demo, outside.is_demo) == (True, False)


def test_settings_name_what_a_demo_reaches_besides(tmp_path: Path) -> None:
    listed = settings_with(tmp_path, private_providers=("idp.example.org",), demo=True)
    assert listed.reachable_providers == ("idp.example.org", "127.0.0.1")
    assert "VESTIBULE_DEMO_ISSUER" not in listed.masked()
