"""The OpenID Foundation's conformance modules for relying parties, replicated; each test is named by its module's id.

Each shows how far it got: how often the token endpoint was asked, and, of those that must fail, that userinfo was not.
"""

import base64
import json
import time
from typing import Any

import pytest
from flask import Response
from joserfc.jwk import ECKey, OctKey

from tests.providers.refusals import assert_refused, refusal_of
from tests.support.identity_provider import (
    ABSENT,
    CLIENT_ID,
    CLIENT_SECRET,
    Browser,
    HostileProvider,
    connected,
    public,
    rsa_key,
    signed,
)
from webapp.providers.base import SignedIn
from webapp.providers.errors import CallbackRefused, Misconfigured, NotBelieved, Reason


def unsigned(claims: dict[str, Any]) -> str:
    """Return a token with the algorithm "none"."""
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def altered(token: str) -> str:
    """Return a token whose signature is another one of the same length."""
    head, _dot, signature = token.rpartition(".")
    return f"{head}.{'B' if signature[0] != 'B' else 'C'}{signature[1:]}"


def signed_in(theirs: HostileProvider) -> SignedIn:
    """Sign in, which works; the token endpoint was asked once for that."""
    before = theirs.hits["token"]
    who = Browser(connected(theirs), theirs).sign_in()
    assert theirs.hits["token"] == before + 1
    return who


# ---- basic ----


def test_oidcc_client_test(theirs: HostileProvider) -> None:
    who = signed_in(theirs)
    assert who.claims.subject == "u-1"
    assert who.authenticated_at is not None
    assert theirs.hits == {"discovery": 1, "authorize": 1, "token": 1, "jwks": 1, "userinfo": 1}


def test_oidcc_client_test_invalid_iss(theirs: HostileProvider) -> None:
    theirs.claims_changes = {"iss": theirs.issuer + "/"}
    assert_refused(theirs, Reason.ISSUER)


def test_oidcc_client_test_missing_sub(theirs: HostileProvider) -> None:
    theirs.claims_changes = {"sub": ABSENT}
    assert_refused(theirs, Reason.SUBJECT)


def test_oidcc_client_test_invalid_aud(theirs: HostileProvider) -> None:
    theirs.claims_changes = {"aud": "somebody-else"}
    assert_refused(theirs, Reason.AUDIENCE)


def test_oidcc_client_test_missing_aud(theirs: HostileProvider) -> None:
    theirs.claims_changes = {"aud": ABSENT}
    assert_refused(theirs, Reason.AUDIENCE)


def test_oidcc_client_test_missing_iat(theirs: HostileProvider) -> None:
    theirs.claims_changes = {"iat": ABSENT}
    assert_refused(theirs, Reason.TIMES)


def test_oidcc_client_test_kid_absent_single_jwks(theirs: HostileProvider) -> None:
    theirs.header = {"kid": ABSENT}
    assert signed_in(theirs).claims.subject == "u-1"


def test_oidcc_client_test_kid_absent_multiple_jwks(theirs: HostileProvider) -> None:
    theirs.header = {"kid": ABSENT}
    theirs.key_set = public(rsa_key("other", "k-0"), ECKey.generate_key("P-256"), theirs.key)
    assert signed_in(theirs).claims.subject == "u-1"


def test_oidcc_client_test_idtoken_sig_rs256(theirs: HostileProvider) -> None:
    theirs.header = {"alg": "RS256"}
    assert signed_in(theirs).claims.subject == "u-1"


def test_oidcc_client_test_idtoken_sig_none(theirs: HostileProvider) -> None:
    theirs.discovery_changes = {"id_token_signing_alg_values_supported": ["RS256", "none"]}
    theirs.signer = unsigned
    assert_refused(theirs, Reason.SIGNATURE)


def test_oidcc_client_test_invalid_sig_rs256(theirs: HostileProvider) -> None:
    theirs.signer = lambda claims: altered(signed({"alg": "RS256", "kid": "k-1"}, claims, theirs.key))
    assert_refused(theirs, Reason.SIGNATURE)


