"""Who comes back by an identity that was somebody's here before: only by an invitation, whatever the policy."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update
from werkzeug.test import TestResponse

from tests.support.acme import Acme, organization_of
from tests.support.asking import ask, suggest
from tests.support.sso import Desk, at_provider, departure, entered, rows
from tests.support.unproven import copied
from tests.support.worlds import Invited, Person, World, post
from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import AlreadyMember
from webapp.mail.housekeeping import clear_all
from webapp.models import (
    EmailAddress,
    FormerIdentity,
    Identity,
    IdentityProvider,
    Invitation,
    Joining,
    Organization,
    ProviderStatus,
    RemovedMember,
    Role,
    User,
)
from webapp.providers.base import Question
from webapp.providers.oidc import CLIENT, OidcProvider
from webapp.providers.registry import registered
from webapp.services import additions, approvals, invitation_rows
from webapp.services.addresses import parse
from webapp.services.invitation_rows import Standing
from webapp.services.memberships import Terms
from webapp.services.sso import identities
from webapp.services.sso.errors import KnownBefore

Configured = tuple[str, str, dict[str, str]]

NEW_PASSWORD = "a long enough passphrase 17"


@pytest.fixture
def open_desk(desk: Desk) -> Desk:
    """The connection, by which everybody of example.org may join; Acme's member is linked."""
    desk.set(joining=Joining.ALLOWED)
    desk.prove_domain("example.org")
    desk.know(desk.acme.member)
    return desk


def remove(acme: Acme) -> None:
    number = acme.member_id(acme.member)
    assert post(acme.browser(acme.owner), acme.address(f"members/{number}/remove"), confirm="1").status_code == 303


def unlink(acme: Acme, desk: Desk) -> None:
    assert post(acme.browser(acme.member), desk.address("unlink"), confirm="1").status_code == 303


def replaced(desk: Desk) -> Desk:
    """Return a connection to the same provider that has taken the place of another, by the same policy."""
    desk.set(status=ProviderStatus.DISABLED)
    after = Desk(desk.acme, desk.theirs)
    after.set(joining=Joining.ALLOWED)
    return after


def test_A03_what_was_somebodys_at_an_earlier_connection_links_to_nobody_else(acme: Acme, open_desk: Desk) -> None:
    after = replaced(open_desk)
    with acme.unchanged("sso_flow", "outbox_message"):
        assert after.link(acme.browser(acme.admin)).status_code == 409
    told = {letter.to_address: letter.data["is_theirs"] for letter in acme.world.letters("sso_link_refused")}
    assert told == {acme.admin.email: False, acme.member.email: True}
    after.link(acme.browser(acme.member))
    assert after.identities() == [("u-1", acme.member.user_id)]


def test_D10_whoever_unlinked_and_was_removed_does_not_join_again(world: World, acme: Acme, open_desk: Desk) -> None:
    unlink(acme, open_desk)
    remove(acme)
    before = rows(acme, User)
    answer = open_desk.sign_in(world.browser())
    assert (answer.status_code, rows(acme, User)) == (403, before)
    assert "belonged to somebody here before" in answer.text
    refused = acme.entries()[-1].after
    assert refused
    assert refused["reason"] == KnownBefore.noted
    world.invite(acme.slug, acme.owner, "mia@example.org")
    assert open_desk.sign_in(world.browser()).status_code == 303


def test_D10_whoever_was_linked_by_the_connection_before_does_not_join_again(
    world: World, acme: Acme, open_desk: Desk
) -> None:
    remove(acme)
    assert replaced(open_desk).sign_in(world.browser()).status_code == 403


def test_D10_suspended_people_do_not_come_in_as_somebody_new(world: World, acme: Acme, open_desk: Desk) -> None:
    unlink(acme, open_desk)
    number = acme.member_id(acme.member)
    assert post(acme.browser(acme.owner), acme.address(f"members/{number}/suspend"), confirm="1").status_code == 303
    assert open_desk.sign_in(world.browser()).status_code == 403


def test_subject_of_another_issuer_says_nothing(world: World, acme: Acme, open_desk: Desk) -> None:
    remove(acme)
    open_desk.set(issuer="https://elsewhere.example.org")
    assert replaced(open_desk).sign_in(world.browser()).status_code == 303


