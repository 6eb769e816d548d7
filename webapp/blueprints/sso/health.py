"""Whether the connection in use works: what the last check found, in words for an owner, and checking now."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from flask import Response, flash, url_for
from flask_babel import gettext as _

from webapp.access.roles import Scope
from webapp.blueprints.sso import bp
from webapp.errors import N_
from webapp.http import sso, uow
from webapp.http.htmx import go
from webapp.http.rules import access
from webapp.models import IdentityProvider, Organization
from webapp.providers.connected import outcome_of_probe
from webapp.providers.errors import Reason
from webapp.providers.words import WORDS
from webapp.services import attempts
from webapp.services.attempts import Limit
from webapp.services.sso import connections, health
from webapp.services.sso.connections import Connected
from webapp.services.sso.health import Outcome

MOST_CHECKS = 10


@dataclass(frozen=True)
class Trouble:
    """A way in which a connection does not work: what it is, and what to do."""

    what: str
    advice: str


SILENT: Final = Trouble(
    N_("Your provider does not answer"),
    N_("Nobody can sign in through it until it does; whoever is signed in stays. Ask whoever runs it."),
)
SAYS_NO: Final = Trouble(
    N_("Your provider says no"),
    N_("Nobody can sign in through it at present. Ask whoever runs it what it refuses."),
)
SET_UP_WRONGLY: Final = Trouble(
    N_("The connection is set up wrongly"),
    N_("Nobody can sign in through it until that is mended at your provider, or the connection is set up anew."),
)
NOT_BELIEVED: Final = Trouble(
    N_("What your provider answers cannot be trusted"),
    N_("Nobody can sign in through it until that is mended at your provider. Ask whoever runs it."),
)
# Those that are missing are about what is set up.
TROUBLES: Final[Mapping[str, Trouble]] = {
    **dict.fromkeys((Reason.UNREACHABLE, Reason.TIMEOUT, Reason.FAILING, Reason.BUSY), SILENT),
    **dict.fromkeys((Reason.DENIED, Reason.EXPIRED, Reason.NOT_IN_ORGANIZATION), SAYS_NO),
    **dict.fromkeys((Reason.TOO_LARGE, Reason.NOT_JSON, Reason.KEYS, Reason.USERINFO), NOT_BELIEVED),
}


@dataclass(frozen=True)
class Health:
    """What the last check of a connection found; `trouble` is None where it works, `words` say why it does not."""

    checked_at: datetime | None
    trouble: Trouble | None
    words: str


def health_of(provider: IdentityProvider) -> Health:
    """Return what pages say of it."""
    problem = provider.probe_problem
    if problem is None:
        return Health(provider.probed_at, None, "")
    words = next((words for reason, words in WORDS.items() if reason == problem), "")
    return Health(provider.probed_at, TROUBLES.get(problem, SET_UP_WRONGLY), words)


def _question(organization: Organization) -> Callable[[], tuple[Connected, Outcome]]:
    """Return how to look whether the connection in use works."""
    connected, limit = connections.connected(connections.require_active(organization)), _limit(organization.id)
    return partial(_looked_at, connected, limit)


def _limit(organization_id: int) -> Limit:
    return Limit(f"sso:checks:{organization_id}", MOST_CHECKS)


def _looked_at(connected: Connected, limit: Limit) -> tuple[Connected, Outcome]:
    if refusal := uow.write(attempts.count, [limit]):
        raise refusal
    return connected, outcome_of_probe(connected, sso.surroundings())


@bp.post("/orgs/<org>/sso/check")
@access(Scope.SSO_ADMIN, asks=_question)
def check_now(organization: Organization, told: tuple[Connected, Outcome]) -> Response:
    """Look at once whether the connection in use works, at most ten times in 15 minutes."""
    connected, outcome = told
    health.note(connected, outcome)
    if not outcome.was_asked:
        flash(_("Your provider was not asked: too many wait for an answer already. Try again in a minute."), "warning")
    elif outcome.problem is None:
        flash(_("Your provider answers, and has what signing in needs."), "success")
    else:
        flash(_("Signing in does not work at present. The page says why."), "warning")
    return go(url_for("sso.show", org=organization.slug))
