"""A sample plug-in: people of a contractor are in an access group of their own, and bring nobody in."""

from collections.abc import Iterable

from webapp.access.facts import MemberFacts
from webapp.access.plugins import ManagedGroup, Opinion, hookimpl
from webapp.access.roles import Scope
from webapp.models import Role

DOMAIN = "@contractor.example"
GROUP = ManagedGroup(source="contractors", team="field-work", name="Contractors", level=Role.ADMIN)
BRINGS_IN = (Scope.MEMBER_INVITE, Scope.MEMBER_ADD, Scope.REQUEST_APPROVE)


@hookimpl
def vestibule_decide(actor: MemberFacts, scope: Scope) -> Opinion | None:
    """Let contractors bring nobody in, whatever their role; say nothing about anything else."""
    if scope in BRINGS_IN and _is_contractor(actor):
        return Opinion(False, "Contractors bring nobody in.")
    return None


@hookimpl
def vestibule_managed_groups(member: MemberFacts) -> Iterable[ManagedGroup]:
    """Put contractors into their access group, with all projects of its team."""
    return [GROUP] if _is_contractor(member) else []


def _is_contractor(member: MemberFacts) -> bool:
    return member.email is not None and member.email.endswith(DOMAIN)
