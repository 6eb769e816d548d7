"""Google, Entra, GitLab and the dummy: what each adds, and how others add theirs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.providers.refusals import refusal_of
from tests.support.identity_provider import (
    ABSENT,
    CALLBACK,
    LOOPBACK,
    Browser,
    HostileProvider,
    connected,
    running_provider,
)
from webapp.config import BadSetting
from webapp.providers.base import Attempt, Connection, Provider, Surroundings, check_state, state_of
from webapp.providers.dummy import DummyProvider
from webapp.providers.errors import CallbackRefused, Misconfigured, NotBelieved, Reason, SaidNo
from webapp.providers.oidc import OidcProvider
from webapp.providers.registry import OURS, kinds, provider_for, registered
from webapp.providers.words import WORDS

TENANT = "0f0e0d0c-1111-2222-3333-444455556666"
OTHER_TENANT = "0f0e0d0c-1111-2222-3333-444455556667"


def google(theirs: HostileProvider, domain: str = "Corp.example.org") -> Provider:
    return connected(theirs, kind="google", options={"hosted_domain": domain})


def test_google_lets_in_who_is_of_the_domain(theirs: HostileProvider) -> None:
    theirs.claims_changes = {"hd": "corp.example.org"}
    assert Browser(google(theirs), theirs).sign_in().claims.subject == "u-1"
    assert {"hd": "corp.example.org", "access_type": "offline"}.items() <= theirs.seen["authorize"].items()


@pytest.mark.parametrize(("kind", "options"), [("google", {"hosted_domain": "corp.example.org"}), ("gitlab", {})])
def test_E14_kinds_are_asked_for_the_age_of_a_sign_in_as_far_as_they_honour_it(
    theirs: HostileProvider, kind: str, options: dict[str, str]
) -> None:
    theirs.claims_changes = {"hd": "corp.example.org", "auth_time": ABSENT}
    ours = connected(theirs, kind=kind, options=options)
    browser = Browser(ours, theirs, Attempt.new(CALLBACK, max_age_seconds=600))
    if ours.honours_max_age:
        with pytest.raises(NotBelieved):
            browser.sign_in()
    else:
        assert browser.sign_in().claims.subject == "u-1"
    assert theirs.seen["authorize"].get("max_age") == ("600" if kind == "gitlab" else None)


def test_E14_which_kinds_say_when_people_signed_in() -> None:
    assert {name for name, kind in OURS.items() if kind.honours_max_age} == {"oidc", "gitlab"}


@pytest.mark.parametrize(
    "hd",
    [
        ABSENT,
        None,
        "",
        "evilcorp.example.org",
        "eu.corp.example.org",
        "corp.example.org.",
        "corp.example.org.evil.example.org",
        ["corp.example.org"],
        True,
    ],
    ids=repr,
)
def test_A20_hosted_domain_is_compared_whole(theirs: HostileProvider, hd: object) -> None:
    theirs.claims_changes = {"hd": hd}
    theirs.userinfo_changes = {"email": "x@corp.example.org"}
    refused = refusal_of(theirs, google(theirs))
    assert (type(refused), refused.reason) == (SaidNo, Reason.NOT_IN_ORGANIZATION)


def test_A20_address_in_the_domain_is_no_membership(theirs: HostileProvider) -> None:
    theirs.claims_changes = {"email": "x@corp.example.org@evil.example.org", "email_verified": True}
    assert refusal_of(theirs, google(theirs)).reason == Reason.NOT_IN_ORGANIZATION


def entra(theirs: HostileProvider) -> Provider:
    cloud = theirs.issuer.removesuffix(f"/{TENANT}/v2.0")
    return connected(theirs, kind="entra", issuer=cloud, options={"tenant": TENANT.upper()})


def test_entra_lets_in_who_is_of_the_tenant() -> None:
    with running_provider(f"/{TENANT}/v2.0") as theirs:
        theirs.claims_changes = {"tid": TENANT}
        claims = Browser(entra(theirs), theirs).sign_in().claims
    assert (claims.subject, claims.email, claims.email_verified) == ("u-1", "mia@example.org", False)


@pytest.mark.parametrize("tid", [ABSENT, OTHER_TENANT, TENANT.upper(), [TENANT], ""], ids=repr)
def test_A20_tenant_is_compared_whole(tid: object) -> None:
    with running_provider(f"/{TENANT}/v2.0") as theirs:
        theirs.claims_changes = {"tid": tid}
        assert refusal_of(theirs, entra(theirs)).reason == Reason.NOT_IN_ORGANIZATION


@pytest.mark.parametrize(("edov", "is_verified"), [(True, True), (False, False), ("1", False), (1, False)])
def test_A06_entra_verifies_by_the_owner_of_the_domain_only(edov: object, is_verified: bool) -> None:
    with running_provider(f"/{TENANT}/v2.0") as theirs:
        theirs.claims_changes = {"tid": TENANT, "xms_edov": edov, "email": "mia@example.org", "email_verified": True}
        assert Browser(entra(theirs), theirs).sign_in().claims.email_verified is is_verified


@pytest.mark.parametrize("tenant", ["common", "organizations", "consumers", "corp.example.org", "", TENANT + "/x"])
def test_A20_tenant_is_named_by_its_id(tenant: str) -> None:
    with pytest.raises(Misconfigured):
        provider_for(Connection("k", "entra", "", "c", "s", {"tenant": tenant}), LOOPBACK)


def test_gitlab_names_groups(theirs: HostileProvider) -> None:
    assert Browser(connected(theirs, kind="gitlab"), theirs).sign_in().claims.groups == ("staff", "desk")


@pytest.mark.parametrize(
    ("kind", "options", "issuer"),
    [
        ("google", {"hosted_domain": "corp.example.org"}, "https://accounts.google.com"),
        ("gitlab", {}, "https://gitlab.com"),
        ("entra", {"tenant": TENANT}, f"https://login.microsoftonline.com/{TENANT}/v2.0"),
    ],
)
def test_kind_with_one_address_knows_it(kind: str, options: dict[str, str], issuer: str) -> None:
    ours = provider_for(Connection("k", kind, "", "c", "s", options), LOOPBACK)
    assert isinstance(ours, OidcProvider)
    assert ours.issuer == issuer


@pytest.mark.parametrize("kind", ["google", "entra", "github"])
def test_kind_says_what_is_missing(kind: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        provider_for(Connection("k", kind, "", "c", "s"), LOOPBACK)
    assert refused.value.reason == Reason.OPTIONS


def test_dummy_believes_an_address() -> None:
    ours = provider_for(Connection("k", "dummy", "https://vestibule.example.org/dummy", "", ""), LOOPBACK)
    attempt = Attempt.new(CALLBACK)
    assert ours.begin(attempt).startswith("https://vestibule.example.org/dummy?redirect_uri=")
    claims = ours.finish(attempt, [("state", attempt.state), ("email", "Mia@example.org")]).claims
    assert (claims.subject, claims.email, claims.email_verified) == ("mia@example.org", "Mia@example.org", True)
    with pytest.raises(CallbackRefused):
        ours.finish(attempt, [("state", "x"), ("email", "mia@example.org")])
    with pytest.raises(SaidNo):
        ours.finish(attempt, [("state", attempt.state)])
    with pytest.raises(SaidNo):
        ours.refresh("any", "mia@example.org")


def test_dummy_is_refused_outside_demonstrations() -> None:
    with pytest.raises(Misconfigured) as refused:
        provider_for(Connection("k", "dummy", "", "", ""), Surroundings())
    assert refused.value.reason == Reason.DEMO_ONLY


def test_A09_state_is_found_before_the_flow() -> None:
    assert state_of([("code", "c"), ("state", "s")]) == "s"
    for brought in ([], [("state", "")], [("state", "s"), ("state", "s")]):
        with pytest.raises(CallbackRefused):
            state_of(brought)
    with pytest.raises(CallbackRefused):
        check_state(Attempt.new(CALLBACK), [("state", "s")])


def test_attempts_share_nothing() -> None:
    made = [Attempt.new(CALLBACK) for _ in range(20)]
    secrets = {secret for one in made for secret in (one.state, one.nonce, one.verifier)}
    assert len(secrets) == 60
    assert all(43 <= len(one.verifier) <= 128 for one in made)


class Third(DummyProvider):
    """A kind that somebody else brings."""


def test_kind_is_registered_for_the_length_of_a_block() -> None:
    with registered("third", Third):
        assert isinstance(provider_for(Connection("k", "third", "", "", ""), LOOPBACK), Third)
    assert set(kinds()) == set(OURS)
    with pytest.raises(Misconfigured):
        provider_for(Connection("k", "third", "", "", ""), LOOPBACK)
    with pytest.raises(BadSetting), registered("oidc", Third):
        pass


def kinds_with(folder: Path, entry: str) -> subprocess.CompletedProcess[str]:
    """Ask another process for the kinds, where a package with this entry point is installed."""
    (folder / "their_package.py").write_text("from webapp.providers.dummy import DummyProvider as Theirs\n")
    about = folder / "theirs-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[vestibule.identity_providers]\n{entry}\n")
    script = "from webapp.providers.registry import kinds; print(*kinds())"
    path = f"import sys; sys.path.insert(0, {str(folder)!r}); {script}"
    return subprocess.run([sys.executable, "-c", path], capture_output=True, text=True, check=False)


def test_installed_package_brings_a_kind(tmp_path: Path) -> None:
    assert kinds_with(tmp_path, "third = their_package:Theirs").stdout.split() == [*OURS, "third"]


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("third = their_package:Missing", "The identity provider third cannot be loaded: AttributeError"),
        (
            "third = their_package:__name__",
            "their_package:__name__ is no Provider",
        ),
        ("oidc = their_package:Theirs", "Two identity providers are called oidc"),
    ],
)
def test_package_that_brings_none_is_named(tmp_path: Path, entry: str, sentence: str) -> None:
    assert sentence in kinds_with(tmp_path, entry).stderr


def test_every_kind_says_what_it_asks_for() -> None:
    for name, kind in kinds().items():
        assert kind.label, name
        assert {question.name for question in kind.asks_for} >= (set() if name == "dummy" else {"client_id"})


def test_every_reason_has_words_for_whoever_runs_the_connection() -> None:
    assert set(WORDS) == set(Reason)


@pytest.mark.parametrize(
    ("kind", "scopes", "asked"), [("google", [], "consent"), ("oidc", ["offline_access"], "consent")]
)
def test_consent_is_asked_for_where_it_gives_a_refresh_token(
    theirs: HostileProvider, kind: str, scopes: list[str], asked: str
) -> None:
    theirs.discovery_changes = {"scopes_supported": ["openid", *scopes]}
    Browser(connected(theirs, kind=kind, options={"hosted_domain": "corp.example.org"}), theirs).leave(prompt="consent")
    assert theirs.seen["authorize"]["prompt"] == asked


def test_consent_is_not_asked_for_where_it_gives_none(theirs: HostileProvider) -> None:
    theirs.discovery_changes = {"scopes_supported": ["openid"]}
    Browser(connected(theirs), theirs).leave(prompt="consent")
    assert "prompt" not in theirs.seen["authorize"]


def test_entra_gives_refresh_tokens_without_asking_for_consent_again() -> None:
    with running_provider(f"/{TENANT}/v2.0") as theirs:
        Browser(entra(theirs), theirs).leave(prompt="consent")
        assert "offline_access" in theirs.seen["authorize"]["scope"]
        assert "prompt" not in theirs.seen["authorize"]
