"""Which role has which scope: one table, which every decision asks."""

from enum import StrEnum

from webapp.models import Organization, Role


class Scope(StrEnum):
    """What may be asked of an organization, of a team, or of a project."""

    ORG_READ = "org:read"
    MEMBER_READ = "member:read"
    MEMBER_INVITE = "member:invite"
    MEMBER_WRITE = "member:write"
    MEMBER_ADD = "member:add"
    REQUEST_APPROVE = "request:approve"
    AUDIT_READ = "audit:read"
    ORG_WRITE = "org:write"
    SSO_ADMIN = "sso:admin"
    TEAM_READ = "team:read"
    TEAM_CREATE = "team:create"
    TEAM_WRITE = "team:write"
    PROJECT_CREATE = "project:create"
    GROUP_WRITE = "group:write"
    PROJECT_READ = "project:read"
    PROJECT_WRITE = "project:write"
    PROJECT_ADMIN = "project:admin"


LOWEST_ROLE: dict[Scope, Role] = {
    Scope.ORG_READ: Role.MEMBER,
    Scope.MEMBER_READ: Role.MEMBER,
    Scope.MEMBER_INVITE: Role.ADMIN,
    Scope.MEMBER_WRITE: Role.MANAGER,
    Scope.MEMBER_ADD: Role.MANAGER,
    Scope.REQUEST_APPROVE: Role.MANAGER,
    Scope.AUDIT_READ: Role.MANAGER,
    Scope.ORG_WRITE: Role.OWNER,
    Scope.SSO_ADMIN: Role.OWNER,
    Scope.TEAM_READ: Role.MEMBER,
    Scope.TEAM_CREATE: Role.ADMIN,
    Scope.TEAM_WRITE: Role.MANAGER,
    Scope.PROJECT_CREATE: Role.MANAGER,
    Scope.GROUP_WRITE: Role.MANAGER,
}
# In a team they belong to, people of this role have these scopes too.
LOWEST_ROLE_IN_OWN_TEAM: dict[Scope, Role] = {
    Scope.TEAM_WRITE: Role.ADMIN,
    Scope.PROJECT_CREATE: Role.ADMIN,
    Scope.GROUP_WRITE: Role.ADMIN,
}
LOWEST_LEVEL: dict[Scope, Role] = {
    Scope.PROJECT_READ: Role.MEMBER,
    Scope.PROJECT_WRITE: Role.ADMIN,
    Scope.PROJECT_ADMIN: Role.MANAGER,
}


def has_scope(role: Role, scope: Scope, organization: Organization) -> bool:
    """Tell whether `role` carries `scope` under the policies of `organization`."""
    if scope is Scope.MEMBER_INVITE and organization.members_may_invite:
        return True
    return role >= LOWEST_ROLE[scope]
