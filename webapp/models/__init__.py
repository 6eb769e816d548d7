"""The tables."""

from webapp.models.audit import AuditEntry, AuditMention
from webapp.models.group import SINGLE_SIGN_ON, AccessGroup, GroupMember, GroupProject
from webapp.models.instance import Instance
from webapp.models.invitation import (
    Invitation,
    InvitationBatch,
    InvitationGroup,
    InvitationStatus,
    InvitationTeam,
    InvitationToken,
    InvitationWord,
)
from webapp.models.member import FormerAddress, Member, MemberStatus, MemberWord, RemovedMember, Role
from webapp.models.organization import FormerSlug, Organization, RetiredSlug
from webapp.models.outbox import LetterState, OutboxMessage
from webapp.models.project import FormerProjectSlug, Project, TeamProject
from webapp.models.recovery import RecoveryCode, SessionRecovery, ShownCodes
from webapp.models.session import AccountToken, Attempts, KnownNetwork, Session, TokenPurpose
from webapp.models.sso import (
    Enforcement,
    FlowPurpose,
    FormerIdentity,
    Identity,
    IdentityProvider,
    Joining,
    ProviderStatus,
    SessionIdentity,
    SsoDomain,
    SsoErrand,
    SsoFlow,
    SsoMapping,
    SsoMappingMember,
)
from webapp.models.team import FormerTeamSlug, Team, TeamMember
from webapp.models.user import AddressToken, EmailAddress, User, UserKind

__all__ = [
    "SINGLE_SIGN_ON",
    "AccessGroup",
    "AccountToken",
    "AddressToken",
    "Attempts",
    "AuditEntry",
    "AuditMention",
    "EmailAddress",
    "Enforcement",
    "FlowPurpose",
    "FormerAddress",
    "FormerIdentity",
    "FormerProjectSlug",
    "FormerSlug",
    "FormerTeamSlug",
    "GroupMember",
    "GroupProject",
    "Identity",
    "IdentityProvider",
    "Instance",
    "Invitation",
    "InvitationBatch",
    "InvitationGroup",
    "InvitationStatus",
    "InvitationTeam",
    "InvitationToken",
    "InvitationWord",
    "Joining",
    "KnownNetwork",
    "LetterState",
    "Member",
    "MemberStatus",
    "MemberWord",
    "Organization",
    "OutboxMessage",
    "Project",
    "ProviderStatus",
    "RecoveryCode",
    "RemovedMember",
    "RetiredSlug",
    "Role",
    "Session",
    "SessionIdentity",
    "SessionRecovery",
    "ShownCodes",
    "SsoDomain",
    "SsoErrand",
    "SsoFlow",
    "SsoMapping",
    "SsoMappingMember",
    "Team",
    "TeamMember",
    "TeamProject",
    "TokenPurpose",
    "User",
    "UserKind",
]
