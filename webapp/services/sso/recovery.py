"""Recovery codes: owners come in by one when the provider that is required lets nobody in; each works once."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hmac import compare_digest

from sqlalchemy import ColumnElement, delete, exists, func, select, update

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import require, require_fresh
from webapp.access.roles import Scope
from webapp.access.single_sign_on import is_connection_of
from webapp.db import changes_one_row, db
from webapp.errors import NotFound
from webapp.models import IdentityProvider, Organization, RecoveryCode, Role, SessionRecovery, ShownCodes
from webapp.services import audit
from webapp.services.attempts import require_few_a_day
from webapp.services.audit import Event
from webapp.services.sso import connections, letters
from webapp.services.sso.enforcement import is_required
from webapp.services.sso.errors import NothingRequired, OwnersOnly, WrongRecoveryCode
from webapp.services.tokens import digest

NUMBER = 10
LETS_IN_FOR = timedelta(minutes=30)
SHOWN_FOR = timedelta(minutes=5)
# Without letters that are read as others; 80 bits in all, which nobody tries out.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
GROUPS, GROUP_CHARACTERS = 4, 4
_READ_AS = str.maketrans("oil", "011", "- \t\r\n")


def make(actor: Actor, organization: Organization, session_id: int) -> list[str]:
    """Make new codes, and return them; those before work no more. Owners are told.

    They are kept, sealed, for the page that shows them in that session for a few minutes: see `new_in`.

    Raises:
        NotFound, Forbidden: the actor may not, or there is no provider in use.
        SignInAgain: they have not just signed in.
        OftenEnough: they made new ones too often today.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    require_fresh(actor)
    provider = connections.require_active(organization)
    require_few_a_day("recovery-codes", actor, organization)
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.organization_id == organization.id))
    codes = [_new_code() for _ in range(NUMBER)]
    db.session.add_all(RecoveryCode(organization_id=organization.id, code_hash=_hash(code)) for code in codes)
    db.session.flush()
    _put_by(organization, session_id, codes)
    target = connections.target_of(provider)
    audit.record(actor, Event.SSO_CODES_MADE, target, organization=organization, after={"codes_left": NUMBER})
    _tell_owners(actor, organization, provider, "made")
    return codes


def new_in(organization: Organization, session_id: int) -> list[str]:
    """Return the codes that were made in a session a moment ago and still work; none later, and none anywhere else."""
    waiting = (ShownCodes.organization_id == organization.id, ShownCodes.session_id == session_id)
    sealed = db.session.scalar(select(ShownCodes.codes).where(*waiting, ShownCodes.expires_at > clock.now()))
    codes = db.vault.open(_seal_name(organization.id, session_id), sealed).split() if sealed else []
    unused = set(db.session.scalars(select(RecoveryCode.code_hash).where(*_unused(organization)))) if codes else set()
    return [code for code in codes if _hash(code) in unused]


def _put_by(organization: Organization, session_id: int, codes: Sequence[str]) -> None:
    sealed = db.vault.seal(_seal_name(organization.id, session_id), " ".join(codes))
    of_session = {"organization_id": organization.id, "session_id": session_id}
    db.session.merge(ShownCodes(**of_session, codes=sealed, expires_at=clock.now() + SHOWN_FOR))
    db.session.flush()


def _seal_name(organization_id: int, session_id: int) -> str:
    return f"shown_codes:{session_id}:{organization_id}"


def left(organization: Organization) -> int:
    """Return how many codes of an organization still work.

    Raises:
        NotFound: there is no provider in use.
    """
    unused = select(func.count()).where(*_unused(organization)).scalar_subquery()
    row = db.session.execute(select(unused, exists().where(is_connection_of(IdentityProvider, organization.id)))).one()
    number, is_in_use = row
    if not is_in_use:
        raise NotFound
    return int(number)


def use(actor: Actor, organization: Organization, session_id: int, code: str) -> datetime:
    """Let an owner's session in for a while, and tell all owners; return until when. The code works no more.

    Attempts are counted before, in a transaction of their own. The caller holds the organization's lock.

    Raises:
        NotFound: the actor is no active member, or there is no provider in use.
        OwnersOnly: they are no owner.
        NothingRequired: nobody has to come through the provider at present.
        WrongRecoveryCode: it is none, or was used.
    """
    provider = require_use(actor, organization)
    if not _use_up(organization, code):
        raise WrongRecoveryCode
    until = clock.now() + LETS_IN_FOR
    of_session = {"session_id": session_id, "organization_id": organization.id, "user_id": actor.user_id}
    db.session.merge(SessionRecovery(**of_session, until=until))
    db.session.flush()
    number, target = left(organization), connections.target_of(provider)
    after = {"until": until.isoformat(), "codes_left": number}
    audit.record(actor, Event.SSO_CODE_USED, target, organization=organization, after=after)
    _tell_owners(actor, organization, provider, "used", until_at=until.isoformat(), codes_left=number)
    return until


def require_use(actor: Actor, organization: Organization) -> IdentityProvider:
    """Return the provider that somebody would come in without; see `use` for what is raised."""
    require(actor, Scope.ORG_READ, organization)
    if actor.member is None or actor.member.role is not Role.OWNER:
        raise OwnersOnly
    provider = connections.require_active(organization)
    if not is_required(provider):
        raise NothingRequired
    return provider


def _use_up(organization: Organization, code: str) -> bool:
    """Use a code up; of several at the same moment one does. Every code that is left is compared, whole."""
    wanted, found = _hash(code), 0
    for row in db.session.execute(select(RecoveryCode.id, RecoveryCode.code_hash).where(*_unused(organization))):
        found = row.id if compare_digest(row.code_hash, wanted) else found
    unused = update(RecoveryCode).where(RecoveryCode.id == found, *_unused(organization))
    return changes_one_row(unused.values(used_at=clock.now()))


def _unused(organization: Organization) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return RecoveryCode.organization_id == organization.id, RecoveryCode.used_at.is_(None)


def _new_code() -> str:
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_CHARACTERS)) for _ in range(GROUPS))
    return "-".join(groups)


def _hash(code: str) -> str:
    """Return what is kept of a code, however it was typed."""
    return digest(code.lower().translate(_READ_AS))


def _tell_owners(
    actor: Actor, organization: Organization, provider: IdentityProvider, what: str, **more: str | int
) -> None:
    names = {"actor": actor.name, "provider": connections.host_of(provider)}
    letters.tell_owners(organization, "sso_recovery", **names, what=what, **more)
