"""Links of invitations: mailed ones, which prove the address, and copied ones, which do not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, select

from webapp.db import db
from webapp.errors import NotFound
from webapp.models import Invitation, InvitationToken, Organization
from webapp.services import outbox
from webapp.services.outbox import Letter
from webapp.services.tokens import digest, digest_of_copied, new_token


@dataclass(frozen=True)
class Link:
    """A link that somebody followed, and the invitation it was found to open."""

    invitation_id: int
    organization_id: int
    token: str = field(repr=False)


def mail(
    organization: Organization,
    inviter: str,
    invitations: Sequence[Invitation],
    kind: str = "invitation",
    *,
    language: str | None,
) -> None:
    """Queue a letter with a new link for each invitation; its other links stay alive.

    Args:
        organization: whose invitations they are.
        inviter: the name of whoever invites, as the letter says it.
        invitations: as the database has them.
        kind: which letter.
        language: that of whoever invites, as nobody knows what the invited people read.
    """
    tokens = [_add_token(invitation) for invitation in invitations]
    letters = [
        Letter(kind, invitation.email, _said(organization, inviter, invitation), token, organization.id, language)
        for invitation, token in zip(invitations, tokens, strict=True)
    ]
    for invitation, message in zip(invitations, outbox.enqueue_all(letters), strict=True):
        invitation.letter_id = message.id
    db.session.flush()


def copy(invitation: Invitation, user_id: int) -> str:
    """Return the token of another link, for the user who copies it to see it once; the others stay alive."""
    token = _add_token(invitation, copied_by_id=user_id)
    db.session.flush()
    return token


def kill_all(organization: Organization, invitations: Sequence[Invitation]) -> None:
    """Let no link of invitations of an organization work any more, neither mailed nor copied."""
    db.session.execute(
        delete(InvitationToken).where(
            InvitationToken.organization_id == organization.id,
            InvitationToken.invitation_id.in_([invitation.id for invitation in invitations]),
        )
    )


def hashes_of(token: str) -> list[str]:
    """Return what the database may keep of a token: one hash if its link was mailed, another if it was copied."""
    return [digest(token), digest_of_copied(token)]


def find(link: Link) -> InvitationToken:
    """Return what the database has of a link.

    Raises:
        NotFound: it does not work any more; the invitation was sent again meanwhile.
    """
    found = db.session.scalar(
        select(InvitationToken).where(
            InvitationToken.organization_id == link.organization_id,
            InvitationToken.invitation_id == link.invitation_id,
            InvitationToken.token_hash.in_(hashes_of(link.token)),
        )
    )
    if found is None:
        raise NotFound
    return found


def _add_token(invitation: Invitation, *, copied_by_id: int | None = None) -> str:
    token = new_token()
    db.session.add(
        InvitationToken(
            organization_id=invitation.organization_id,
            invitation_id=invitation.id,
            token_hash=digest(token) if copied_by_id is None else digest_of_copied(token),
            copied_by_id=copied_by_id,
        )
    )
    return token


def _said(organization: Organization, inviter: str, invitation: Invitation) -> dict[str, str]:
    return {
        "organization": organization.name,
        "inviter": inviter,
        "role": invitation.role.label,
        "email": invitation.email,
        "expires_at": invitation.expires_at.isoformat(),
    }