def test_oidcc_client_test_invalid_sig_hs256(theirs: HostileProvider) -> None:
    theirs.discovery_changes = {"id_token_signing_alg_values_supported": ["HS256", "RS256"]}
    secret = OctKey.import_key(CLIENT_SECRET.encode().ljust(32, b"."))
    theirs.signer = lambda claims: altered(signed({"alg": "HS256"}, claims, secret))
    assert_refused(theirs, Reason.SIGNATURE)


def test_oidcc_client_test_invalid_sig_es256(theirs: HostileProvider) -> None:
    key = ECKey.generate_key("P-256", {"kid": "e-1"})
    theirs.discovery_changes = {"id_token_signing_alg_values_supported": ["ES256"]}
    theirs.key_set = public(key)
    theirs.signer = lambda claims: altered(signed({"alg": "ES256", "kid": "e-1"}, claims, key))
    assert_refused(theirs, Reason.SIGNATURE)


def test_oidcc_client_test_userinfo_bearer_header(theirs: HostileProvider) -> None:
    signed_in(theirs)
    assert theirs.hits["userinfo"] == 1
    assert theirs.seen["userinfo"] == {"query": {}}


def test_oidcc_client_test_userinfo_bearer_body(theirs: HostileProvider) -> None:
    """A client may send the token in a body instead; ours never does, so a provider that wants it there is refused."""
    theirs.replies["userinfo"] = lambda: Response(status=400)
    assert_refused(theirs, Reason.USERINFO, userinfo=1)


def test_oidcc_client_test_userinfo_invalid_sub(theirs: HostileProvider) -> None:
    theirs.userinfo_changes = {"sub": "u-2"}
    assert_refused(theirs, Reason.OTHER_SUBJECT, userinfo=1)


def test_oidcc_client_test_nonce_invalid(theirs: HostileProvider) -> None:
    theirs.claims_changes = {"nonce": "another"}
    assert_refused(theirs, Reason.NONCE)


def test_oidcc_client_test_nonce_unless_code_flow(theirs: HostileProvider) -> None:
    """A client of the code flow may leave the nonce out; ours sends one always, and always another."""
    first, second = (Browser(connected(theirs), theirs) for _ in range(2))
    sent = [browser.leave() and theirs.seen["authorize"]["nonce"] for browser in (first, second)]
    assert sent == [first.attempt.nonce, second.attempt.nonce]
    assert sent[0] != sent[1]
    assert theirs.hits["token"] == 0


def test_oidcc_client_test_scope_userinfo_claims(theirs: HostileProvider) -> None:
    claims = signed_in(theirs).claims
    assert set(theirs.seen["authorize"]["scope"].split()) >= {"openid", "email", "profile"}
    assert (claims.email, claims.email_verified, claims.name) == ("mia@example.org", True, "Mia Sommer")


def test_oidcc_client_test_client_secret_basic(theirs: HostileProvider) -> None:
    signed_in(theirs)
    assert theirs.seen["token"]["authorization"].startswith("Basic ")
    assert not {"client_id", "client_secret"} & set(theirs.seen["token"]["form"])


# ---- configuration ----


def test_oidcc_client_test_discovery_openid_config(theirs: HostileProvider) -> None:
    connected(theirs).probe()
    assert (theirs.hits["discovery"], theirs.hits["token"]) == (1, 0)


def test_oidcc_client_test_discovery_jwks_uri_keys(theirs: HostileProvider) -> None:
    connected(theirs).probe()
    assert (theirs.hits["jwks"], theirs.hits["token"]) == (1, 0)


def test_oidcc_client_test_discovery_issuer_mismatch(theirs: HostileProvider) -> None:
    theirs.discovery_changes = {"issuer": "https://accounts.example.org"}
    error = refusal_of(theirs)
    assert isinstance(error, Misconfigured)
    assert error.reason == Reason.DISCOVERY_ISSUER
    assert theirs.hits == {"discovery": 1}


def test_oidcc_client_test_signing_key_rotation(theirs: HostileProvider) -> None:
    signed_in(theirs)
    theirs.key = rsa_key("newer", "k-2")
    assert signed_in(theirs).claims.subject == "u-1"
    assert theirs.hits["jwks"] == 2


