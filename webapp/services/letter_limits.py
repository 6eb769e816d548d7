"""How many letters leave in a day to one mailbox: because of one organization, and because of all of them.

What counts for all organizations together keeps somebody with many of them from filling a mailbox. It is more than one
organization may send there, so that another one does not use up what is left to this one at once; and some letters of
each organization may leave whatever the others have sent.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from webapp.services import attempts
from webapp.services.addresses import Address
from webapp.services.attempts import DAY, Limit
from webapp.services.tokens import digest


@dataclass(frozen=True)
class Most:
    """How many letters of some kinds, which `name` counts together, a mailbox gets in a day.

    Of each organization it gets `reserve` letters even where all together have sent it enough.
    """

    name: str
    of_one: int
    of_all: int
    reserve: int = 0

    def over(self, organization_id: int, wanted: Sequence[Address]) -> list[Address]:
        """Count letters to addresses because of an organization; return those whose mailbox had enough.

        What is over is counted for nobody.
        """
        numbers = Counter(address.bucket for address in wanted)
        limits = {bucket: self._limits(organization_id, bucket) for bucket in numbers}
        counters = attempts.raise_counters({limit: numbers[name] for name, both in limits.items() for limit in both})
        too_many = {
            bucket: self._too_many(numbers[bucket], *(counters[limit].count for limit in both))
            for bucket, both in limits.items()
        }
        over = []
        for address in reversed(wanted):
            if too_many[address.bucket] > 0:
                too_many[address.bucket] -= 1
                over.append(address)
        not_sent = Counter(address.bucket for address in over)
        attempts.raise_counters({limit: -number for bucket, number in not_sent.items() for limit in limits[bucket]})
        return over

    def _too_many(self, number: int, of_one: int, of_all: int) -> int:
        """Return how many of so many letters to a mailbox are too many, given what its counters say with them."""
        reserved = max(0, self.reserve - (of_one - number))
        return max(0, of_one - self.of_one, min(of_all - self.of_all, number - reserved))

    def _limits(self, organization_id: int, bucket: str) -> tuple[Limit, Limit]:
        mailbox = digest(bucket)
        return (
            Limit(f"{self.name}:{organization_id}:{mailbox}", self.of_one, DAY),
            Limit(f"{self.name}:{mailbox}", self.of_all, DAY),
        )
