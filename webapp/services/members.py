"""Members: users in an organization."""

from sqlalchemy import insert, select

from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import AlreadyMember
from webapp.models import Member, MemberWord, Organization, Role, User
from webapp.services import audit
from webapp.services.audit import Event, Target
from webapp.services.words import sort_key, words_of


def add(actor: Actor, organization: Organization, user: User, email: str, role: Role) -> Member:
    """Make a user a member. The caller has decided that they may be, and holds the organization's lock.

    Raises:
        AlreadyMember: they are one.
    """
    if of_user(organization, user.id):
        raise AlreadyMember(email=email)
    member = Member(
        organization_id=organization.id,
        user_id=user.id,
        role=role,
        sort_name=sort_key(user.name),
        last_active_at=clock.now() if actor.user_id == user.id else None,
    )
    db.session.add(member)
    db.session.flush()
    index_words(member, user.name, email)
    after = {"user_id": user.id, "email": email, "role": role.label, "status": member.status.value}
    target = Target("member", member.id, user.name)
    audit.record(actor, Event.MEMBER_JOINED, target, organization=organization, after=after)
    return member


def of_user(organization: Organization, user_id: int) -> Member | None:
    """Return the membership of a user in an organization."""
    return db.session.scalar(select(Member).where(Member.organization_id == organization.id, Member.user_id == user_id))


def index_words(member: Member, name: str, email: str) -> None:
    """Keep the words by which a member is found."""
    rows = [
        {"organization_id": member.organization_id, "member_id": member.id, "word": word}
        for word in words_of(name, email)
    ]
    db.session.execute(insert(MemberWord), rows)
