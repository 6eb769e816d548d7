"""Counters, each raised by one atomic statement: of attempts, and of what was really done.

An attempt counts whatever becomes of it, so its count is committed in a transaction of its own before the attempt is
evaluated. A letter or a request counts as part of the transaction that makes it: what is refused or fails is rolled
back together with its count, and uses up nothing of anybody's day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from math import ceil

from sqlalchemy import case
from sqlalchemy.dialects import postgresql, sqlite

from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import OftenEnough, TooManyAttempts
from webapp.models import Attempts, Organization
from webapp.services.tokens import digest

WINDOW = timedelta(minutes=15)
DAY = timedelta(days=1)
MOST_REFUSALS_NOTED = 20
"""Of one person in one organization, in a WINDOW."""
CHANGES_A_DAY = 30
MOST_AT_ONCE = 5_000
"""Counters in one statement: three values each, of which SQLite takes no more than 32,766."""
UNKNOWN_NETWORK = "unknown"


@dataclass(frozen=True)
class Limit:
    """At most `most` attempts on `bucket` in `window`."""

    bucket: str
    most: int
    window: timedelta = WINDOW


def limits_of(
    purpose: str, ip: str | None, address: str | None = None, *, is_known_network: bool = False
) -> list[Limit]:
    """Return the limits of sign-in and its like: 100 attempts per network and 10 per address in 15 minutes.

    From each network that the holder of the address is known to use, the address has 10 attempts of its own; all other
    networks share theirs. So strangers can use up only their own attempts, and many networks give them no more.
    """
    network = network_of(ip)
    limits = [Limit(f"{purpose}:network:{network}", 100)]
    if address is not None:
        where = f":{network}" if is_known_network else ""
        limits.append(Limit(f"{purpose}:address:{digest(address)}{where}", 10))
    return limits


def network_of(ip: str | None) -> str:
    """Return the network an IP address counts for: /24 of IPv4, /64 of IPv6."""
    try:
        address = ip_address(ip or "")
    except ValueError:
        return UNKNOWN_NETWORK
    address = getattr(address, "ipv4_mapped", None) or address
    return str(ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))


def count(limits: Sequence[Limit]) -> TooManyAttempts | None:
    """Count once against every limit, and return the refusal if one is passed.

    It is not raised here: what counts attempts raises it once the count is committed, what counts deeds at once.
    """
    counted = raise_counters(dict.fromkeys(limits, 1))
    late = [counted[limit].ends_at for limit in limits if counted[limit].count > limit.most]
    return TooManyAttempts(minutes=_minutes_until(max(late))) if late else None


def whose(actor: Actor, organization: Organization | None) -> str:
    """Return by what is counted what a user does in an organization: all they do together, wherever it is.

    But at the word of an organization's provider alone only what is done there: whoever runs it may be anybody, and
    uses up nothing of what they may do elsewhere.
    """
    here = f":{organization.id}" if actor.is_confined and organization is not None else ""
    return f"{actor.user_id}{here}"


def require_few_a_day(
    purpose: str, actor: Actor, organization: Organization | None = None, *, field: str | None = None
) -> None:
    """Count one more change of a kind by a user today, and go on only if it is not one too many.

    Each leaves rows behind for good, which nobody else limits.

    Args:
        purpose: the kind.
        actor: whose change it is; nobody's is not counted.
        organization: where; none for an account of their own.
        field: the field of a form that the refusal stands beside.

    Raises:
        OftenEnough: it is one too many.
    """
    limit = Limit(f"{purpose}:user:{whose(actor, organization)}", CHANGES_A_DAY, timedelta(days=1))
    if actor.user_id is not None and count([limit]):
        raise OftenEnough(most=CHANGES_A_DAY, field=field)


def raise_counters(by: Mapping[Limit, int]) -> dict[Limit, Attempts]:
    """Raise counters, MOST_AT_ONCE in one statement, and return them as they are now.

    Args:
        by: how much to add for each limit; no two limits share a bucket.
    """
    if not by:
        return {}
    now = clock.now()
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    ordered = sorted(by, key=lambda limit: limit.bucket)
    rows = [{"bucket": limit.bucket, "count": by[limit], "ends_at": now + limit.window} for limit in ordered]
    statement = insert(Attempts)
    is_over = Attempts.ends_at <= now
    counted = db.session.scalars(
        statement.on_conflict_do_update(
            index_elements=[Attempts.bucket],
            set_={
                "count": statement.excluded.count + case((is_over, 0), else_=Attempts.count),
                "ends_at": case((is_over, statement.excluded.ends_at), else_=Attempts.ends_at),
            },
        ).returning(Attempts),
        rows,  # not as values of the statement, which would be compiled anew each time
        execution_options={"populate_existing": True, "insertmanyvalues_page_size": MOST_AT_ONCE},
    )
    found = {counter.bucket: counter for counter in counted}
    return {limit: found[limit.bucket] for limit in ordered}


def _minutes_until(moment: datetime) -> int:
    return max(1, ceil((moment - clock.now()).total_seconds() / 60))