def test_D10_address_of_somebody_removed_opens_nothing(world: World, acme: Acme, open_desk: Desk) -> None:
    """Also when nobody remembers the removal, and they never were linked."""
    unlink(acme, open_desk)
    remove(acme)
    world.write(lambda: [db.session.execute(delete(table)) for table in (FormerIdentity, RemovedMember)])
    open_desk.theirs.people["u-9"] = {"email": acme.member.email, "email_verified": True}
    open_desk.theirs.person = "u-9"
    open_desk.prove_domain("example.com")
    answer = open_desk.sign_in(world.browser())
    assert (answer.status_code, "There is an account with this address already" in answer.text) == (403, True)


def test_what_is_kept_goes_with_the_account_and_is_one_row(world: World, acme: Acme, open_desk: Desk) -> None:
    for _ in range(2):
        unlink(acme, open_desk)
        assert open_desk.link(acme.browser(acme.member)).status_code == 303
    assert rows(acme, FormerIdentity) == 1
    world.write(lambda: db.session.execute(delete(User).where(User.id == acme.member.user_id)))
    assert rows(acme, FormerIdentity) == 0


@pytest.fixture
def jit(world: World, acme: Acme, desk: Desk) -> Person:
    """Somebody who has joined by the policy: their address is proven by nobody."""
    desk.set(joining=Joining.ALLOWED)
    desk.prove_domain("example.org")
    desk.theirs.people["u-1"] = {"email": "jit@example.org", "email_verified": True, "name": "Jit"}
    assert desk.sign_in(world.browser()).status_code == 303
    number = world.read(lambda: db.session.scalars(select(Identity.user_id)).one())
    return Person(number, "Jit", "jit@example.org")


def take_away(acme: Acme, person: Person) -> None:
    address = acme.address(f"members/{acme.member_id(person)}/remove")
    assert post(acme.browser(acme.owner), address, confirm="1").status_code == 303


@pytest.mark.parametrize("named", ["jit@example.org", "jit.other@example.org"])
def test_D10_nobody_returns_by_what_was_open_for_an_address_that_the_provider_named(
    world: World, acme: Acme, desk: Desk, jit: Person, named: str
) -> None:
    desk.theirs.people["u-1"]["email"] = named
    assert desk.sign_in(world.browser()).status_code == 303
    invited = world.invite(acme.slug, acme.owner, named)
    take_away(acme, jit)
    assert world.status_of(invited) == "revoked"
    assert desk.sign_in(world.browser()).status_code == 403


def test_address_of_a_member_whom_the_provider_knows_is_a_members(world: World, acme: Acme, jit: Person) -> None:
    def theirs(slug: str) -> dict[str, Standing]:
        return world.read(lambda: invitation_rows.addresses_of_members(organization_of(slug), [jit.email]))

    assert theirs(acme.slug) == {jit.email: Standing(is_suspended=False, has_ended=False)}
    world.member(acme.other_slug, jit, Role.MEMBER)
    assert theirs(acme.other_slug) == {}


@pytest.fixture
def asked(acme: Acme) -> int:
    """A request to join with the address, made before anybody had joined with it."""
    return ask(acme, "jit@example.org")


def test_D10_approving_a_request_of_a_member_whom_the_provider_knows_invites_nobody(
    world: World, acme: Acme, asked: int, jit: Person
) -> None:
    def approve(actor: Actor, here: Organization) -> bool:
        return approvals.approve(actor, here, db.session.get_one(Invitation, asked), Role.MEMBER)

    assert not acme.act(acme.manager, approve)
    assert not world.letters("invitation")


def test_D10_member_whom_the_provider_knows_is_not_suggested_as_somebody_new(acme: Acme, jit: Person) -> None:
    with acme.unchanged(), pytest.raises(AlreadyMember):
        suggest(acme, acme.member, jit.email)


def test_D10_member_whom_the_provider_knows_is_not_added_as_somebody_new(acme: Acme, jit: Person) -> None:
    def add(actor: Actor, here: Organization) -> None:
        additions.add(actor, here, parse(jit.email), Terms(Role.MEMBER))

    with acme.unchanged(), pytest.raises(AlreadyMember):
        acme.act(acme.manager, add)


