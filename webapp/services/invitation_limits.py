"""How many invitations leave in a day: of an organization, and to one mailbox."""

from collections import Counter
from collections.abc import Sequence

from webapp.models import Organization
from webapp.services import attempts
from webapp.services.addresses import Address
from webapp.services.attempts import DAY, Limit
from webapp.services.tokens import digest

PER_ORGANIZATION_A_DAY = 2000
PER_ADDRESS_A_DAY = 10


def over_daily_limit(organization: Organization, wanted: Sequence[Address]) -> list[Address]:
    """Count the organization's invitations of today to each mailbox, and return those that had enough."""
    numbers = Counter(address.bucket for address in wanted)
    names = {bucket: f"invitation:address:{organization.id}:{digest(bucket)}" for bucket in numbers}
    limits = {bucket: Limit(name, PER_ADDRESS_A_DAY, DAY) for bucket, name in names.items()}
    counters = attempts.raise_counters({limit: numbers[bucket] for bucket, limit in limits.items()})
    too_many = {bucket: counters[limit].count - limit.most for bucket, limit in limits.items()}
    over = []
    for address in reversed(wanted):
        if too_many[address.bucket] > 0:
            too_many[address.bucket] -= 1
            over.append(address)
    not_sent = Counter(address.bucket for address in over)
    attempts.raise_counters({limits[bucket]: -number for bucket, number in not_sent.items()})
    return over


def is_organization_over(organization: Organization, number: int) -> bool:
    """Count `number` more invitations of the organization today, and tell whether they are too many."""
    return number_over(organization, number) > 0


def number_over(organization: Organization, number: int) -> int:
    """Count `number` more invitations of the organization today, and return how many of today's are too many."""
    if not number:
        return 0
    limit = Limit(f"invitation:organization:{organization.id}", PER_ORGANIZATION_A_DAY, DAY)
    return max(0, attempts.raise_counters({limit: number})[limit].count - limit.most)
