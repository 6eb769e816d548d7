"""In a demo its own provider is chosen by one button."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.identity_provider import HostileProvider
from tests.support.pages import Page
from tests.support.sso import at_provider, departure
from tests.support.worlds import World, post
from webapp.config import Settings
from webapp.db import db
from webapp.models import IdentityProvider, ProviderStatus
from webapp.providers.demo import CLIENT_ID, CLIENT_SECRET, Instance

CHOICE = {"kind": "oidc", "demo": "1"}


@pytest.fixture
def settings(environment: dict[str, str], theirs: HostileProvider) -> Settings:
    """Settings of a demo whose provider is `theirs`."""
    found = Settings.from_environment({**environment, "VESTIBULE_PRIVATE_PROVIDERS": "127.0.0.1"})
    return replace(found, demo=True, demo_issuer=theirs.issuer)


def test_its_provider_is_set_up_without_typing(
    world: World, acme: Acme, theirs: HostileProvider, settings: Settings
) -> None:
    theirs.clients[CLIENT_ID] = Instance(CLIENT_SECRET, (), settings.base_url)
    browser = acme.browser(acme.owner)
    assert Page(browser.get(acme.address("sso/setup"))).by_id("use-demo").attributes["value"] == "1"
    assert post(browser, acme.address("sso/setup/kind"), **CHOICE).status_code == 303
    filled = Page(browser.get(acme.address("sso/setup")))
    assert (filled.by_id("issuer").attributes["value"], filled.by_id("client_id").attributes["value"]) == (
        theirs.issuer,
        CLIENT_ID,
    )
    assert "use-demo" not in filled.ids
    entered = {"kind": "oidc", "issuer": theirs.issuer, "client_id": CLIENT_ID, "client_secret": ""}
    way = departure(browser, post(browser, acme.address("sso/setup"), **entered))
    assert browser.get(at_provider(way)).status_code == 303
    [made] = world.read(lambda: db.session.scalars(select(IdentityProvider)).all())
    assert made.status is ProviderStatus.ACTIVE


def test_only_owners_choose_it(world: World, acme: Acme) -> None:
    with acme.unchanged("audit_entry", "attempts"):
        assert post(acme.browser(acme.manager), acme.address("sso/setup/kind"), **CHOICE).status_code == 403
    assert world.read(lambda: db.session.scalar(select(IdentityProvider))) is None
