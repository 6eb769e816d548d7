"""From what is stored of a connection to what speaks to its provider, and from its answers to what is stored."""

import logging

from webapp import clock
from webapp.providers.base import Connection, Provider, SignedIn, Surroundings
from webapp.providers.errors import Misconfigured, ProviderError, Reason
from webapp.providers.registry import kinds, provider_for
from webapp.providers.words import WORDS
from webapp.services.sso.connections import Answers, Connected
from webapp.services.sso.health import Outcome
from webapp.services.sso.identities import Said

log = logging.getLogger(__name__)


def provider_of(connected: Connected, surroundings: Surroundings) -> Provider:
    """Return what speaks to the provider of a connection.

    Raises:
        Misconfigured: its kind is not installed, what the kind asks for is missing, or the secret cannot be read.
    """
    kind = kinds().get(connected.kind)
    needs_secret = kind is not None and any(question.name == "client_secret" for question in kind.asks_for)
    if needs_secret and connected.client_secret is None:
        raise Misconfigured(Reason.SECRET)
    key = f"{connected.id}:{connected.version}"
    secret = connected.client_secret or ""
    options = dict(connected.options)
    return provider_for(
        Connection(
            key, connected.kind, connected.issuer, connected.client_id, secret, options, connected.organization_id
        ),
        surroundings,
    )


def known_issuer_of(kind: str, answers: Answers, surroundings: Surroundings) -> str | None:
    """Return the issuer of a provider, as its kind says it of what was entered; nothing where the kind cannot say it.

    Two connections with the same one know the same people.
    """
    asked = Connection("", kind, answers.issuer, answers.client_id, "", dict(answers.options))
    try:
        return provider_for(asked, surroundings).issuer or None
    except ProviderError:
        return None


def outcome_of_probe(connected: Connected, surroundings: Surroundings) -> Outcome:
    """Look whether sign-in through a connection would work now, and say in the log where it would not."""
    outcome = probed(connected, surroundings)
    if outcome.problem:
        log.warning(
            "A connection to an identity provider does not work.",
            extra={"connection": connected.id, "reason": outcome.problem},
        )
    return outcome


def probed(connected: Connected, surroundings: Surroundings) -> Outcome:
    """Look whether sign-in through a connection would work now; whoever asks says what came of it."""
    began_at = clock.now()
    try:
        provider_of(connected, surroundings).probe()
    except ProviderError as error:
        return Outcome(began_at, error.reason.value, WORDS[error.reason], error.reason is not Reason.BUSY)
    return Outcome(began_at)


def said_by(provider: Provider, signed_in: SignedIn) -> Said:
    """Return what a provider said of somebody as what is kept of it."""
    claims = signed_in.claims
    return Said(
        claims.subject,
        claims.email,
        claims.email_verified,
        claims.name,
        claims.groups,
        signed_in.refresh_token,
        claims.texts,
        signed_in.learned,
        signed_in.authenticated_at if provider.honours_max_age else None,
        provider.honours_max_age,
    )
