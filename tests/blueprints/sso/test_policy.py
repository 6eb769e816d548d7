"""The rules of single sign-on: who joins by it, as what, and how often everybody is verified."""

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.identity_provider import HostileProvider
from tests.support.pages import Page
from tests.support.sso import Desk, rows
from tests.support.worlds import World, post
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import Enforcement, Identity, IdentityProvider, Joining, Member, Organization, Role, User
from webapp.services.sso import connections

RULES = {"joining": "allowed", "domains": "corp.example.org", "default_role": "member", "verification_days": "14"}


def save(acme: Acme, **changes: str) -> tuple[int, str]:
    answer = post(acme.browser(acme.owner), acme.address("sso"), **{**RULES, **changes})
    return answer.status_code, answer.text


def domains_shown(page: str) -> list[str]:
    return page.partition('name="domains"')[2].partition(">")[2].partition("</textarea>")[0].split()


def test_rules_are_saved_and_audited_with_what_they_were(world: World, acme: Acme, desk: Desk) -> None:
    assert save(acme, domains="Corp.Example.org, @bücher.example\ncorp.example.org")[0] == 303
    provider = world.read(lambda: db.session.get_one(IdentityProvider, desk.provider_id))
    assert (provider.joining, provider.default_role, provider.verification_days) == (Joining.ALLOWED, Role.MEMBER, 14)
    page = acme.browser(acme.owner).get(acme.address("sso")).text
    assert domains_shown(page) == ["corp.example.org", "xn--bcher-kva.example"]
    entry = acme.entries()[-1]
    assert entry.event == "sso.edited"
    assert entry.before == {"joining": "invited", "verification_days": 7, "domains": []}
    assert entry.after == {
        "joining": "allowed",
        "verification_days": 14,
        "domains": ["corp.example.org", "xn--bcher-kva.example"],
    }
    log = acme.browser(acme.owner).get(acme.address("audit")).text
    assert "Also everybody of these domains" in log


@pytest.mark.parametrize(
    ("changes", "english", "german"),
    [
        ({"joining": "invited"}, "changed who may join through {}", "hat geändert, wer über {} beitreten darf"),
        (
            {"joining": "invited", "domains": "example.org"},
            "changed who may join through {}",
            "hat geändert, wer über {} beitreten darf",
        ),
        (
            {"domains": "example.org"},
            "changed the domains of single sign-on through {}",
            "hat die Domains für Single Sign-on über {} geändert",
        ),
        (
            {"default_role": "admin"},
            "changed the role of those who join through {}",
            "hat die Rolle derer geändert, die über {} beitreten",
        ),
        (
            {"verification_days": "3"},
            "changed for how many days a sign-in through {} counts",
            "hat geändert, wie viele Tage eine Anmeldung über {} gilt",
        ),
        (
            {"default_role": "admin", "verification_days": "3"},
            "changed the rules of single sign-on through {}",
            "hat die Regeln für Single Sign-on über {} geändert",
        ),
    ],
)
def test_audit_log_says_which_of_the_rules_were_changed(
    acme: Acme, desk: Desk, changes: dict[str, str], english: str, german: str
) -> None:
    assert save(acme)[0] == 303
    assert save(acme, **changes)[0] == 303
    host = acme.entries()[-1].target_name
    browser = acme.browser(acme.owner)
    assert f"Olive Owner {english.format(host)}" in newest(browser.get(acme.address("audit")))
    in_german = browser.get(acme.address("audit"), headers={"Accept-Language": "de"})
    assert f"Olive Owner {german.format(host)}" in newest(in_german)


def newest(answer: TestResponse) -> str:
    """Return what the audit log says of its newest entry."""
    page = Page(answer)
    return page.by_id(f"entry-{page.rows('entry')[0]}").text


def test_same_rules_again_are_no_change(acme: Acme, desk: Desk) -> None:
    save(acme)
    with acme.unchanged():
        assert save(acme)[0] == 303


def test_domain_that_stays_keeps_its_proof(world: World, acme: Acme, desk: Desk) -> None:
    desk.prove_domain("corp.example.org")
    before = world.dump()["sso_domain"]
    save(acme, domains="corp.example.org")
    assert world.dump()["sso_domain"] == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"domains": "corp.example.org."}, "“corp.example.org.” is no domain"),
        ({"domains": "x@corp.example.org"}, "“x@corp.example.org” is no domain"),
        ({"domains": "*.example.org"}, "“*.example.org” is no domain"),
        ({"domains": "[127.0.0.1]"}, "“[127.0.0.1]” is no domain"),
        ({"domains": "ⓒorp.example.org"}, "is no domain"),
        ({"domains": "\n".join(f"d{number}.example.org" for number in range(51))}, "more than 50 domains"),
        ({"domains": ""}, "Enter the domains whose people may join"),
        ({"default_role": "owner"}, "Not a valid choice"),
        ({"verification_days": "0"}, "Between 1 and 90 days."),
        ({"verification_days": "91"}, "Between 1 and 90 days."),
        ({"verification_days": "9" * 400}, "Between 1 and 90 days."),
        ({"joining": "everybody"}, "Not a valid choice"),
    ],
)
def test_rules_that_cannot_be_are_refused_in_a_sentence_and_kept(
    acme: Acme, desk: Desk, changes: dict[str, str], sentence: str
) -> None:
    with acme.unchanged():
        status, page = save(acme, **changes)
    assert (status, sentence in page) == (422, True)
    assert domains_shown(page) == changes.get("domains", RULES["domains"]).split()


