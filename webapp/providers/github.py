"""GitHub, for the members of one organization there: OAuth 2 without OpenID Connect."""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from webapp.errors import N_
from webapp.providers.base import (
    Attempt,
    Connection,
    Parameters,
    Provider,
    Question,
    SignedIn,
    Surroundings,
    at_most_one,
    check_state,
    code_of,
)
from webapp.providers.claims import Claims, read
from webapp.providers.errors import CallbackRefused, DoesNotAnswer, Misconfigured, NotBelieved, Reason, SaidNo, keeping
from webapp.providers.http import Answer, Conversation, checked_address
from webapp.providers.oauth import Client, Tokens
from webapp.providers.oidc import CLIENT, refuse_error

GITHUB = "https://github.com"
API = "https://api.github.com"
SCOPE = "read:user user:email read:org"
KNOWN_PROMPT = "select_account"
ORGANIZATION_ID = "organization_id"
JSON = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class GitHubProvider(Provider):
    """GitHub, or a GitHub Enterprise Server that the connection names.

    A person is known by the number of their account. Names and addresses there change hands.
    """

    label: ClassVar[str] = N_("GitHub")
    asks_for: ClassVar[tuple[Question, ...]] = (
        *CLIENT,
        Question("organization", N_("Organization on GitHub")),
        Question("issuer", N_("Address of your GitHub Enterprise Server, if not github.com"), True),
    )

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        super().__init__(connection, surroundings)
        self.organization = self.option("organization")
        self.address = connection.issuer.rstrip("/") or GITHUB
        self.api = API if self.address == GITHUB else f"{self.address}/api/v3"

    @property
    def issuer(self) -> str:
        """GitHub's own, unless the connection names a server."""
        return self.address

    def begin(self, attempt: Attempt, *, prompt: str | None = None) -> str:
        """Return where to send the browser; see `Provider`. "select_account" is the only prompt GitHub knows."""
        checked_address(self.address)
        client = Client(self.connection, "client_secret_post")
        known = prompt if prompt == KNOWN_PROMPT else None
        return client.address(f"{self.address}/login/oauth/authorize", attempt, SCOPE, prompt=known)

    def finish(self, attempt: Attempt, parameters: Parameters) -> SignedIn:
        """Return who came back; see `Provider`."""
        check_state(attempt, parameters)
        # GitHub does not name itself (RFC 9207), so an answer with another name is not GitHub's.
        if at_most_one(parameters, "iss") not in (None, f"{self.address}/login/oauth"):
            raise CallbackRefused(Reason.ISSUER_PARAMETER)
        refuse_error(parameters)
        with self.conversation() as conversation:
            client = Client(self.connection, "client_secret_post", conversation)
            tokens = client.redeem(self._token_endpoint, code_of(parameters), attempt)
            claims, organization = self._claims(tokens, conversation)
            return SignedIn(claims, tokens.refresh_token, learned={ORGANIZATION_ID: organization})

    def refresh(self, refresh_token: str, subject: str) -> SignedIn:
        """Ask again about somebody; see `Provider`."""
        with self.conversation() as conversation:
            client = Client(self.connection, "client_secret_post", conversation)
            tokens = client.renew(self._token_endpoint, refresh_token)
            with keeping(tokens.refresh_token):
                claims, _organization = self._claims(tokens, conversation)
                if claims.subject != subject:
                    raise NotBelieved(Reason.OTHER_SUBJECT)
        return SignedIn(claims, tokens.refresh_token or refresh_token)

    def probe(self) -> None:
        """Look whether GitHub answers, and knows the organization."""
        with self.conversation() as conversation:
            answer = conversation.get(f"{self.api}/orgs/{quote(self.organization, safe='')}", JSON)
        if answer.status == 404:
            raise Misconfigured(Reason.OPTIONS)
        _refuse_failure(answer)
        if not self._is_ours(answer.json_object()):
            raise Misconfigured(Reason.OPTIONS)

    @property
    def _token_endpoint(self) -> str:
        return f"{self.address}/login/oauth/access_token"

    def _claims(self, tokens: Tokens, conversation: Conversation) -> tuple[Claims, str]:
        """Return what GitHub says of somebody, and the number of the organization they are in."""
        user = self._asked("/user", tokens, conversation).json_object()
        number = user.get("id")
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise NotBelieved(Reason.SUBJECT)
        organization = self._organization_of(number, tokens, conversation)
        addresses = self._asked("/user/emails", tokens, conversation).json()
        said = {"sub": str(number), "name": user.get("name"), **_primary(addresses)}
        return read(said), organization

    def _organization_of(self, number: int, tokens: Tokens, conversation: Conversation) -> str:
        """Return the number of the organization, if somebody is an active member of the one that was set up.

        Raises:
            SaidNo: they are not, or its name is somebody else's by now.
        """
        path = f"/user/memberships/orgs/{quote(self.organization, safe='')}"
        answer = conversation.get(self.api + path, {**JSON, **tokens.headers})
        if answer.status in (403, 404) and not _is_limited(answer):
            raise SaidNo(Reason.NOT_IN_ORGANIZATION)
        _refuse_failure(answer)
        said = answer.json_object()
        user, organization = (_object(said.get(name)) for name in ("user", "organization"))
        if said.get("state") != "active" or user.get("id") != number or not self._is_ours(organization):
            raise SaidNo(Reason.NOT_IN_ORGANIZATION)
        return _number_of(organization)

    def _is_ours(self, organization: Mapping[str, Any]) -> bool:
        """Tell whether an organization is the one that was set up.

        Names there can be taken again by somebody else, numbers cannot; until the first sign-in only a name is known.
        """
        is_called_so = str(organization.get("login")).lower() == self.organization.lower()
        known = self.connection.options.get(ORGANIZATION_ID)
        return is_called_so and known in (None, _number_of(organization))

    def _asked(self, path: str, tokens: Tokens, conversation: Conversation) -> Answer:
        answer = conversation.get(self.api + path, {**JSON, **tokens.headers})
        _refuse_failure(answer)
        return answer


def _number_of(organization: Mapping[str, Any]) -> str:
    number = organization.get("id")
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise NotBelieved(Reason.USERINFO)
    return str(number)


def _is_limited(answer: Answer) -> bool:
    """Tell whether GitHub says that it was asked too often: with the status of a "no", too, and then in words alone."""
    return answer.status == 429 or (answer.status == 403 and b"rate limit" in answer.body.lower())


def _refuse_failure(answer: Answer) -> None:
    if answer.status >= 500 or _is_limited(answer):
        raise DoesNotAnswer(Reason.FAILING)
    if answer.status != 200:
        raise NotBelieved(Reason.USERINFO)


def _primary(addresses: object) -> Mapping[str, Any]:
    """Return the primary address, and whether GitHub has proven it."""
    for entry in addresses if isinstance(addresses, list) else []:
        if isinstance(entry, dict) and entry.get("primary") is True:
            return {"email": entry.get("email"), "email_verified": entry.get("verified")}
    return {}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
