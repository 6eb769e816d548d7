"""Identities: which user somebody at a provider is, linking and unlinking, and through which a session came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    bindparam,
    case,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)

from webapp import clock
from webapp.access import single_sign_on
from webapp.access.actor import Actor
from webapp.access.decide import require, require_fresh
from webapp.access.facts import MemberFacts, facts_of_user
from webapp.access.roles import Scope
from webapp.db import Id, UtcDateTime, changes_one_row, db
from webapp.errors import LastOwner, NotFound
from webapp.models import (
    EmailAddress,
    Enforcement,
    FormerIdentity,
    Identity,
    IdentityProvider,
    Member,
    Organization,
    Session,
    SessionIdentity,
    User,
)
from webapp.services import accounts, attempts, audit, managed, members
from webapp.services.attempts import DAY, Limit
from webapp.services.audit import Event
from webapp.services.sso import connections, issuers, mappings
from webapp.services.sso.errors import (
    AddressUnproven,
    IdentityTaken,
    LastLinkedOwner,
    LastWayIn,
    SecondIdentity,
)
from webapp.services.tokens import digest

Kept = TypeVar("Kept", Identity, FormerIdentity)

LETTERS_A_DAY = 20
REFUSALS_TOLD_A_DAY = 3
# How each letter about a link is counted: whoever tries in vain must not keep the next letter from leaving.
COUNTED_AS = {
    "sso_linked": ("letters", LETTERS_A_DAY),
    "sso_unlinked": ("letters", LETTERS_A_DAY),
    "sso_link_refused": ("refusals-told", REFUSALS_TOLD_A_DAY),
}
REFRESHED_EVERY = DAY


@dataclass(frozen=True)
class Said:
    """What a provider says of somebody; it counts in its own organization alone.

    The subject is what they are known by, byte for byte. `groups` is None where the provider does not speak of groups.
    `texts` are all claims that are texts, by name: mappings look at them, and none is kept. `learned` are options for
    the connection, once it is proven. `authenticated_at` is when they last proved themselves there, as far as is known,
    and `says_when` whether its kind can say that.
    """

    subject: str
    email: str | None = None
    email_verified: bool = False
    name: str | None = None
    groups: Sequence[str] | None = None
    refresh_token: str | None = field(default=None, repr=False)
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    learned: Mapping[str, str] = field(default_factory=dict)
    authenticated_at: datetime | None = None
    says_when: bool = True

    def claims(self) -> Mapping[str, Any]:
        """Return what is kept of it."""
        groups = None if self.groups is None else list(self.groups)
        return {"email": self.email, "email_verified": self.email_verified, "name": self.name, mappings.GROUPS: groups}


@dataclass(frozen=True)
class Known:
    """An identity with its user, and their membership where they have one."""

    identity: Identity
    user: User
    member: Member | None


_KNOWN = (
    select(Identity, User, Member)
    .join(User, User.id == Identity.user_id)
    .outerjoin(Member, and_(Member.user_id == User.id, Member.organization_id == Identity.organization_id))
    .where(Identity.provider_id == bindparam("provider_id"), Identity.subject == bindparam("subject"))
)


def known(provider: IdentityProvider, subject: str) -> Known | None:
    """Return whom a provider knows by a subject. Nobody is ever looked for by anything else."""
    row = db.session.execute(_KNOWN, {"provider_id": provider.id, "subject": subject}).one_or_none()
    return Known(*row) if row else None


_HOLDERS = union_all(
    *(
        select(
            model.user_id,
            IdentityProvider.id,
            IdentityProvider.kind,
            IdentityProvider.issuer,
            IdentityProvider.known_issuer,
            is_released.label("is_released"),
        )
        .join(IdentityProvider, IdentityProvider.id == model.provider_id)
        .where(IdentityProvider.organization_id == bindparam("organization_id"), model.subject == bindparam("subject"))
        for model, is_released in ((Identity, false()), (FormerIdentity, FormerIdentity.released_at.is_not(None)))
    )
)
_WAS_NAMED = select(
    or_(
        *(
            exists().where(
                model.organization_id == bindparam("organization_id"),
                model.user_id == EmailAddress.user_id,
                EmailAddress.canonical == bindparam("canonical"),
            )
            for model in (Identity, FormerIdentity)
        )
    )
)


def was_known(provider: IdentityProvider, subject: str) -> bool:
    """Tell whether a subject is or was somebody's at a connection, or at an earlier one to the same provider."""
    return bool(_rows_with(provider, subject))


