"""Microsoft Entra ID, for the accounts of one tenant."""

import re
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from webapp.errors import N_
from webapp.providers.base import Connection, Question, Surroundings
from webapp.providers.claims import Claims
from webapp.providers.errors import Misconfigured, Reason, SaidNo
from webapp.providers.oidc import CLIENT, OidcProvider

MICROSOFT = "https://login.microsoftonline.com"
_TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class EntraProvider(OidcProvider):
    """Microsoft Entra ID. A tenant is named by its id: the common addresses would let every tenant in."""

    label: ClassVar[str] = N_("Microsoft Entra ID")
    # Its list of parameters has no `max_age`, and `auth_time` is among the claims that somebody has to switch on first:
    # learn.microsoft.com/entra/identity-platform/v2-protocols-oidc and .../optional-claims-reference
    honours_max_age: ClassVar[bool] = False
    asks_for: ClassVar[tuple[Question, ...]] = (*CLIENT, Question("tenant", N_("Directory (tenant) ID")))

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        super().__init__(connection, surroundings)
        self.tenant = self.option("tenant").lower()
        if not _TENANT.fullmatch(self.tenant):
            raise Misconfigured(Reason.OPTIONS)

    @property
    def issuer(self) -> str:
        """The tenant's own, in Microsoft's cloud unless the connection names another."""
        return f"{self.connection.issuer or MICROSOFT}/{self.tenant}/v2.0"

    def asks_consent(self, scopes: Collection[str]) -> bool:
        """Never: Entra gives refresh tokens without, and many tenants let only administrators consent."""
        return False

    def claims_in(self, said: Mapping[str, Any]) -> Claims:
        """Return the claims of an account of the tenant.

        An administrator of a tenant writes any address into an account, and Entra calls none verified; only
        `xms_edov` says that the address is in a domain the tenant has proven.

        Raises:
            SaidNo: the account is another tenant's.
        """
        if said.get("tid") != self.tenant:
            raise SaidNo(Reason.NOT_IN_ORGANIZATION)
        return super().claims_in({**said, "email_verified": said.get("xms_edov")})