def test_D10_whoever_was_removed_long_ago_does_not_join_again_by_another_provider(
    world: World, acme: Acme, desk: Desk, jit: Person
) -> None:
    take_away(acme, jit)
    world.write(lambda: db.session.execute(delete(RemovedMember)))
    desk.set(issuer="https://elsewhere.example.org")
    after = replaced(desk)
    answer = after.sign_in(world.browser())
    assert (answer.status_code, "belonged to somebody here before" in answer.text) == (403, True)
    world.invite(acme.slug, acme.owner, jit.email)
    assert after.sign_in(world.browser()).status_code == 303


GITHUB = ("github", "", {"organization": "acme"})
TENANT = "0f0e0d0c-1111-2222-3333-444455556666"


class Corp(OidcProvider):
    """A kind of somebody else's, with one address for everybody."""

    label: ClassVar[str] = "Corp"
    asks_for: ClassVar[tuple[Question, ...]] = CLIENT

    @property
    def issuer(self) -> str:
        """Its own."""
        return "https://id.corp.example"


class Guild(Corp):
    """Another one, with another address."""

    @property
    def issuer(self) -> str:
        """Its own."""
        return "https://id.guild.example"


@pytest.fixture
def kinds_of_others() -> Iterator[None]:
    """Two kinds that packages have brought."""
    with registered("corp", Corp), registered("guild", Guild):
        yield


def is_known_at(acme: Acme, values: dict[str, Any]) -> bool:
    def was_known() -> bool:
        other = IdentityProvider(organization_id=organization_of(acme.slug).id, **values)
        return identities.was_known(other, "u-1")

    return bool(acme.world.read(was_known))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (GITHUB, ("github", "https://github.com", {"organization": "acme"})),
        (("google", "", {"hosted_domain": "example.org"}), ("oidc", "https://accounts.google.com", {})),
        (("oidc", f"https://login.microsoftonline.com/{TENANT}/v2.0", {}), ("entra", "", {"tenant": TENANT.upper()})),
        (("gitlab", "https://git.example.org/", {}), ("oidc", "https://git.example.org", {})),
        (("corp", "", {}), ("corp", "", {})),
        (("corp", "", {}), ("oidc", "https://id.corp.example/", {})),
    ],
)
def test_D10_same_provider_set_up_another_way_knows_the_same_people(
    acme: Acme, desk: Desk, kinds_of_others: None, before: Configured, after: Configured
) -> None:
    desk.set(**entered(*before))
    desk.know(acme.member)
    assert is_known_at(acme, entered(*after))
    assert not is_known_at(acme, entered("oidc", "https://elsewhere.example.org", {}))


def test_D10_kinds_with_an_address_of_their_own_do_not_know_each_others_people(
    acme: Acme, desk: Desk, kinds_of_others: None
) -> None:
    desk.set(**entered("corp", "", {}))
    desk.know(acme.member)
    assert not is_known_at(acme, entered("guild", "", {}))


def test_D10_connections_of_which_nobody_knows_the_issuer_have_no_people_in_common(acme: Acme, desk: Desk) -> None:
    """Each knows its own people all the same."""
    desk.set(kind="gone", issuer="")
    desk.know(acme.member)
    assert not is_known_at(acme, {"kind": "gone", "issuer": ""})

    def knows_its_own() -> bool:
        return identities.was_known(db.session.get_one(IdentityProvider, desk.provider_id), "u-1")

    assert acme.world.read(knows_its_own)


@pytest.fixture
def typed(world: World, acme: Acme, desk: Desk) -> Person:
    """Somebody who has entered Mia's address by a copied link and never proved it; who is of example.org may join."""
    desk.set(joining=Joining.ALLOWED)
    desk.prove_domain("example.org")
    link = f"/invitations/{copied(acme, world.invite(acme.slug, acme.owner, 'mia@example.org')).token}"
    answer = post(world.browser(), link, page=link, accept="1", name="Mia Typed", password=NEW_PASSWORD)
    assert answer.status_code == 303
    number = world.read(lambda: db.session.scalars(select(User.id).where(User.name == "Mia Typed")).one())
    return Person(number, "Mia Typed", "mia@example.org")


def test_C03_address_that_a_member_has_only_typed_keeps_nobody_out(
    world: World, acme: Acme, desk: Desk, typed: Person
) -> None:
    browser = world.browser()
    assert desk.sign_in(browser).status_code == 303
    assert desk.identities()[0][1] != typed.user_id
    assert browser.get(acme.address("members")).status_code == 200