@pytest.mark.parametrize("kid", ["k-2", "k-1", None], ids=["new", "same", "none"])
def test_oidcc_client_test_signing_key_rotation_just_before_signing(theirs: HostileProvider, kid: str | None) -> None:
    browser = Browser(connected(theirs), theirs)
    browser.sign_in()
    brought = browser.leave()
    theirs.key = rsa_key("newer", kid)
    assert browser.ours.finish(browser.attempt, brought).claims.subject == "u-1"
    assert (theirs.hits["jwks"], theirs.hits["token"]) == (2, 2)


# ---- refresh ----


def test_oidcc_client_test_refresh_token(theirs: HostileProvider) -> None:
    who = signed_in(theirs)
    theirs.people["u-1"]["email"] = "mia.winter@example.org"
    again = connected(theirs).refresh(who.refresh_token or "", "u-1")
    assert (again.claims.subject, again.claims.email) == ("u-1", "mia.winter@example.org")
    assert again.refresh_token not in (None, who.refresh_token)
    assert theirs.hits["token"] == 2


@pytest.mark.parametrize(
    ("changes", "reason"), [({"iss": "https://accounts.example.org"}, Reason.ISSUER), ({"iss": ABSENT}, Reason.ISSUER)]
)
def test_oidcc_client_test_refresh_token_invalid_issuer(
    theirs: HostileProvider, changes: dict[str, Any], reason: Reason
) -> None:
    who = signed_in(theirs)
    theirs.claims_changes = changes
    assert_refresh_refused(theirs, who, reason)


def test_oidcc_client_test_refresh_token_invalid_sub(theirs: HostileProvider) -> None:
    who = signed_in(theirs)
    theirs.claims_changes = {"sub": "u-2"}
    assert_refresh_refused(theirs, who, Reason.OTHER_SUBJECT)


def assert_refresh_refused(theirs: HostileProvider, who: SignedIn, reason: Reason) -> None:
    with pytest.raises(NotBelieved) as refused:
        connected(theirs).refresh(who.refresh_token or "", "u-1")
    assert (refused.value.reason, theirs.hits["token"], theirs.hits["userinfo"]) == (reason, 2, 1)


# ---- FAPI 2 ----


def test_fapi2_client_test_invalid_authorization_response_iss(theirs: HostileProvider) -> None:
    theirs.callback_changes = {"iss": "https://accounts.example.org"}
    assert_refused(theirs, Reason.ISSUER_PARAMETER, tokens=0)


def test_fapi2_client_test_remove_authorization_response_iss(theirs: HostileProvider) -> None:
    theirs.callback_changes = {"iss": ABSENT}
    assert_refused(theirs, Reason.ISSUER_PARAMETER, tokens=0)


def test_fapi2_client_test_ensure_authorization_response_with_invalid_state_fails(theirs: HostileProvider) -> None:
    theirs.callback_changes = {"state": "another"}
    assert isinstance(refusal_of(theirs), CallbackRefused)
    assert theirs.hits["token"] == 0


def test_fapi2_client_test_invalid_missing_state_fails(theirs: HostileProvider) -> None:
    theirs.callback_changes = {"state": ABSENT}
    assert_refused(theirs, Reason.STATE, tokens=0)


def test_fapi2_client_test_invalid_secondary_aud(theirs: HostileProvider) -> None:
    theirs.claims_changes = {"aud": [CLIENT_ID, "somebody-else"]}
    assert_refused(theirs, Reason.AUDIENCE)


def test_fapi2_client_test_invalid_null_alg(theirs: HostileProvider) -> None:
    theirs.signer = unsigned
    assert_refused(theirs, Reason.SIGNATURE)


def test_fapi2_client_test_invalid_alternate_alg(theirs: HostileProvider) -> None:
    """PS256 is an algorithm of ours, and the key is good, but the provider never said that it signs so."""
    theirs.algorithm = "PS256"
    assert_refused(theirs, Reason.SIGNATURE)


def test_fapi2_client_test_invalid_expired_exp(theirs: HostileProvider) -> None:
    now = int(time.time())
    theirs.claims_changes = {"iat": now - 400, "exp": now - 90}
    assert_refused(theirs, Reason.TIMES)
