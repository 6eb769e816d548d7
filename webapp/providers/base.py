"""What every kind of identity provider is to the rest of the application."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hmac import compare_digest
from typing import ClassVar, NamedTuple, Self

from webapp.config import Settings
from webapp.providers.addresses import PrivateProviders
from webapp.providers.claims import Claims
from webapp.providers.errors import CallbackRefused, Misconfigured, Reason
from webapp.providers.http import Conversation, Network
from webapp.providers.patience import Patience
from webapp.providers.remembered import Memory

PARAMETER_MAX_CHARACTERS = 4_096

Parameters = Sequence[tuple[str, str]]
"""The query of the address a browser came back to, in its order: a name may be there twice."""


@dataclass(frozen=True)
class Connection:
    """An organization's connection to its provider, as the row and its opened secret have it.

    `key` tells connections and their versions apart, for what is remembered of them. `options` are what the kind asks
    for beside issuer and client. All connections of the organization `organization_id` wait at one place.
    """

    key: str
    kind: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    organization_id: int | None = None

    @property
    def waits_at(self) -> str:
        """What `Patience` knows it by."""
        return self.key if self.organization_id is None else f"organization:{self.organization_id}"


@dataclass(frozen=True)
class Surroundings:
    """What a provider needs to know of this instance: how it reaches others, and whether it is a demo or a test.

    A process makes one, so that all its threads share its patience and its memory. `name_server` is the address of the
    one to ask about domains; those of the system where there is none.
    """

    network: Network = field(default_factory=Network)
    is_demo: bool = False
    patience: Patience = field(default_factory=Patience)
    name_server: str | None = None
    memory: Memory = field(default_factory=Memory)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Make those of a process that runs with these settings."""
        network = Network(PrivateProviders(settings.reachable_providers))
        return cls(network, settings.demo, Patience(settings.threads), settings.dns_resolver)


@dataclass(frozen=True)
class Attempt:
    """One sign-in under way: what its flow keeps on the server until the browser comes back.

    `max_age_seconds` says how long ago the person may have signed in at the provider, where that matters and the kind
    of provider honours it.
    """

    redirect_uri: str
    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    max_age_seconds: int | None = None

    @classmethod
    def new(cls, redirect_uri: str, max_age_seconds: int | None = None) -> Self:
        """Make one with 256 random bits in each of its secrets, and more in the verifier (RFC 7636, section 7.1)."""
        state, nonce, verifier = (secrets.token_urlsafe(size) for size in (32, 32, 48))
        return cls(redirect_uri, state, nonce, verifier, max_age_seconds)


@dataclass(frozen=True)
class SignedIn:
    """Who came back, what allows to ask about them again, and when they last proved themselves at the provider.

    `learned` are options that a connection keeps once this sign-in has proven it.
    """

    claims: Claims
    refresh_token: str | None = field(default=None, repr=False)
    authenticated_at: datetime | None = None
    learned: Mapping[str, str] = field(default_factory=dict)


class Question(NamedTuple):
    """Something a kind asks for when it is set up: `issuer`, `client_id`, `client_secret`, or a name in `options`."""

    name: str
    label: str
    is_optional: bool = False


class Provider(ABC):
    """One connection to one provider. A kind of provider is a subclass with a line in the registry.

    `honours_max_age` says that the kind lets people sign in again where that was longer ago than an attempt says, and
    tells when they did. People who come back from another kind count as having signed in when they last did so here.

    Args:
        connection: what was configured.
        surroundings: what it runs in.

    Raises:
        Misconfigured: something the kind asks for is missing or malformed.
    """

    label: ClassVar[str]
    honours_max_age: ClassVar[bool] = False
    asks_for: ClassVar[tuple[Question, ...]]

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        self.connection, self.surroundings = connection, surroundings

    @property
    def issuer(self) -> str:
        """The address the provider is known by; a kind with one address knows it itself.

        By it, subjects of one connection are told from those of another: two with the same one know the same people.
        """
        return self.connection.issuer

    @abstractmethod
    def begin(self, attempt: Attempt, *, prompt: str | None = None) -> str:
        """Return the address to send the browser to.

        Args:
            attempt: kept until the browser is back.
            prompt: what to ask of the person in any case, such as "login". "consent" is asked for only where the
                provider may be asked about them later for it.

        Raises:
            ProviderError: the provider could not be asked how it wants it.
        """

    @abstractmethod
    def finish(self, attempt: Attempt, parameters: Parameters) -> SignedIn:
        """Return who came back.

        Raises:
            CallbackRefused: the browser brought what does not belong to the attempt; nothing was asked then.
            ProviderError: the provider said no, is silent, or is not believed.
        """

    @abstractmethod
    def refresh(self, refresh_token: str, subject: str) -> SignedIn:
        """Ask again about somebody who signed in earlier.

        Raises:
            SaidNo: the provider no longer vouches for them.
            ProviderError: nothing is known, or it answered about somebody else; it holds the next token, if there is
                one (see `keeping`).
        """

    @abstractmethod
    def probe(self) -> None:
        """Look whether sign-in would work now, as far as can be seen without a person.

        Raises:
            ProviderError: it would not.
        """

    @contextmanager
    def conversation(self) -> Iterator[Conversation]:
        """Ask the provider within the block, all of it within one limit of time.

        Each question takes its turn (see `Patience`); one that finds no place is not asked.
        """
        place = partial(self.surroundings.patience.one_more, self.connection.waits_at)
        yield Conversation(self.surroundings.network, place=place)

    def option(self, name: str) -> str:
        """Return what was configured beside issuer and client.

        Raises:
            Misconfigured: it is missing.
        """
        value = self.connection.options.get(name, "").strip()
        if not value:
            raise Misconfigured(Reason.OPTIONS)
        return value


def state_of(parameters: Parameters) -> str:
    """Return the state a browser came back with, by which the flow is found.

    Raises:
        CallbackRefused: it is missing, empty, or there twice.
    """
    return _one(parameters, "state", Reason.STATE)


def check_state(attempt: Attempt, parameters: Parameters) -> None:
    """Compare the state a browser came back with to the attempt's.

    Raises:
        CallbackRefused: it is another one, or none.
    """
    if not compare_digest(state_of(parameters).encode(), attempt.state.encode()):
        raise CallbackRefused(Reason.STATE)


def code_of(parameters: Parameters) -> str:
    """Return the code a browser came back with.

    Raises:
        CallbackRefused: it is missing, empty, or there twice.
    """
    return _one(parameters, "code", Reason.CALLBACK)


def at_most_one(parameters: Parameters, name: str) -> str | None:
    """Return the only value of a name, or None where the name is not there.

    Raises:
        CallbackRefused: it is there twice.
    """
    values = [value for given, value in parameters if given == name]
    if len(values) > 1:
        raise CallbackRefused(Reason.CALLBACK)
    return values[0] if values else None


def _one(parameters: Parameters, name: str, reason: Reason) -> str:
    values = [value for given, value in parameters if given == name]
    if len(values) != 1 or not 1 <= len(values[0]) <= PARAMETER_MAX_CHARACTERS or not values[0].isascii():
        raise CallbackRefused(reason)
    return values[0]
