"""A provider for demonstrations and tests that believes whatever address it is given."""

from typing import ClassVar
from urllib.parse import urlencode

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
)
from webapp.providers.claims import read
from webapp.providers.errors import Misconfigured, Reason, SaidNo


class DummyProvider(Provider):
    """Asks only for an address, on a page of ours whose address is the connection's issuer.

    Raises:
        Misconfigured: this is neither a demonstration nor a test.
    """

    label: ClassVar[str] = N_("Dummy, for demonstrations")
    asks_for: ClassVar[tuple[Question, ...]] = ()

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        super().__init__(connection, surroundings)
        if not surroundings.is_demo:
            raise Misconfigured(Reason.DEMO_ONLY)

    def begin(self, attempt: Attempt, *, prompt: str | None = None) -> str:
        """Return the address of our page; it sends the browser back with `state` and `email`."""
        sent = {"redirect_uri": attempt.redirect_uri, "state": attempt.state}
        return f"{self.connection.issuer}?{urlencode(sent)}"

    def finish(self, attempt: Attempt, parameters: Parameters) -> SignedIn:
        """Return whoever the address says; see `Provider`."""
        check_state(attempt, parameters)
        email = at_most_one(parameters, "email")
        if not email:
            raise SaidNo(Reason.DENIED)
        return SignedIn(read({"sub": email.lower(), "email": email, "email_verified": True}))

    def refresh(self, refresh_token: str, subject: str) -> SignedIn:
        """Say no: it gives no refresh tokens."""
        raise SaidNo(Reason.EXPIRED)

    def probe(self) -> None:
        """There is nothing to look at."""
