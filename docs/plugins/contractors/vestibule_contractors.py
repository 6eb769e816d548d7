"""A sample plug-in: people of a contractor are in an access group of their own, and change nothing at weekends."""

from collections.abc import Iterable
from datetime import UTC, datetime

from webapp.access.facts import MemberFacts
from webapp.access.plugins import ManagedGroup, Opinion, hookimpl
from webapp.access.roles import Scope
from webapp.models import Role

DOMAIN = "@contractor.example"
GROUP = ManagedGroup(source="contractors", team="field-work", name="Contractors", level=Role.ADMIN)
SATURDAY = 5


@hookimpl
def vestibule_decide(actor: MemberFacts, scope: Scope) -> Opinion | None:
    """Deny contractors everything but reading at weekends, by UTC; say nothing about anybody else."""
    is_weekend = datetime.now(UTC).weekday() >= SATURDAY
    if _is_contractor(actor) and is_weekend and not scope.endswith(":read"):
        return Opinion(False, "Contractors work from Monday to Friday.")
    return None


@hookimpl
def vestibule_managed_groups(member: MemberFacts) -> Iterable[ManagedGroup]:
    """Put contractors into their access group, with all projects of its team."""
    return [GROUP] if _is_contractor(member) else []


def _is_contractor(member: MemberFacts) -> bool:
    return member.email is not None and member.email.endswith(DOMAIN)
