"""How many invitations leave in a day: of an organization, of one person, and to one mailbox.

What counts for all organizations together keeps somebody with many of them from filling a mailbox. It is more than one
organization may send there, so that another one does not use up what is left to this one at once.
"""

from collections import Counter
from collections.abc import Sequence

from webapp.access.actor import Actor
from webapp.models import Organization
from webapp.services import attempts
from webapp.services.addresses import Address
from webapp.services.attempts import DAY, Limit
from webapp.services.tokens import digest

PER_ORGANIZATION_A_DAY = 2000
PER_ADDRESS_A_DAY = 10
PER_ADDRESS_OF_ALL_A_DAY = 30
PER_INVITER_A_DAY = 2000


def over_daily_limit(organization: Organization, wanted: Sequence[Address]) -> list[Address]:
    """Count the invitations of today to each mailbox, the organization's and all; return those that had enough."""
    numbers = Counter(address.bucket for address in wanted)
    limits = {bucket: _limits_of_mailbox(organization, bucket) for bucket in numbers}
    counters = attempts.raise_counters({limit: numbers[name] for name, both in limits.items() for limit in both})
    too_many = {bucket: max(counters[limit].count - limit.most for limit in both) for bucket, both in limits.items()}
    over = []
    for address in reversed(wanted):
        if too_many[address.bucket] > 0:
            too_many[address.bucket] -= 1
            over.append(address)
    not_sent = Counter(address.bucket for address in over)
    attempts.raise_counters({limit: -number for bucket, number in not_sent.items() for limit in limits[bucket]})
    return over


def is_over(actor: Actor, organization: Organization, number: int) -> bool:
    """Count `number` more invitations of the organization and of the actor today; tell whether they are too many."""
    return number_over(actor, organization, number) > 0


def number_over(actor: Actor, organization: Organization, number: int) -> int:
    """Count `number` more invitations of the organization and of the actor today; return how many are too many."""
    if not number:
        return 0
    limits = [Limit(f"invitation:organization:{organization.id}", PER_ORGANIZATION_A_DAY, DAY)]
    if actor.user_id is not None:
        limits.append(Limit(f"invitation:inviter:{attempts.whose(actor, organization)}", PER_INVITER_A_DAY, DAY))
    counters = attempts.raise_counters(dict.fromkeys(limits, number))
    return max(0, *(counters[limit].count - limit.most for limit in limits))


def _limits_of_mailbox(organization: Organization, bucket: str) -> tuple[Limit, Limit]:
    name = digest(bucket)
    return (
        Limit(f"invitation:address:{organization.id}:{name}", PER_ADDRESS_A_DAY, DAY),
        Limit(f"invitation:address:{name}", PER_ADDRESS_OF_ALL_A_DAY, DAY),
    )
