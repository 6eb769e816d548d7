"""How many invitations leave in a day: of an organization, of one person, and to one mailbox.

What else an organization writes to somebody who has not proven an address counts for the mailbox as invitations do.
"""

from collections.abc import Sequence

from webapp.access.actor import Actor
from webapp.models import Organization
from webapp.services import attempts
from webapp.services.addresses import Address
from webapp.services.attempts import DAY, Limit
from webapp.services.letter_limits import Most

PER_ORGANIZATION_A_DAY = 2000
PER_ADDRESS_A_DAY = 10
PER_ADDRESS_OF_ALL_A_DAY = 30
RESERVED_PER_ADDRESS_A_DAY = 3
PER_INVITER_A_DAY = 2000
_TO_MAILBOX = Most("invitation:address", PER_ADDRESS_A_DAY, PER_ADDRESS_OF_ALL_A_DAY, RESERVED_PER_ADDRESS_A_DAY)


def over_daily_limit(organization: Organization, wanted: Sequence[Address]) -> list[Address]:
    """Count the letters of today to each mailbox, the organization's and all; return those that had enough."""
    return _TO_MAILBOX.over(organization.id, wanted)


def count_over(actor: Actor, organization: Organization, number: int) -> int:
    """Count `number` more invitations of the organization and of the actor today; return how many are too many."""
    if not number:
        return 0
    limits = [Limit(f"invitation:organization:{organization.id}", PER_ORGANIZATION_A_DAY, DAY)]
    if actor.user_id is not None:
        limits.append(Limit(f"invitation:inviter:{attempts.whose(actor, organization)}", PER_INVITER_A_DAY, DAY))
    counters = attempts.raise_counters(dict.fromkeys(limits, number))
    return max(0, *(counters[limit].count - limit.most for limit in limits))
