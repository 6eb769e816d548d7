"""Our pages and the certified provider `oidc-provider`, unmodified: set up, sign in and link, each step over real HTTP.

What the flows keep is tested on both kinds of database elsewhere; here it is the way there and back that counts.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.acme import Acme
from tests.support.certified import SECRET, Certified, agree, certified_provider
from tests.support.server import Server, running_server
from tests.support.traveller import Seen, Traveller
from tests.support.worlds import PASSWORD, Person, World

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PEOPLE = {
    login: {"email": f"{login}@example.org", "email_verified": True, "name": f"{login.title()} There"}
    for login in ("olive", "mina", "theo", "zoe")
}


@pytest.fixture
def server(environment: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """The real server, which may ask providers on this machine."""
    with running_server({**environment, "VESTIBULE_PRIVATE_PROVIDERS": "127.0.0.1"}, tmp_path) as running:
        yield running


@pytest.fixture
def certified(server: Server, tmp_path: Path) -> Iterator[Certified]:
    """The provider, which knows the first two connections of the server."""
    callbacks = [f"{server.url}/sso/callback/{number}" for number in (1, 2)]
    with certified_provider(callbacks, tmp_path, PEOPLE) as running:
        yield running


def signed_in(server: Server, person: Person) -> Traveller:
    """Return the browser of somebody who has signed in with their password."""
    traveller = Traveller()
    [form] = [one for one in traveller.open(f"{server.url}/login").forms if "password" in one.fields]
    seen = traveller.send(form, email=person.email, password=PASSWORD)
    assert seen.status == 200, seen.text
    return traveller


def press(traveller: Traveller, seen: Seen, path: str, **fields: str) -> Seen:
    """Send the form of a page that leads to a path of ours."""
    [form] = [one for one in seen.forms if one.action.partition("?")[0].endswith(path)]
    return traveller.send(form, **fields)


def set_up(traveller: Traveller, certified: Certified, sso: str, **changes: str) -> Seen:
    """Enter the provider as an owner, and prove it by signing in."""
    page = press(traveller, traveller.open(f"{sso}/setup/kind"), "/sso/setup/kind", kind="oidc")
    entered = {"issuer": certified.issuer, "client_id": "ES256", "client_secret": SECRET, **changes}
    return agree(traveller, press(traveller, page, "/sso/setup", **entered), "olive")


def come(sso: str, login: str) -> Seen:
    """Come through the provider as somebody who is not signed in."""
    traveller = Traveller()
    return agree(traveller, press(traveller, traveller.open(f"{sso}/login"), "/sso/login"), login)


def test_owner_sets_it_up_members_link_and_people_sign_in(
    world: World, acme: Acme, server: Server, certified: Certified
) -> None:
    sso = f"{server.url}/orgs/{acme.slug}/sso"
    owner = signed_in(server, acme.owner)
    assert "Single sign-on works, and your own account is linked." in set_up(owner, certified, sso).text

    member = signed_in(server, acme.member)
    linked = agree(member, press(member, member.open(f"{sso}/link"), "/sso/link"), "mina")
    assert "Your account is linked." in linked.text
    world.invite(acme.slug, acme.owner, "theo@example.org")
    for login, name in (("mina", "Mina Member"), ("theo", "Theo There"), ("theo", "Theo There")):
        seen = come(sso, login)
        assert (seen.status, seen.address) == (200, f"{server.url}/orgs/{acme.slug}/members")
        assert name in seen.text.partition("</header>")[0]
    assert world.roles(acme.slug)["Theo There"] == "member"

    refused = come(sso, "zoe")
    assert (refused.status, "no invitation waits" in refused.text) == (403, True)
    taken = signed_in(server, acme.admin)
    seen = agree(taken, press(taken, taken.open(f"{sso}/link"), "/sso/link"), "mina")
    assert (seen.status, "is linked to somebody else here" in seen.text) == (409, True)


def test_provider_that_says_no_and_one_that_does_not_know_us_are_told_apart(
    acme: Acme, server: Server, certified: Certified
) -> None:
    sso = f"{server.url}/orgs/{acme.slug}/sso"
    owner = signed_in(server, acme.owner)
    wrong = set_up(owner, certified, sso, client_secret="another")
    assert (wrong.status, "the client secret is wrong or has expired" in wrong.text) == (200, True)
    page = owner.open(f"{sso}/setup")
    seen = agree(owner, press(owner, page, "/sso/setup", client_secret=SECRET), "olive")
    assert "Single sign-on works" in seen.text
    stranger = Traveller()
    asked = press(stranger, stranger.open(f"{sso}/login"), "/sso/login")
    said_no = stranger.open(asked.link(r"/abort$"))
    assert (said_no.status, "Your identity provider said no." in said_no.text) == (403, True)