def _holders(provider: IdentityProvider, subject: str) -> set[int]:
    """Return the ids of those to whom alone a subject may be linked: whose it is, or was and has not been released."""
    return {row.user_id for row in _rows_with(provider, subject) if not row.is_released}


def _rows_with(provider: IdentityProvider, subject: str) -> list[Row[*tuple[Any, ...]]]:
    """Return whose a subject is or was, at a connection or at an earlier one to the same provider."""
    found = db.session.execute(_HOLDERS, {"organization_id": provider.organization_id, "subject": subject})
    return [row for row in found.all() if row.id == provider.id or issuers.is_same(row, provider)]


def was_named(organization: Organization, canonical: str) -> bool:
    """Tell whether an address, proven or not, is of somebody linked, now or before, at any of its connections."""
    return bool(db.session.scalar(_WAS_NAMED, {"organization_id": organization.id, "canonical": canonical}))


def of_user(provider: IdentityProvider, user_id: int) -> Identity | None:
    """Return the identity of a user at a provider."""
    theirs = select(Identity).where(Identity.provider_id == provider.id, Identity.user_id == user_id)
    return db.session.scalar(theirs)


def add(provider: IdentityProvider, user_id: int, said: Said) -> Identity:
    """Make an identity; the caller holds the organization's lock and has decided whose it is."""
    identity = Identity(
        organization_id=provider.organization_id,
        provider_id=provider.id,
        user_id=user_id,
        subject=said.subject,
        claims={},
    )
    db.session.add(identity)
    db.session.flush()
    verify(identity, said)
    return identity


def verify(identity: Identity, said: Said) -> None:
    """Note that the provider has just vouched for somebody, what it says of them now, and when it is asked again."""
    now = clock.now()
    identity.claims = dict(said.claims())
    identity.last_verified_at, identity.invalid_since = now, None
    keep_token(identity, said)


def keep_token(identity: Identity, said: Said) -> None:
    """Keep what to ask the provider with next, and when."""
    if said.refresh_token is not None:
        identity.refresh_token = db.vault.seal(connections.seal_name(identity), said.refresh_token)
    identity.next_refresh_at = clock.now() + REFRESHED_EVERY if identity.refresh_token else None


def note_session(token: str, identity: Identity, said: Said) -> None:
    """Note that the session with this token came through an identity just now; the caller holds the lock.

    What is noted of several tabs is the latest moment at which they proved themselves, whichever comes back last.

    Args:
        token: of the session.
        identity: through which it came.
        said: what the provider says, such as when the person proved themselves there; its clock may be ahead of ours.
    """
    of_session = Session.token_hash == digest(token)
    session_id = select(Session.id).where(of_session)
    now = clock.now()
    proven_at = _proven_at(said, select(Session.created_at).where(of_session).scalar_subquery())
    here = (SessionIdentity.session_id == session_id.scalar_subquery(), SessionIdentity.identity_id == identity.id)
    noted_at = SessionIdentity.authenticated_at
    later = case((noted_at > proven_at, noted_at), else_=func.coalesce(proven_at, noted_at))
    if not changes_one_row(update(SessionIdentity).where(*here).values(verified_at=now, authenticated_at=later)):
        row = session_id.add_columns(literal(identity.id, Id), literal(now, UtcDateTime()), proven_at)
        columns = ["session_id", "identity_id", "verified_at", "authenticated_at"]
        db.session.execute(insert(SessionIdentity).from_select(columns, row))


