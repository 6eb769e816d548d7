"""Google, for the accounts of one Workspace domain."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from webapp.errors import N_
from webapp.providers.base import Connection, Question, Surroundings
from webapp.providers.claims import Claims
from webapp.providers.errors import Reason, SaidNo
from webapp.providers.oidc import CLIENT, OidcProvider

GOOGLE = "https://accounts.google.com"


class GoogleProvider(OidcProvider):
    """Google: who is of the domain is what the claim `hd` says, never the end of an address."""

    label: ClassVar[str] = N_("Google")
    # Its list of parameters has no `max_age`, and `auth_time` is said only to clients whose settings ask for it:
    # developers.google.com/identity/openid-connect/openid-connect and .../identity/siwg/security-bundle
    honours_max_age: ClassVar[bool] = False
    asks_for: ClassVar[tuple[Question, ...]] = (*CLIENT, Question("hosted_domain", N_("Domain of your Workspace")))

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        super().__init__(connection, surroundings)
        self.hosted_domain = self.option("hosted_domain").lower()

    @property
    def issuer(self) -> str:
        """Google's own, unless the connection names one."""
        return self.connection.issuer or GOOGLE

    def more_parameters(self) -> dict[str, str]:
        """Have Google offer accounts of the domain, and allow to ask about them again."""
        return {"hd": self.hosted_domain, "access_type": "offline"}

    def asks_consent(self, scopes: Collection[str]) -> bool:
        """Always: Google gives a refresh token at the first consent only, unless it is asked for again."""
        return True

    def claims_in(self, said: Mapping[str, Any]) -> Claims:
        """Return the claims of an account of the domain.

        Raises:
            SaidNo: it is another domain's, or nobody's.
        """
        if said.get("hd") != self.hosted_domain:
            raise SaidNo(Reason.NOT_IN_ORGANIZATION)
        return super().claims_in(said)
