"""The unit of work: one transaction around the view, committed only with a good answer."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Response, session
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from webapp import db as database
from webapp.errors import (
    N_,
    AddressTaken,
    AlreadyInvited,
    AlreadyMember,
    Busy,
    Conflict,
    DomainError,
    DomainProvenElsewhere,
    SlugTaken,
)

T = TypeVar("T")

log = logging.getLogger(__name__)

# By the name PostgreSQL gives, and by the columns SQLite names instead.
CONSTRAINT_ERRORS: dict[str, Callable[[], DomainError]] = {
    "uq_email_address_verified": AddressTaken,
    "email_address.canonical": AddressTaken,
    "uq_member_organization_id_user_id": lambda: AlreadyMember(N_("You are a member already.")),
    "member.organization_id, member.user_id": lambda: AlreadyMember(N_("You are a member already.")),
    "uq_organization_slug": SlugTaken,
    "organization.slug": SlugTaken,
    "uq_invitation_open": AlreadyInvited,
    "invitation.organization_id, invitation.canonical": AlreadyInvited,
    "uq_sso_domain_proven": DomainProvenElsewhere,
    "sso_domain.domain": DomainProvenElsewhere,
}


class _RolledBack(Exception):
    """Carries an answer out of a transaction that must not be committed."""

    def __init__(self, response: Response) -> None:
        self.response = response


def run(view: Callable[[], Response], *, write: bool, keep: bool = True) -> Response:
    """Run a view in one transaction and commit it when the answer is below 400, and is to be kept.

    When the view fails or its commit does, what it put into the cookie goes too, so that no notice speaks of it.

    Raises:
        DomainError: the view's; or what a constraint, a busy database or a clash with somebody else comes to.
    """
    before = dict(session)

    def attempt() -> Response:
        _restore(before)
        response = view()
        if response.status_code >= 400:
            raise _RolledBack(response)
        return response

    try:
        return _perform(attempt, write=write, keep=keep)
    except _RolledBack as rolled_back:
        return rolled_back.response
    except BaseException:
        _restore(before)
        raise


def write(step: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run one step in a writing transaction of its own, for views that declare `own_transactions`.

    Raises:
        DomainError: the step's; or what a constraint, a busy database or a clash with somebody else comes to.
    """
    return _perform(lambda: step(*args, **kwargs), write=True)


def read(step: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run one step in a reading transaction of its own, for views that declare `own_transactions`.

    Raises:
        DomainError: the step's; or Busy when the database does not answer in time.
    """
    return _perform(lambda: step(*args, **kwargs), write=False)


def note(step: Callable[..., object], *args: Any) -> None:
    """Write something beside the request, tried once: when the database is busy the log says so, not the page."""
    try:
        _perform(lambda: step(*args), write=True, tries=1)
    except DomainError as error:
        log.warning("not noted: %s", error)


def _perform(step: Callable[[], T], *, write: bool, keep: bool = True, tries: int = database.MAX_TRIES) -> T:
    try:
        return database.perform(step, write=write, keep=keep, tries=tries)
    except IntegrityError as error:
        raise _domain_error(error) from error
    except PoolTimeoutError as error:
        log.warning("every database connection is in use")
        raise Busy from error
    except DBAPIError as error:
        if database.is_transient(error) or database.is_out_of_reach(error):
            log.warning("the database is busy or out of reach: %s", error.orig)
            raise Busy from error
        raise


def _domain_error(error: IntegrityError) -> DomainError:
    diagnosis = getattr(error.orig, "diag", None)
    name = diagnosis.constraint_name if diagnosis else str(error.orig).rpartition(": ")[2]
    return CONSTRAINT_ERRORS.get(name or "", Conflict)()


def _restore(before: dict[str, Any]) -> None:
    if dict(session) != before:
        session.clear()
        session.update(before)