def _proven_at(said: Said, began_at: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return when somebody last proved themselves, as far as is known: there, or here where its kind cannot say that.

    Args:
        said: what the provider says.
        began_at: when their session began.
    """
    if not said.says_when:
        return began_at
    return literal(min(said.authenticated_at, clock.now()) if said.authenticated_at else None, UtcDateTime())


_WHO: tuple[Any, ...] = (bindparam("organization_id"), bindparam("user_id"), bindparam("session_id"))
_IS_WAY_INTO = select(single_sign_on.is_way_into(*_WHO))
_WAS_WAY_INTO = select(single_sign_on.was_way_into(*_WHO))


def is_way_into(organization: Organization, session_id: int, user_id: int) -> bool:
    """Tell whether a session came through the organization's provider, as the user it is of, and that still counts."""
    by = {"session_id": session_id, "organization_id": organization.id, "user_id": user_id}
    return bool(db.session.scalar(_IS_WAY_INTO, by))


def was_way_into(organization: Organization, session_id: int, user_id: int) -> bool:
    """Tell whether a session ever came through the organization's provider, as the user it is of."""
    by = {"session_id": session_id, "organization_id": organization.id, "user_id": user_id}
    return bool(db.session.scalar(_WAS_WAY_INTO, by))


def member_facts(provider_id: int, subject: str) -> MemberFacts | None:
    """Return what plug-ins are told of the active member whom a provider knows by a subject, if there is one."""
    found = db.session.execute(_KNOWN, {"provider_id": provider_id, "subject": subject}).one_or_none()
    return facts_of_user(found.Identity.organization_id, found.User.id) if found else None


def link(
    actor: Actor,
    organization: Organization,
    provider: IdentityProvider,
    said: Said,
    early: managed.Answer | None = None,
) -> Identity:
    """Link the actor, and nobody else, to whom the provider has just named.

    Args:
        actor: who is signed in.
        organization: whose member they are.
        provider: who vouches.
        said: what it says.
        early: what plug-ins said of the actor's membership before.

    Raises:
        NotFound, Forbidden: the actor is no active member.
        SignInAgain: they have not just signed in.
        AddressUnproven: their address is not verified.
        IdentityTaken: it is somebody else's, or was before they unlinked it themselves; see `tell_refused`.
        SecondIdentity: they are linked to another one there; see `tell_refused`.
    """
    require(actor, Scope.ORG_READ, organization)
    require_fresh(actor)
    user = accounts.by_id(actor.user_id or 0)
    if accounts.primary_address(user.id).verified_at is None:
        raise AddressUnproven
    mine = of_user(provider, user.id)
    is_known = mine is not None and mine.subject == said.subject
    if not is_known and _others_with(provider, said.subject, user.id):
        raise IdentityTaken
    if mine is not None and not is_known:
        raise SecondIdentity
    is_first = mine is None
    if mine is None:
        mine = _link(actor, organization, provider, user, said)
    verify(mine, said)
    managed.sync_member(organization, _membership(actor), early)
    mappings.sync(organization, provider, _membership(actor), said.texts, is_first=is_first)
    return mine


def _others_with(provider: IdentityProvider, subject: str, user_id: int) -> Sequence[User]:
    """Return those but for one user to whom alone a subject may be linked; see `_holders`."""
    others = _holders(provider, subject) - {user_id}
    return db.session.scalars(select(User).where(User.id.in_(others))).all() if others else []


def unlink(actor: Actor, organization: Organization, provider: IdentityProvider) -> None:
    """Take the actor's link to a provider away; sessions that came through it no longer count as such.

    They leave the access groups that it filled: it says nothing of them any more.

    Raises:
        NotFound, Forbidden: the actor is no active member, or is not linked.
        SignInAgain: they have not just signed in.
        LastWayIn: they could not sign in any more.
        LastLinkedOwner: single sign-on is required, and no other owner could come in.
    """
    require(actor, Scope.ORG_READ, organization)
    require_fresh(actor)
    user = accounts.by_id(actor.user_id or 0)
    identity = of_user(provider, user.id)
    if identity is None:
        raise NotFound
    if not has_other_way_in(user):
        raise LastWayIn
    require_other_linked_owner(provider, _membership(actor))
    _keep_as_former(identity)
    db.session.execute(delete(Identity).where(Identity.id == identity.id))
    mappings.forget(actor, organization, _membership(actor))
    _record(actor, Event.SSO_UNLINKED, organization, provider)
    _tell(user, "sso_unlinked", organization, provider)


def is_last_linked_owner(actor: Actor, provider: IdentityProvider) -> bool:
    """Tell whether the actor, a member, may not unlink because no other owner could come in."""
    try:
        require_other_linked_owner(provider, _membership(actor))
    except LastLinkedOwner:
        return True
    return False


def release(provider: IdentityProvider, identity: Identity) -> None:
    """Take an identity away that is not the user's; from then on it links to whoever it really belongs to.

    What else says that the subject is or was theirs, at earlier connections to the same provider, goes the same way.
    That it was somebody's is kept: by the policy alone nobody joins by it (`was_known`).
    """
    links = _alike(Identity, provider, identity)
    for link in links:
        _keep_as_former(link)
    db.session.execute(delete(Identity).where(Identity.id.in_([link.id for link in links])))
    for former in _alike(FormerIdentity, provider, identity):
        former.released_at = clock.now()
    db.session.flush()


def _alike(model: type[Kept], provider: IdentityProvider, identity: Identity) -> list[Kept]:
    """Return the rows by which the subject of an identity is or was its user's, at whatever connection that knows it.

    Args:
        model: which rows.
        provider: the connection of the identity; others know the subject where they lead to the same provider.
        identity: whose subject and user they have.
    """
    found = (
        select(model, IdentityProvider)
        .join(IdentityProvider, IdentityProvider.id == model.provider_id)
        .where(model.organization_id == identity.organization_id)
        .where(model.subject == identity.subject, model.user_id == identity.user_id)
    )
    rows = db.session.execute(found).all()
    return [kept for kept, at in rows if at.id == provider.id or issuers.is_same(at, provider)]


def _keep_as_former(identity: Identity) -> None:
    """Keep whose an identity was, once for each, and that nobody has released it; see `was_known`."""
    of_provider = {"organization_id": identity.organization_id, "provider_id": identity.provider_id}
    theirs = {"subject": identity.subject, "user_id": identity.user_id}
    db.session.merge(FormerIdentity(**of_provider, **theirs, released_at=None))


def require_other_linked_owner(provider: IdentityProvider, member: Member) -> None:
    """Go on unless single sign-on is required and nobody but this member could come in as an owner.

    Raises:
        LastLinkedOwner: so it is.
    """
    if keeps_an_owner(provider):
        try:
            members.require_other_owner(member)
        except LastOwner as refusal:
            raise LastLinkedOwner from refusal


def keeps_an_owner(provider: IdentityProvider) -> bool:
    """Tell whether an owner who is linked must stay, as single sign-on is required now or once a bypass ends."""
    return provider.enforcement is Enforcement.REQUIRED and provider.rehearsed_since is None


def has_other_way_in(user: User) -> bool:
    """Tell whether somebody can sign in with a password: they have one, and a verified address to go with it."""
    return user.password_hash is not None and accounts.primary_address(user.id).verified_at is not None


def tell_refused(organization: Organization, provider: IdentityProvider, user_id: int, subject: str) -> None:
    """Tell who tried in vain to link a subject, and whoever it belongs to, if it is not one more of their own."""
    others = [(user, True) for user in _others_with(provider, subject, user_id)]
    for user, is_theirs in ((accounts.by_id(user_id), False), *others):
        if user.is_active:
            _tell(user, "sso_link_refused", organization, provider, is_theirs=is_theirs, is_second=not others)


def _link(actor: Actor, organization: Organization, provider: IdentityProvider, user: User, said: Said) -> Identity:
    identity = add(provider, user.id, said)
    _record(actor, Event.SSO_LINKED, organization, provider)
    _tell(user, "sso_linked", organization, provider)
    return identity


def _record(actor: Actor, event: Event, organization: Organization, provider: IdentityProvider) -> None:
    member = _membership(actor)
    target = members.target_of(member, accounts.by_id(member.user_id))
    audit.record(actor, event, target, organization=organization, after={"provider": connections.host_of(provider)})


def _membership(actor: Actor) -> Member:
    if actor.member is None:
        raise NotFound
    return actor.member


def _tell(user: User, kind: str, organization: Organization, provider: IdentityProvider, **more: bool) -> None:
    """Queue a letter, so many a day for one person about one organization; see `COUNTED_AS`."""
    name, most = COUNTED_AS[kind]
    if attempts.count([Limit(f"sso:{name}:{organization.id}:{user.id}", most, DAY)]):
        return
    said = {"organization": organization.name, "slug": organization.slug, "provider": connections.host_of(provider)}
    accounts.tell(user, kind, **said, **more)
