"""Which role has which scope: one table, from which pages, tests and documentation are drawn."""

from enum import StrEnum

from webapp.models import Organization, Role


class Scope(StrEnum):
    """What may be asked of an organization."""

    ORG_READ = "org:read"
    MEMBER_READ = "member:read"
    MEMBER_INVITE = "member:invite"
    MEMBER_WRITE = "member:write"
    MEMBER_ADD = "member:add"
    REQUEST_APPROVE = "request:approve"
    AUDIT_READ = "audit:read"
    ORG_WRITE = "org:write"


LOWEST_ROLE: dict[Scope, Role] = {
    Scope.ORG_READ: Role.MEMBER,
    Scope.MEMBER_READ: Role.MEMBER,
    Scope.MEMBER_INVITE: Role.ADMIN,
    Scope.MEMBER_WRITE: Role.MANAGER,
    Scope.MEMBER_ADD: Role.MANAGER,
    Scope.REQUEST_APPROVE: Role.MANAGER,
    Scope.AUDIT_READ: Role.MANAGER,
    Scope.ORG_WRITE: Role.OWNER,
}


def has_scope(role: Role, scope: Scope, organization: Organization) -> bool:
    """Tell whether `role` carries `scope` under the policies of `organization`."""
    if scope is Scope.MEMBER_INVITE and organization.members_may_invite:
        return True
    return role >= LOWEST_ROLE[scope]
