"""The OpenID Foundation's conformance modules for relying parties that the suite replicates, and what each demands."""

from typing import Final

_SIGN_IN, _REFUSE = "sign in", "refuse"
_OIDC: Final = {
    "": _SIGN_IN,
    "-invalid-iss": _REFUSE,
    "-missing-sub": _REFUSE,
    "-invalid-aud": _REFUSE,
    "-missing-aud": _REFUSE,
    "-missing-iat": _REFUSE,
    "-kid-absent-single-jwks": _SIGN_IN,
    "-kid-absent-multiple-jwks": "either; signs in",
    "-idtoken-sig-rs256": _SIGN_IN,
    "-idtoken-sig-none": "either; refuses",
    "-invalid-sig-rs256": _REFUSE,
    "-invalid-sig-hs256": _REFUSE,
    "-invalid-sig-es256": _REFUSE,
    "-userinfo-bearer-header": _SIGN_IN,
    "-userinfo-bearer-body": "not applicable; the token travels in the header only",
    "-userinfo-invalid-sub": _REFUSE,
    "-nonce-invalid": _REFUSE,
    "-nonce-unless-code-flow": "a nonce is sent",
    "-scope-userinfo-claims": _SIGN_IN,
    "-client-secret-basic": _SIGN_IN,
    "-discovery-openid-config": "read the description",
    "-discovery-jwks-uri-keys": "read the keys",
    "-discovery-issuer-mismatch": _REFUSE,
    "-signing-key-rotation": _SIGN_IN,
    "-signing-key-rotation-just-before-signing": _SIGN_IN,
    "-refresh-token": "refresh",
    "-refresh-token-invalid-issuer": _REFUSE,
    "-refresh-token-invalid-sub": _REFUSE,
}
_FAPI2: Final = dict.fromkeys(
    (
        "-invalid-authorization-response-iss",
        "-remove-authorization-response-iss",
        "-ensure-authorization-response-with-invalid-state-fails",
        "-invalid-missing-state-fails",
        "-invalid-secondary-aud",
        "-invalid-null-alg",
        "-invalid-alternate-alg",
        "-invalid-expired-exp",
    ),
    _REFUSE,
)
MODULES: Final = {
    **{f"oidcc-client-test{name}": demand for name, demand in _OIDC.items()},
    **{f"fapi2-client-test{name}": demand for name, demand in _FAPI2.items()},
}
