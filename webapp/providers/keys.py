"""The keys a provider signs with, and whether one of them has signed a token."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry, extract_compact
from joserfc.util import base64_to_int

from webapp.providers.errors import DoesNotAnswer, NotBelieved, Reason
from webapp.providers.http import Conversation

KEYS_MAX = 50
MODULUS_BITS = range(2048, 8193)
# A key is only ever used as the kind it says it is: no text of a provider becomes a shared secret.
KINDS: Final[Mapping[str, type[RSAKey] | type[ECKey] | type[OKPKey]]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
PUBLIC_PARTS: Final = {"kty", "kid", "alg", "use", "n", "e", "crv", "x", "y"}
KIND_OF_ALGORITHM: Final = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}


class _Registry(JWSRegistry):
    """Knows exactly the algorithms it was given. joserfc's own warns of EdDSA, for its name only (RFC 9864)."""

    max_header_length = 4_096

    def get_alg(self, name: str) -> Any:
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


class KeySet(NamedTuple):
    """A provider's public keys."""

    keys: Sequence[Key]


def fetch_keys(address: str, conversation: Conversation) -> KeySet:
    """Fetch a provider's public keys (RFC 7517), without those that are of no use to us.

    Raises:
        NotBelieved: the answer is no set of keys, or has too many.
        ProviderError: it could not be fetched.
    """
    answer = conversation.get(address)
    if answer.status != 200:
        raise DoesNotAnswer(Reason.FAILING)
    found = answer.json_object().get("keys")
    if not isinstance(found, list) or len(found) > KEYS_MAX:
        raise NotBelieved(Reason.KEYS)
    keys = (_key(value) for value in found)
    return KeySet(tuple(key for key in keys if key is not None))


def signed_claims(token: str, known: KeySet, algorithms: Sequence[str]) -> tuple[dict[str, Any], str] | None:
    """Return the claims of a token and its algorithm, or None where none of the keys has signed it.

    What the token's header says of keys (`jwk`, `jku`, `x5u`, `x5c`) counts for nothing.

    Raises:
        NotBelieved: it is no token, its algorithm is none of these, or its header demands what we do not know.
    """
    header = _header(token)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms or {"crit", "b64"} & set(header):
        raise NotBelieved(Reason.SIGNATURE)
    for key in _candidates(known.keys, algorithm, header.get("kid")):
        try:
            decoded = jwt.decode(token, key, registry=_Registry(algorithms=[algorithm], strict_check_header=False))
        except (JoseError, ValueError, TypeError, OverflowError, RecursionError):
            continue
        return decoded.claims, algorithm
    return None


def _header(token: str) -> dict[str, Any]:
    try:
        header: object = extract_compact(token.encode(), registry=_Registry()).headers()
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        raise NotBelieved(Reason.SIGNATURE) from None
    if not isinstance(header, dict):
        raise NotBelieved(Reason.SIGNATURE)
    return header


def _candidates(keys: Sequence[Key], algorithm: str, kid: object) -> list[Key]:
    fitting = [key for key in keys if key.key_type == KIND_OF_ALGORITHM[algorithm] and key.alg in (None, algorithm)]
    return [key for key in fitting if kid is None or key.kid == kid]


def _key(value: object) -> Key | None:
    if not isinstance(value, dict) or value.get("use", "sig") != "sig":
        return None
    kind = KINDS.get(str(value.get("kty")))
    if kind is None:
        return None
    try:
        is_usable = kind is not RSAKey or base64_to_int(value["n"]).bit_length() in MODULUS_BITS
        return kind.import_key({name: value[name] for name in PUBLIC_PARTS & set(value)}) if is_usable else None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None
