"""Between requests and identity providers: who is asked, where browsers come back to, and the way there and back.

A provider is asked while no transaction is open. What is kept before and after is in transactions of its own.
"""

from dataclasses import replace
from typing import Final, TypedDict, Unpack, cast

from flask import Flask, Response, current_app, request, url_for

from webapp.access.decide import require_fresh
from webapp.config import Settings
from webapp.errors import DomainError, TooManyAttempts
from webapp.http import session, uow
from webapp.http.forms import safe_next
from webapp.http.htmx import go
from webapp.http.settings import settings
from webapp.models import FlowPurpose, IdentityProvider
from webapp.providers.base import Attempt, Provider, Surroundings, state_of
from webapp.providers.connected import known_issuer_of, said_by
from webapp.providers.connected import provider_of as connected_provider
from webapp.services import attempts, organizations
from webapp.services.attempts import Limit
from webapp.services.invitation_links import Link
from webapp.services.sso import connections, flows
from webapp.services.sso.connections import Answers, Connected
from webapp.services.sso.errors import FlowNotYours, LeftTooOften
from webapp.services.sso.flows import Flow, Secrets
from webapp.services.sso.identities import Said
from webapp.services.tokens import digest

SURROUNDINGS: Final = "vestibule.surroundings"
Parameters = list[tuple[str, str]]
MOST_LEAVINGS = 8
"""Of one flow: going back and loading anew lead there again, and each may mean a question to the provider."""


def init_app(app: Flask, settings: Settings) -> None:
    """Let all threads of `app` share what is known of the network and of providers that are slow."""
    app.extensions[SURROUNDINGS] = Surroundings.of(settings)


def surroundings() -> Surroundings:
    """Return what providers need to know of this instance."""
    return cast(Surroundings, current_app.extensions[SURROUNDINGS])


def provider_of(connected: Connected) -> Provider:
    """Return what speaks to the provider of a connection.

    Raises:
        Misconfigured: its kind is not installed, what the kind asks for is missing, or the secret cannot be read.
    """
    return connected_provider(connected, surroundings())


def with_issuer(kind: str, answers: Answers) -> Answers:
    """Return what was entered about a provider of a kind, with the issuer by which the provider is known for it."""
    return replace(answers, known_issuer=known_issuer_of(kind, answers, surroundings()))


def redirect_uri(provider_id: int) -> str:
    """Return the address that browsers come back to from a provider, as the provider has to know it."""
    return settings().base_url + url_for("sso.callback", provider=provider_id)


def count_departure() -> TooManyAttempts | None:
    """Count that this network sends a browser to a provider, and return the refusal if it is one too often."""
    return attempts.count(attempts.limits_of("sso", session.client_ip()))


def count_leaving(state: str) -> DomainError | None:
    """Count that this browser leaves by a flow, and return the refusal if the flow or the network did so too often."""
    if attempts.count([Limit(f"sso:leaving:{digest(state)}", MOST_LEAVINGS)]):
        return LeftTooOften()
    return attempts.count(attempts.limits_of("sso-leave", session.client_ip()))


def depart_to_sign_in(
    organization_id: int,
    next_path: str | None = None,
    *,
    link: Link | None = None,
    max_age_seconds: int | None = None,
) -> Response:
    """Begin a sign-in in this browser under the organization's lock, and lead to the page that leaves.

    Args:
        organization_id: whose provider.
        next_path: where to go afterwards.
        link: the invitation that is to be accepted by it, and no other.
        max_age_seconds: how long ago they may have signed in at the provider, where that matters.

    Raises:
        NotFound: the organization has no connection in use.
    """
    provider = connections.require_active(organizations.lock(organization_id))
    return depart(provider, FlowPurpose.SIGN_IN, next_path, link=link, max_age_seconds=max_age_seconds)


class CameWith(TypedDict, total=False):
    """What a flow keeps of how somebody came; see `Secrets`."""

    link: Link | None
    client_secret: str | None
    is_respelled: bool
    max_age_seconds: int | None


def depart(
    provider: IdentityProvider, purpose: FlowPurpose, next_path: str | None, **came_with: Unpack[CameWith]
) -> Response:
    """Begin a flow in this browser, in the transaction at hand, and lead to the page that leaves for the provider.

    Args:
        provider: the connection.
        purpose: what for.
        next_path: where to go afterwards; nothing where it is too long to be kept.
        came_with: the invitation that is to be accepted by it, and no other; a new client secret of a connection in
            use, to be proven by this; that the provider has just been spelled as it wants, and is not a second time;
            and how long ago they may have signed in at the provider, where that matters.

    Raises:
        SignInAgain: somebody would link or set up what is theirs, who has not just signed in. On the way back that is
            not asked again, nor where the provider is only spelled anew.
    """
    if purpose is not FlowPurpose.SIGN_IN and not came_with.get("is_respelled"):
        require_fresh(session.current_actor())
    attempt = Attempt.new(redirect_uri(provider.id))
    viewer = session.viewer() if purpose is not FlowPurpose.SIGN_IN else None
    flows.begin(
        provider,
        purpose,
        Secrets(attempt.state, attempt.nonce, attempt.verifier, **came_with),
        browser=digest(session.token()) if viewer else session.browser(),
        user_id=viewer.user_id if viewer else None,
        next_path=safe_next(next_path) if len(next_path or "") <= flows.LONGEST_NEXT else None,
    )
    return go(url_for("sso.leave", state=attempt.state))


def departing(state: str) -> Flow:
    """Return the flow that this browser is about to leave by.

    Raises:
        FlowNotYours: it is another browser's, or not there any more.
        ConnectionChanged: its connection was changed or switched off.
    """
    flow = uow.read(flows.find, state, session.browsers())
    flow.require_current()
    return flow


def way_there(flow: Flow) -> str:
    """Return the address at the provider to send the browser to.

    Whoever links an account consents anew where that lets us ask about them later; whoever signs in need not.

    Raises:
        ProviderError: the provider could not be asked how it wants it.
    """
    prompt = None if flow.purpose is FlowPurpose.SIGN_IN else "consent"
    return provider_of(flow.connected).begin(_attempt(flow), prompt=prompt)


def returned(provider_id: int) -> tuple[Flow, Parameters]:
    """Use the flow up that a browser came back with, before anything is asked; return what it brought.

    Raises:
        CallbackRefused: it brought no state.
        FlowNotYours: the flow is not for this connection and this browser, or not any more.
    """
    brought = list(request.args.items(multi=True))
    flow = uow.write(flows.use, provider_id, state_of(brought), session.browsers())
    if flow is None:
        raise FlowNotYours
    return flow, brought


def ask(flow: Flow, brought: Parameters) -> Said:
    """Ask the provider who came back.

    Raises:
        ConnectionChanged: the connection was changed or switched off meanwhile.
        ProviderError: the provider said no, is silent, is set up wrongly, or is not believed.
    """
    flow.require_current()
    provider = provider_of(flow.connected)
    return said_by(provider, provider.finish(_attempt(flow), brought))


def _attempt(flow: Flow) -> Attempt:
    secrets = flow.secrets
    ours = redirect_uri(flow.connected.id)
    return Attempt(ours, secrets.state, secrets.nonce, secrets.verifier, secrets.max_age_seconds)
