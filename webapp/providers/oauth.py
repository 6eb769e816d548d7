"""Authlib's OAuth 2 client over our own HTTP client, with strict answers of the token endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote_plus

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.auth import encode_client_secret_basic as plain_basic
from authlib.oauth2.client import OAuth2Client

from webapp.providers.base import Attempt, Connection
from webapp.providers.errors import DoesNotAnswer, Misconfigured, NotBelieved, ProviderError, Reason, SaidNo
from webapp.providers.http import Answer, Conversation

TOKEN_MAX_CHARACTERS = 16_384
# RFC 6749, section 5.2: what is wrong with us, and what with the grant of the person
OURS_TO_MEND = {"invalid_client", "unauthorized_client", "incorrect_client_credentials"}
# and what GitHub says instead
OF_THE_GRANT = {"invalid_grant", "access_denied", "bad_verification_code", "bad_refresh_token"}
COME_BACK_LATER = {"server_error", "temporarily_unavailable", "slow_down"}


@dataclass(frozen=True)
class Tokens:
    """What a token endpoint gave: an access token to be sent as a bearer's, and perhaps more."""

    access_token: str = field(repr=False)
    id_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The header that shows the access token (RFC 6750, section 2.1)."""
        return {"Authorization": f"Bearer {self.access_token}"}


class Client(OAuth2Client):
    """The client of one connection, for one conversation.

    Args:
        connection: whose client it is.
        method: how it proves itself at the token endpoint: `client_secret_basic` or `client_secret_post`.
        conversation: what it asks through; left out where nothing is asked.
    """

    def __init__(self, connection: Connection, method: str, conversation: Conversation | None = None) -> None:
        super().__init__(
            conversation and _Session(conversation),
            client_id=connection.client_id,
            client_secret=connection.client_secret,
            token_endpoint_auth_method=method,
            code_challenge_method="S256",
        )
        self.register_client_auth_method(("client_secret_basic", _encoded_basic))

    def address(self, endpoint: str, attempt: Attempt, scope: str, **more: str | int | None) -> str:
        """Return where the browser goes, with state and PKCE; `more` parameters that are None are left out."""
        url, _state = self.create_authorization_url(
            endpoint,
            state=attempt.state,
            code_verifier=attempt.verifier,
            redirect_uri=attempt.redirect_uri,
            scope=scope,
            **{name: str(value) for name, value in more.items() if value is not None},
        )
        return str(url)

    def redeem(self, endpoint: str, code: str, attempt: Attempt) -> Tokens:
        """Exchange a code for tokens.

        Raises:
            ProviderError: see `tokens_in`.
        """
        return tokens_in(
            self.fetch_token(
                endpoint,
                grant_type="authorization_code",
                code=code,
                redirect_uri=attempt.redirect_uri,
                code_verifier=attempt.verifier,
            )
        )

    def renew(self, endpoint: str, refresh_token: str) -> Tokens:
        """Exchange a refresh token for tokens.

        Raises:
            ProviderError: see `tokens_in`.
        """
        return tokens_in(self._http_answer(endpoint, refresh_token))

    def parse_response_token(self, resp: Answer) -> Answer:
        """Leave the answer as it is: Authlib would convert numbers and texts of any kind in it."""
        return resp

    def _http_answer(self, endpoint: str, refresh_token: str) -> Answer:
        body = self._prepare_token_endpoint_body("", "refresh_token", refresh_token=refresh_token)
        auth = self.client_auth(self.token_endpoint_auth_method)
        answer: Answer = self._http_post(endpoint, body=body, auth=auth, headers={})
        return answer


def tokens_in(answer: Answer) -> Tokens:
    """Return the tokens in the answer of a token endpoint.

    Raises:
        SaidNo: the grant is not, or no longer, good.
        Misconfigured: the client is unknown, its secret is wrong, or it may not ask.
        DoesNotAnswer: the provider fails, or asks to come back later.
        NotBelieved: the answer is none.
    """
    if answer.status >= 500 or answer.status == 429:
        raise DoesNotAnswer(Reason.FAILING)
    said = _object_or_nothing(answer)
    if answer.status != 200 or "error" in said:
        raise error_named(said.get("error"), answer.status)
    kind, token = said.get("token_type"), _token(said.get("access_token"))
    if not isinstance(kind, str) or kind.lower() != "bearer" or token is None:
        raise NotBelieved(Reason.TOKEN_ANSWER)
    return Tokens(token, _token(said.get("id_token")), _token(said.get("refresh_token")))


def error_named(name: object, status: int = 400) -> ProviderError:
    """Return what an error code of a provider means to us; its words are not repeated."""
    if not isinstance(name, str | None):
        return NotBelieved(Reason.TOKEN_ANSWER)
    if name in OURS_TO_MEND or (name is None and status in (401, 403)):
        return Misconfigured(Reason.CLIENT)
    if name in OF_THE_GRANT:
        return SaidNo(Reason.DENIED if name == "access_denied" else Reason.EXPIRED)
    if name in COME_BACK_LATER:
        return DoesNotAnswer(Reason.FAILING)
    return Misconfigured(Reason.REQUEST)


def _object_or_nothing(answer: Answer) -> dict[str, Any]:
    if answer.status == 200:
        return answer.json_object()
    try:
        said = answer.json_object()
    except NotBelieved:
        return {}
    return {"error": said["error"]} if isinstance(said.get("error"), str) else {}


def _token(value: object) -> str | None:
    if value is None or value == "":
        return None
    is_good = isinstance(value, str) and len(value) <= TOKEN_MAX_CHARACTERS and all("!" <= c <= "~" for c in value)
    if not is_good:
        raise NotBelieved(Reason.TOKEN_ANSWER)
    return str(value)


def _encoded_basic(client: ClientAuth, method: str, uri: str, headers: Any, body: str) -> Any:
    """Encode both halves before they are joined (RFC 6749, section 2.3.1); Authlib does not."""
    encoded = ClientAuth(quote_plus(client.client_id), quote_plus(client.client_secret))
    return plain_basic(encoded, method, uri, headers, body)


class _Session:
    """What Authlib takes for a session of requests."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: ClientAuth) -> Answer:
        """Send a form with what proves the client."""
        _uri, proven, body = auth.prepare("POST", url, {}, "")
        return self._conversation.post(url, {**data, **dict(parse_qsl(body))}, proven)
