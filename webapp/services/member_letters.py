"""Letters that tell people what happened to their memberships."""

from collections.abc import Mapping, Sequence

from webapp.access.actor import Actor
from webapp.models import Organization, User
from webapp.services import accounts, attempts, outbox
from webapp.services.attempts import DAY, Limit
from webapp.services.outbox import Letter

LETTERS_A_DAY = 20
# Which letters count for themselves; all others count together.
COUNTED_AS = {"removed": "removals", "sso_taken_away": "links"}


def tell(actor: Actor, organization: Organization, user: User, kind: str, **data: str | bool) -> None:
    """Queue the letter that tells somebody what happened to their membership; see `tell_all`."""
    tell_all(actor, organization, [(user, data)], kind)


def tell_all(
    actor: Actor, organization: Organization, told: Sequence[tuple[User, Mapping[str, str | bool]]], kind: str
) -> None:
    """Queue the letters that tell people what happened to their memberships.

    None goes to an address that may not be theirs, nor more than twenty a day. Removals count for themselves, and so do
    links that were taken away: whoever had many other letters still hears of it.

    Args:
        actor: who did it.
        organization: where.
        told: whom to tell, and what the letter says besides.
        kind: the name of the letters' templates.
    """
    emails = accounts.primary_addresses([user.id for user, _ in told])
    purpose = COUNTED_AS.get(kind, "letters")
    limits = {
        user.id: Limit(f"membership:{purpose}:{organization.id}:{user.id}", LETTERS_A_DAY, DAY) for user, _ in told
    }
    counted = attempts.raise_counters(dict.fromkeys(limits.values(), 1))
    names = {"actor": actor.name, "organization": organization.name, "slug": organization.slug}
    letters = []
    for user, data in told:
        email, limit = emails[user.id], limits[user.id]
        said = {"name": user.name, **names, "email": email.address, **data}
        is_dropped = counted[limit].count > limit.most or email.verified_at is None
        language = user.language or actor.language
        letters.append(Letter(kind, email.address, said, None, organization.id, language, is_dropped))
    outbox.enqueue_unasked(letters)
