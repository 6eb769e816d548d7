"""Letters to owners about what single sign-on lets happen by itself."""

from datetime import timedelta

from sqlalchemy import and_, select

from webapp.access.facts import IS_ACTIVE
from webapp.db import db
from webapp.models import EmailAddress, Member, Organization, Role, User
from webapp.services import attempts, outbox
from webapp.services.addresses import Address
from webapp.services.attempts import Limit
from webapp.services.outbox import Letter

MOST_TOLD = 20
MOST_A_DAY = 20
DAY = timedelta(days=1)


def tell_of_arrival(organization: Organization, user: User, address: Address) -> None:
    """Tell owners, at most 20 of them, that somebody became a member whom nobody had invited.

    Of the arrivals of a day the first 20 are told; the others are in the audit log.
    """
    if attempts.count([Limit(f"sso:arrivals:{organization.id}", MOST_A_DAY, DAY)]):
        return
    tell_owners(organization, "sso_joined", person=user.name, claimed=address.typed)


def tell_owners(organization: Organization, kind: str, **more: str) -> None:
    """Queue a letter to owners with a proven address, at most 20 of them.

    Args:
        organization: whose.
        kind: the name of the letter's templates.
        more: what it says besides the organization's name.
    """
    is_theirs = and_(EmailAddress.user_id == User.id, EmailAddress.is_primary, EmailAddress.verified_at.is_not(None))
    owners = (
        select(EmailAddress.address, User.language)
        .join(User, is_theirs)
        .join(Member, Member.user_id == User.id)
        .where(Member.organization_id == organization.id, Member.role == Role.OWNER, *IS_ACTIVE)
        .order_by(Member.id)
        .limit(MOST_TOLD)
    )
    said = {"organization": organization.name, "slug": organization.slug, **more}
    letters = [
        Letter(kind, row.address, said, organization_id=organization.id, language=row.language)
        for row in db.session.execute(owners)
    ]
    outbox.enqueue_all(letters)
