"""The tables."""

from webapp.models.audit import AuditEntry
from webapp.models.instance import Instance
from webapp.models.invitation import Invitation, InvitationBatch, InvitationStatus, InvitationToken, InvitationWord
from webapp.models.member import Member, MemberStatus, MemberWord, RemovedMember, Role
from webapp.models.organization import FormerSlug, Organization
from webapp.models.outbox import LetterState, OutboxMessage
from webapp.models.session import AccountToken, Attempts, KnownNetwork, Session, TokenPurpose
from webapp.models.user import AddressToken, EmailAddress, User, UserKind

__all__ = [
    "AccountToken",
    "AddressToken",
    "Attempts",
    "AuditEntry",
    "EmailAddress",
    "FormerSlug",
    "Instance",
    "Invitation",
    "InvitationBatch",
    "InvitationStatus",
    "InvitationToken",
    "InvitationWord",
    "KnownNetwork",
    "LetterState",
    "Member",
    "MemberStatus",
    "MemberWord",
    "Organization",
    "OutboxMessage",
    "RemovedMember",
    "Role",
    "Session",
    "TokenPurpose",
    "User",
    "UserKind",
]