def test_C03_address_that_a_member_has_proven_or_is_linked_by_is_theirs(
    world: World, acme: Acme, desk: Desk, typed: Person
) -> None:
    desk.know(typed, "u-9")
    assert desk.sign_in(world.browser()).status_code == 403


GOING = ["suspend", "remove", "leave"]


def go(acme: Acme, person: Person, verb: str) -> None:
    """Let somebody be a member no more, or not at present."""
    if verb == "leave":
        browser, address = acme.world.browser(person), acme.address("leave")
    else:
        browser, address = acme.browser(acme.owner), acme.address(f"members/{acme.member_id(person)}/{verb}")
    assert post(browser, address, confirm="1").status_code == 303


def come_by(desk: Desk, browser: FlaskClient, invited: Invited | None) -> TestResponse:
    """Sign in at the provider, by the link of an invitation if there is one; return our answer."""
    if invited is None:
        return desk.sign_in(browser)
    return browser.get(at_provider(departure(browser, post(browser, f"{invited.link}/sso"))))


@pytest.mark.parametrize("verb", GOING)
def test_D10_nobody_comes_in_as_somebody_new_by_never_having_proven_their_address(
    world: World, acme: Acme, desk: Desk, typed: Person, verb: str
) -> None:
    go(acme, typed, verb)
    with acme.unchanged("sso_flow"):
        answer = desk.sign_in(world.browser())
    assert (answer.status_code, "belonged to somebody here before" in answer.text) == (403, True)


@pytest.mark.parametrize("by_link", [True, False], ids=["by its link", "waiting"])
@pytest.mark.parametrize("verb", GOING)
def test_C03_A01_address_that_somebody_typed_who_has_gone_keeps_its_owner_out_of_no_invitation(
    world: World, acme: Acme, desk: Desk, typed: Person, verb: str, by_link: bool
) -> None:
    go(acme, typed, verb)
    before = world.roles(acme.slug).get(typed.name)
    invited = world.invite(acme.slug, acme.owner, "mia@example.org", Role.ADMIN)
    browser = world.browser()
    assert come_by(desk, browser, invited if by_link else None).status_code == 303
    assert browser.get(acme.address("members")).status_code == 200
    [(_subject, number)] = desk.identities()
    assert number != typed.user_id
    assert (world.roles(acme.slug)["Mia Sommer"], world.roles(acme.slug).get(typed.name)) == ("admin", before)
    assert world.status_of(invited) == "accepted"


def prove(desk: Desk, person: Person) -> None:
    """Let somebody have proven their address."""
    theirs = update(EmailAddress).where(EmailAddress.user_id == person.user_id)
    desk.acme.world.write(lambda: db.session.execute(theirs.values(verified_at=clock.now())))


def be_known_otherwise(desk: Desk, person: Person) -> None:
    """Let the provider know somebody by another subject."""
    desk.know(person, "u-9")


@pytest.mark.parametrize("are_theirs", [prove, be_known_otherwise])
@pytest.mark.parametrize("verb", GOING)
def test_D10_A01_address_of_somebody_who_has_gone_is_theirs_where_it_is_proven_or_linked_also_by_an_invitation(
    world: World, acme: Acme, desk: Desk, typed: Person, verb: str, are_theirs: Callable[[Desk, Person], None]
) -> None:
    are_theirs(desk, typed)
    go(acme, typed, verb)
    invited = world.invite(acme.slug, acme.owner, "mia@example.org", Role.ADMIN)
    known = desk.identities()
    for by in (invited, None):
        with acme.unchanged("sso_flow"):
            answer = come_by(desk, world.browser(), by)
        assert (answer.status_code, "There is an account with this address already" in answer.text) == (403, True)
    assert (desk.identities(), world.status_of(invited)) == (known, "pending")


def test_D10_removal_is_remembered_when_it_cannot_be_undone_any_more(
    world: World, acme: Acme, desk: Desk, typed: Person
) -> None:
    take_away(acme, typed)
    with time_machine.travel(clock.now() + timedelta(days=31), tick=True):
        with world.app.app_context():
            clear_all()
        assert rows(acme, RemovedMember) == 0
        assert "mia" not in str(world.dump()["former_address"])
        answer = desk.sign_in(world.browser())
        assert (answer.status_code, "belonged to somebody here before" in answer.text) == (403, True)
        world.invite(acme.slug, acme.owner, "mia@example.org")
        assert desk.sign_in(world.browser()).status_code == 303