def test_only_owners_set_rules(acme: Acme, desk: Desk) -> None:
    for person, status in ((acme.manager, 403), (acme.member, 403), (acme.stranger, 404)):
        assert post(acme.browser(person), acme.address("sso"), **RULES).status_code == status
    assert rows(acme, IdentityProvider) == 1
    assert post(acme.browser(acme.stranger), f"/orgs/{acme.other_slug}/sso", **RULES).status_code == 404


def test_whoever_is_of_a_listed_domain_joins_with_the_default_role(
    world: World, acme: Acme, desk: Desk, theirs: HostileProvider
) -> None:
    theirs.people["u-1"]["email"] = "mia@Corp.Example.org"
    assert desk.sign_in(world.browser()).status_code == 403
    save(acme, default_role="admin")
    assert desk.sign_in(world.browser()).status_code == 303
    assert world.roles(acme.slug)["Mia Sommer"] == "admin"
    rules = Page(acme.browser(acme.owner).get(acme.address("sso"))).text
    assert (
        "Whoever joins without an invitation has global access: they open every project, at the level of this role."
        in rules
    )
    assert "Mia Sommer" in [user.name for user in world.read(_of_every_project)]
    save(acme, joining="invited")
    theirs.people["u-2"]["email"] = "theo@corp.example.org"
    theirs.person = "u-2"
    assert desk.sign_in(world.browser()).status_code == 403


def _of_every_project() -> list[User]:
    """Return those who open every project of some organization."""
    reaching = select(User).join(Member, Member.user_id == User.id).where(Member.has_global_access)
    return list(db.session.scalars(reaching))


@pytest.mark.parametrize(
    "email",
    [
        "mia@evilcorp.example.org",
        "mia@it.corp.example.org",
        "mia@corp.example.org.",
        "mia@corp.example.org.evil.example",
        "x@corp.example.org@evil.example",
        "x@evil.example@corp.example.org",
        "mia@cor\u0440.example.org",
        "corp.example.org",
    ],
)
def test_A20_address_that_only_looks_like_the_domain_joins_nothing(
    world: World, acme: Acme, desk: Desk, theirs: HostileProvider, email: str
) -> None:
    save(acme)
    theirs.people["u-1"]["email"] = email
    before = (rows(acme, User), rows(acme, Identity))
    assert desk.sign_in(world.browser()).status_code in (403, 502)
    assert (rows(acme, User), rows(acme, Identity)) == before


def test_A20_domain_of_another_organization_opens_nothing_here(
    world: World, acme: Acme, desk: Desk, theirs: HostileProvider
) -> None:
    Desk(acme, theirs, acme.other_slug).prove_domain("example.org")
    save(acme)
    assert desk.sign_in(world.browser()).status_code == 403


def test_address_that_the_provider_has_not_verified_joins_nothing(
    world: World, acme: Acme, desk: Desk, theirs: HostileProvider
) -> None:
    save(acme, domains="example.org")
    theirs.people["u-1"]["email_verified"] = False
    assert desk.sign_in(world.browser()).status_code == 403


def test_rules_go_over_to_the_connection_that_takes_the_place(world: World, acme: Acme, desk: Desk) -> None:
    save(acme, default_role="admin")

    def replace(actor: Actor, organization: Organization) -> int:
        draft = connections.choose_kind(actor, organization, "google")
        connections.activate(actor, organization, draft)
        return draft.id

    number = acme.act(acme.owner, replace)
    provider = world.read(lambda: db.session.get_one(IdentityProvider, number))
    assert (provider.joining, provider.default_role, provider.verification_days) == (Joining.ALLOWED, Role.ADMIN, 14)


@pytest.mark.parametrize(
    ("enforcement", "english", "german"),
    [
        (Enforcement.OFF, "Nobody has to come through it.", "Verlangt: nein Niemand muss über den Anbieter kommen."),
        (
            Enforcement.OPTIONAL,
            "Nobody has to come through it.",
            "Verlangt: nein, freiwillig Niemand muss über den Anbieter kommen.",
        ),
        (
            Enforcement.REQUIRED,
            "Members have to come through it.",
            "Verlangt: ja Mitglieder müssen über den Anbieter kommen.",
        ),
    ],
)
def test_overview_says_in_both_languages_through_what_nobody_or_everybody_comes(
    acme: Acme, desk: Desk, enforcement: Enforcement, english: str, german: str
) -> None:
    browser = acme.browser(acme.owner)
    desk.link(browser)
    desk.set(enforcement=enforcement)
    assert english in Page(browser.get(acme.address("sso"))).text
    assert german in Page(browser.get(acme.address("sso"), headers={"Accept-Language": "de"})).text


def test_what_a_member_does_is_said_alike_and_truly_wherever_the_role_is_offered(acme: Acme, desk: Desk) -> None:
    browser = acme.browser(acme.owner)
    for path in ("members/new", "members/add", f"members/{acme.member_id(acme.admin)}", "sso"):
        said = Page(browser.get(acme.address(path))).text
        assert "Member Opens every project, or those they are given. Can see who else belongs here. Admin" in said, path
