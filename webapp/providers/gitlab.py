"""GitLab, in its own cloud or on a server of the organization's."""

from typing import ClassVar

from webapp.errors import N_
from webapp.providers.base import Question
from webapp.providers.oidc import CLIENT, OidcProvider

GITLAB = "https://gitlab.com"


class GitLabProvider(OidcProvider):
    """GitLab: an OpenID provider whose userinfo names the groups of a person.

    It honours `max_age`: its configuration of doorkeeper-openid_connect says when people signed in, and how they do so
    again (`auth_time_from_resource_owner` and `reauthenticate_resource_owner`).
    """

    label: ClassVar[str] = N_("GitLab")
    asks_for: ClassVar[tuple[Question, ...]] = (Question("issuer", N_("Address, if not gitlab.com"), True), *CLIENT)

    @property
    def issuer(self) -> str:
        """GitLab's own, unless the connection names a server."""
        return self.connection.issuer or GITLAB
