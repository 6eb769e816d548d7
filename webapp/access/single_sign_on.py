"""Single sign-on that is required: whom the provider of their organization does not vouch for, and which sessions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Exists, FunctionElement, and_, exists, literal_column, not_, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql.compiler import SQLCompiler

from webapp.db import NOW, UtcDateTime
from webapp.models import (
    Enforcement,
    Identity,
    IdentityProvider,
    Member,
    ProviderStatus,
    Role,
    SessionIdentity,
    SessionRecovery,
)

# Spelled out, not bound: SQLite plans a statement anew for each value that decides whether a partial index will do.
_IN_USE: Any = literal_column(f"'{ProviderStatus.ACTIVE}'")
_REQUIRED: Any = literal_column(f"'{Enforcement.REQUIRED}'")


class DaysBefore(FunctionElement[datetime]):
    """A moment some days before another."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(DaysBefore, "sqlite")
def _as_stored(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    """Return it as SQLite holds moments: as text, which is compared letter by letter."""
    moment, days = (compiler.process(part, **options) for part in element.clauses)
    return f"strftime('%Y-%m-%d %H:%M:%f000', {moment}, '-' || {days} || ' days')"


@compiles(DaysBefore, "postgresql")
def _by_interval(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    moment, days = (compiler.process(part, **options) for part in element.clauses)
    return f"({moment} - make_interval(days => {days}))"


def lacks_identity(member: Any) -> ColumnElement[bool]:
    """Return the condition that the organization of a member requires an identity that they have not.

    Where nothing is required, nothing of the member is looked at. A recovery code stands in for the identity.
    """
    provider, let_in = aliased(IdentityProvider), aliased(SessionRecovery)
    vouched_for = vouches_for(provider, member).correlate(provider, member)
    by_code = _let_in_by_code(let_in, member).correlate(member)
    return requires(provider, member.organization_id).where(not_(vouched_for), not_(by_code)).correlate(member)


def vouches_for(provider: Any, member: Any) -> Exists:
    """Return the condition that a provider vouches for a member, not longer ago than its policy allows."""
    identity = aliased(Identity)
    return is_linked(provider.id, member.user_id, identity).where(is_recent(identity.last_verified_at, provider))


def would_be_locked_out(member: Any) -> ColumnElement[bool]:
    """Return the condition that a member has no identity, though their organization wants one now or from some day."""
    provider = aliased(IdentityProvider)
    linked = is_linked(provider.id, member.user_id, aliased(Identity)).correlate(provider, member)
    return _wants(provider, member.organization_id).where(not_(linked)).correlate(member)


def is_linked(provider_id: Any, user_id: Any, identity: Any = Identity) -> Exists:
    """Return the condition that a user is linked with a provider, which has not taken its word back since."""
    return exists().where(
        identity.provider_id == provider_id, identity.user_id == user_id, identity.invalid_since.is_(None)
    )


def came_otherwise(member: Any, session_id: Any) -> ColumnElement[bool]:
    """Return the condition that a member's organization requires its provider, and a session did not come through it.

    It did where it came through an identity of the member that counts, and the provider has vouched for them since not
    longer ago than the policy allows: by letting them in there, or when it was asked about them later. A recovery code
    stands in for that.
    """
    provider, let_in = aliased(IdentityProvider), aliased(SessionRecovery)
    through_it = _came_through(provider, member, session_id)
    by_code = _let_in_by_code(let_in, member).where(let_in.session_id == session_id).correlate(member)
    return requires(provider, member.organization_id).where(not_(through_it), not_(by_code)).correlate(member)


def would_be_refused(member: Any, session_id: Any) -> ColumnElement[bool]:
    """Return the condition that a session would not open a member's organization, if its rehearsal were in earnest."""
    provider = aliased(IdentityProvider)
    through_it = _came_through(provider, member, session_id)
    is_rehearsed = _wants(provider, member.organization_id).where(provider.rehearsed_since.is_not(None))
    return is_rehearsed.where(not_(through_it)).correlate(member)


def is_way_into(organization_id: Any, user_id: Any, session_id: Any) -> Exists:
    """Return the condition that a session came through the provider of an organization, as the user it is of.

    It did not longer ago than the policy allows, or the provider has vouched for them since, or a recovery code stands
    in for that: also where single sign-on is not required, a provider's word does not count longer than it does there.
    """
    provider, identity, came = aliased(IdentityProvider), aliased(Identity), aliased(SessionIdentity)
    member, let_in = aliased(Member), aliased(SessionRecovery)
    by_code = _let_in_by_code(let_in, member).where(let_in.session_id == session_id)
    by_code = by_code.where(
        member.organization_id == identity.organization_id, member.user_id == identity.user_id
    ).correlate(identity)
    counts = or_(is_recent(came.verified_at, provider), is_recent(identity.refreshed_at, provider), by_code)
    return _was_way_into(provider, identity, came, organization_id, user_id, session_id).where(counts)


def was_way_into(organization_id: Any, user_id: Any, session_id: Any) -> Exists:
    """Return the condition of `is_way_into`, however long ago it was: such a session knows where it belongs."""
    tables = aliased(IdentityProvider), aliased(Identity), aliased(SessionIdentity)
    return _was_way_into(*tables, organization_id, user_id, session_id)


def _was_way_into(
    provider: Any, identity: Any, came: Any, organization_id: Any, user_id: Any, session_id: Any
) -> Exists:
    return (
        exists()
        .where(came.session_id == session_id, identity.id == came.identity_id)
        .where(identity.organization_id == organization_id, identity.user_id == user_id)
        .where(identity.invalid_since.is_(None), provider.id == identity.provider_id, is_in_use(provider))
    )


def requires(provider: Any, organization_id: Any) -> Exists:
    """Return the condition that a provider is the one through which people of an organization have to come by now.

    A rehearsal requires nothing, also after its last day: only the worker ends it, once it has looked for an owner
    who can come in.
    """
    has_begun = or_(provider.required_from.is_(None), provider.required_from <= NOW)
    return _wants(provider, organization_id).where(provider.rehearsed_since.is_(None), has_begun)


def is_connection_of(provider: Any, organization_id: Any) -> ColumnElement[bool]:
    """Return the condition that a provider is the connection in use of an organization."""
    return and_(provider.organization_id == organization_id, is_in_use(provider))


def is_in_use(provider: Any) -> ColumnElement[bool]:
    """Return the condition that a provider is the connection in use of its organization."""
    in_use: ColumnElement[bool] = provider.status == _IN_USE
    return in_use


def _came_through(provider: Any, member: Any, session_id: Any) -> Exists:
    """Return the condition that a session counts as having come through a provider, as a member."""
    identity, came = aliased(Identity), aliased(SessionIdentity)
    return (
        exists()
        .where(came.session_id == session_id, identity.id == came.identity_id)
        .where(identity.provider_id == provider.id, identity.user_id == member.user_id)
        .where(identity.invalid_since.is_(None))
        .where(or_(is_recent(came.verified_at, provider), is_recent(identity.refreshed_at, provider)))
        .correlate(provider, member)
    )


def _let_in_by_code(let_in: Any, member: Any) -> Exists:
    """Return the condition that a recovery code has let in to the organization of a member, and does so yet.

    Codes are for owners: whoever is none any more is in by none.
    """
    theirs = (let_in.organization_id == member.organization_id, let_in.user_id == member.user_id)
    return exists().where(*theirs, let_in.until > NOW, member.role == Role.OWNER)


def _wants(provider: Any, organization_id: Any) -> Exists:
    return exists().where(is_connection_of(provider, organization_id), provider.enforcement == _REQUIRED)


def is_recent(verified_at: Any, provider: Any) -> ColumnElement[bool]:
    """Return the condition that a verification is not older than the policy of a provider allows."""
    recent: ColumnElement[bool] = verified_at >= DaysBefore(NOW, provider.verification_days)
    return recent
