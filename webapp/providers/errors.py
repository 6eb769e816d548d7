"""What can go wrong between us and an identity provider: who said no, who is silent, and what is set up wrongly."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import ClassVar

from webapp.errors import N_, DomainError


class Reason(StrEnum):
    """Why, in one word for the audit log; `words.py` has a sentence for each, for whoever runs the connection."""

    # What was configured
    ADDRESS = "address"
    PLAIN_HTTP = "plain_http"
    PRIVATE_ADDRESS = "private_address"
    REDIRECT = "redirect"
    NOT_FOUND = "not_found"
    CERTIFICATE = "certificate"
    DISCOVERY = "discovery"
    DISCOVERY_ISSUER = "discovery_issuer"
    METHODS = "methods"
    ALGORITHMS = "algorithms"
    CLIENT = "client"
    REQUEST = "request"
    OPTIONS = "options"
    SECRET = "secret"  # noqa: S105  (a word, no secret)
    DEMO_ONLY = "demo_only"
    # What the provider said no to
    DENIED = "denied"
    EXPIRED = "expired"
    NOT_IN_ORGANIZATION = "not_in_organization"
    # What it did not answer
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    FAILING = "failing"
    BUSY = "busy"
    # What it answered, and is not believed
    STATE = "state"
    CALLBACK = "callback"
    ISSUER_PARAMETER = "issuer_parameter"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    TOKEN_ANSWER = "token_answer"  # noqa: S105  (no secret)
    NO_ID_TOKEN = "no_id_token"  # noqa: S105  (no secret)
    SIGNATURE = "signature"
    KEYS = "keys"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    TIMES = "times"
    NONCE = "nonce"
    TOKEN_HASH = "token_hash"  # noqa: S105  (no secret)
    SIGN_IN_TOO_OLD = "sign_in_too_old"
    SUBJECT = "subject"
    OTHER_SUBJECT = "other_subject"
    USERINFO = "userinfo"
    CLAIMS = "claims"


class ProviderError(DomainError):
    """Something between us and an identity provider went wrong. What it says never repeats what the provider sent.

    `refresh_token` is the one to ask with next, where the provider had exchanged it before something went wrong: the
    one that was asked with may be worth nothing any more.

    Args:
        reason: why, for the audit log and for whoever runs the connection.
    """

    status = 502
    title: ClassVar[str] = N_("Signing in through your organization did not work")
    refresh_token: str | None = None

    def __init__(self, reason: Reason) -> None:
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        """Name the reason too: logs show this."""
        return f"{self.sentence} ({self.reason})"


@contextmanager
def keeping(refresh_token: str | None) -> Iterator[None]:
    """Let whatever goes wrong within the block say which refresh token is to be asked with next."""
    try:
        yield
    except ProviderError as error:
        error.refresh_token = refresh_token
        raise


class SaidNo(ProviderError):
    """The provider answered, and the answer was no."""

    status = 403
    sentence = N_("Your identity provider said no. Nothing was changed. Ask whoever runs it in your organization.")


class DoesNotAnswer(ProviderError):
    """The provider is silent, fails, or asks us to come back later: nothing is known about the person."""

    status = 503
    sentence = N_("Your identity provider does not answer. Nothing was changed. Please try again in a few minutes.")


class Misconfigured(ProviderError):
    """The connection cannot work as it is set up, here or at the provider."""

    sentence = N_(
        "The connection to your identity provider is set up wrongly. Nothing was changed. Tell an owner of the "
        "organization."
    )


class OtherIssuer(Misconfigured):
    """The provider calls itself otherwise than it was entered.

    Args:
        said: the address by which it calls itself, for whoever set the connection up; nothing where that is none.
    """

    def __init__(self, said: str | None) -> None:
        super().__init__(Reason.DISCOVERY_ISSUER)
        self.said = said


class NotBelieved(ProviderError):
    """The provider, or somebody in its place, answered what cannot be trusted."""

    sentence = N_(
        "The answer of your identity provider could not be trusted. Nothing was changed. Start again; if it happens "
        "again, tell an owner of the organization."
    )


class CallbackRefused(NotBelieved):
    """A browser came back with what does not belong to the sign-in it began."""

    status = 400
    sentence = N_("This answer does not belong to a sign-in you began here. Nothing was changed. Please start again.")
