"""What the name servers of a domain say, for pages that wait for it; nobody else has to."""

from collections.abc import Sequence

from webapp.errors import DomainError
from webapp.http import sso, uow
from webapp.providers.errors import DoesNotAnswer
from webapp.providers.name_servers import NameServersSilent, texts_at
from webapp.services import attempts
from webapp.services.attempts import Limit

MOST_CHECKS = 20
"""Of one organization, in fifteen minutes."""


def published_at(name: str, organization_id: int) -> Sequence[str] | None:
    """Return the texts that are published under a name, or None where name servers do not say; no transaction is open.

    Args:
        name: the name of the record.
        organization_id: who asks; slow name servers cost other organizations little.

    Raises:
        TooManyAttempts: the organization has asked too often of late.
    """
    refusal: DomainError | None = uow.write(
        attempts.count, [Limit(f"sso:domain-checks:{organization_id}", MOST_CHECKS)]
    )
    if refusal:
        raise refusal
    surroundings = sso.surroundings()
    try:
        with surroundings.patience.one_more(f"dns:{organization_id}"):
            return texts_at(name, surroundings.name_server)
    except (NameServersSilent, DoesNotAnswer):
        return None
