"""OpenID Connect by discovery: the code flow with PKCE, state and nonce, and a token checked before all else."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, ClassVar

from webapp.errors import N_
from webapp.providers import discovery, id_token, keys
from webapp.providers.base import Attempt, Parameters, Provider, Question, SignedIn, at_most_one, check_state, code_of
from webapp.providers.claims import Claims, merged, read
from webapp.providers.discovery import Metadata
from webapp.providers.errors import CallbackRefused, DoesNotAnswer, NotBelieved, Reason, SaidNo, keeping
from webapp.providers.http import Conversation
from webapp.providers.id_token import Expected
from webapp.providers.keys import KeySet
from webapp.providers.oauth import Client, Tokens, error_named

SCOPES = ("openid", "email", "profile")
OFFLINE_ACCESS = "offline_access"
SCOPES_WHERE_KNOWN = ("groups", OFFLINE_ACCESS)
CONSENT = "consent"
# What a person decided, or did not do, at the provider (RFC 6749, section 4.1.2.1; Core, section 3.1.2.6)
NO = {"access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required"}
CLIENT = (Question("client_id", N_("Client ID")), Question("client_secret", N_("Client secret")))


class OidcProvider(Provider):
    """A provider that says of itself where its endpoints are."""

    label: ClassVar[str] = N_("OpenID Connect")
    # Core, section 3.1.2.1: the provider must ask anew, and then must say `auth_time`
    honours_max_age: ClassVar[bool] = True
    asks_for: ClassVar[tuple[Question, ...]] = (Question("issuer", N_("Issuer address")), *CLIENT)

    def begin(self, attempt: Attempt, *, prompt: str | None = None) -> str:
        """Return where to send the browser; see `Provider`."""
        with self.conversation() as conversation:
            metadata = self._metadata(conversation)
        known = (scope for scope in SCOPES_WHERE_KNOWN if scope in metadata.scopes)
        if prompt == CONSENT and not self.asks_consent(metadata.scopes):
            prompt = None
        return Client(self.connection, metadata.method).address(
            metadata.authorization_endpoint,
            attempt,
            " ".join((*SCOPES, *known)),
            nonce=attempt.nonce,
            prompt=prompt,
            max_age=self._max_age(attempt),
            **self.more_parameters(),
        )

    def finish(self, attempt: Attempt, parameters: Parameters) -> SignedIn:
        """Return who came back; see `Provider`. Nothing is asked before the callback itself is believed."""
        check_state(attempt, parameters)
        with self.conversation() as conversation:
            return self._finished(attempt, parameters, conversation)

    def refresh(self, refresh_token: str, subject: str) -> SignedIn:
        """Ask again about somebody; see `Provider`. The provider must speak of the very same person (Core, 12.2)."""
        with self.conversation() as conversation:
            return self._refreshed(refresh_token, subject, conversation)

    def probe(self) -> None:
        """Look whether the provider describes itself as we need it, and gives its keys; both anew."""
        with self.conversation() as conversation:
            metadata = discovery.metadata_of(self.issuer, conversation)
            if not keys.fetch_keys(metadata.jwks_uri, conversation).keys:
                raise NotBelieved(Reason.KEYS)

    def more_parameters(self) -> dict[str, str]:
        """Return what a kind adds to the address the browser is sent to."""
        return {}

    def asks_consent(self, scopes: Collection[str]) -> bool:
        """Tell whether people must consent to it that the provider is asked about them later (Core, section 11).

        Args:
            scopes: those that the provider knows.
        """
        return OFFLINE_ACCESS in scopes

    def claims_in(self, said: Mapping[str, Any]) -> Claims:
        """Return the claims in what the provider said; a kind may look at more, and refuse.

        Raises:
            ProviderError: the person is not of the organization, or what was said is not believed.
        """
        return read(said)

    def _finished(self, attempt: Attempt, parameters: Parameters, conversation: Conversation) -> SignedIn:
        metadata = self._metadata(conversation)
        self._check_issuer_parameter(metadata, parameters)
        refuse_error(parameters)
        code = code_of(parameters)
        tokens = Client(self.connection, metadata.method, conversation).redeem(metadata.token_endpoint, code, attempt)
        if tokens.id_token is None:
            raise NotBelieved(Reason.NO_ID_TOKEN)
        expected = Expected(
            self.issuer, self.connection.client_id, tokens.access_token, attempt.nonce, self._max_age(attempt)
        )
        said = self._believed(tokens.id_token, metadata, expected, conversation)
        together = merged(said, self._userinfo(metadata, tokens, str(said["sub"]), conversation))
        return SignedIn(self.claims_in(together), tokens.refresh_token, id_token.authenticated_at(said))

    def _refreshed(self, refresh_token: str, subject: str, conversation: Conversation) -> SignedIn:
        metadata = self._metadata(conversation)
        tokens = Client(self.connection, metadata.method, conversation).renew(metadata.token_endpoint, refresh_token)
        with keeping(tokens.refresh_token):
            claims, authenticated_at = self._said_anew(tokens, subject, metadata, conversation)
        return SignedIn(claims, tokens.refresh_token or refresh_token, authenticated_at)

    def _said_anew(
        self, tokens: Tokens, subject: str, metadata: Metadata, conversation: Conversation
    ) -> tuple[Claims, datetime | None]:
        """Return what is said now of somebody who signed in earlier, and when they did."""
        said: dict[str, Any] = {}
        if tokens.id_token is not None:
            expected = Expected(self.issuer, self.connection.client_id, tokens.access_token, None)
            said = self._believed(tokens.id_token, metadata, expected, conversation)
            _refuse_other(said.get("sub"), subject)
        elif metadata.userinfo_endpoint is None:
            raise NotBelieved(Reason.NO_ID_TOKEN)
        together = merged(said, self._userinfo(metadata, tokens, subject, conversation))
        return self.claims_in(together), id_token.authenticated_at(said)

    def _max_age(self, attempt: Attempt) -> int | None:
        return attempt.max_age_seconds if self.honours_max_age else None

    def _metadata(self, conversation: Conversation) -> Metadata:
        key = f"{self.connection.key} {self.issuer}"
        return self.surroundings.memory.of(Metadata).get(key, lambda: discovery.metadata_of(self.issuer, conversation))

    def _check_issuer_parameter(self, metadata: Metadata, parameters: Parameters) -> None:
        """Refuse the answer of another provider, also one that is an error (RFC 9207, section 2.4)."""
        issuer = at_most_one(parameters, "iss")
        if (issuer is None and metadata.sends_issuer) or issuer not in (None, metadata.issuer):
            raise CallbackRefused(Reason.ISSUER_PARAMETER)

    def _believed(
        self, token: str, metadata: Metadata, expected: Expected, conversation: Conversation
    ) -> dict[str, Any]:
        key, key_sets = f"{self.connection.key} {metadata.jwks_uri}", self.surroundings.memory.of(KeySet)

        def fetch() -> KeySet:
            return keys.fetch_keys(metadata.jwks_uri, conversation)

        signed = keys.signed_claims(token, key_sets.get(key, fetch), metadata.algorithms)
        if signed is None:
            signed = keys.signed_claims(token, key_sets.again(key, fetch), metadata.algorithms)
        if signed is None:
            raise NotBelieved(Reason.SIGNATURE)
        claims, algorithm = signed
        id_token.check(claims, algorithm, expected)
        return claims

    def _userinfo(self, metadata: Metadata, tokens: Tokens, subject: str, conversation: Conversation) -> dict[str, Any]:
        """Ask for more about the person, and refuse to hear about another (Core, section 5.3.2)."""
        if metadata.userinfo_endpoint is None:
            return {}
        answer = conversation.get(metadata.userinfo_endpoint, tokens.headers)
        if answer.status >= 500 or answer.status == 429:
            raise DoesNotAnswer(Reason.FAILING)
        if answer.status != 200:
            raise NotBelieved(Reason.USERINFO)
        said = answer.json_object()
        _refuse_other(said.get("sub"), subject)
        return said


def refuse_error(parameters: Parameters) -> None:
    """Raise what an error means that a provider sent a browser back with.

    Raises:
        ProviderError: there is one.
    """
    error = at_most_one(parameters, "error")
    if error is None:
        return
    raise SaidNo(Reason.DENIED) if error in NO else error_named(error)


def _refuse_other(said: object, subject: str) -> None:
    if said != subject:
        raise NotBelieved(Reason.OTHER_SUBJECT)
