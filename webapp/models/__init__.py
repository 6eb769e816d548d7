"""The tables."""

from webapp.models.audit import AuditEntry
from webapp.models.instance import Instance
from webapp.models.invitation import Invitation, InvitationBatch, InvitationStatus, InvitationToken, InvitationWord
from webapp.models.member import Member, MemberStatus, MemberWord, Role
from webapp.models.organization import Organization
from webapp.models.outbox import LetterState, OutboxMessage
from webapp.models.session import AccountToken, Attempts, Session, TokenPurpose
from webapp.models.user import EmailAddress, User, UserKind

__all__ = [
    "AccountToken",
    "Attempts",
    "AuditEntry",
    "EmailAddress",
    "Instance",
    "Invitation",
    "InvitationBatch",
    "InvitationStatus",
    "InvitationToken",
    "InvitationWord",
    "LetterState",
    "Member",
    "MemberStatus",
    "MemberWord",
    "Organization",
    "OutboxMessage",
    "Role",
    "Session",
    "TokenPurpose",
    "User",
    "UserKind",
]
