"""Sending many invitations again, or revoking them: chosen one by one, or all that match a filter."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.roles import Scope
from webapp.blueprints.members import bp
from webapp.errors import N_, DomainError, NotFound, SignInAgain, TooManyAtOnce
from webapp.http import typed
from webapp.http.choices import back_to_list, chosen_on_list, list_at_hand
from webapp.http.confirmations import ConfirmForm, Question, confirmation
from webapp.http.htmx import go, respond
from webapp.http.reasons import OF_INVITATIONS
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import Invitation, Organization
from webapp.queries.invitations import listed_among, pending_of, state_named
from webapp.services import invitation_bulk as service
from webapp.services.bulk import MOST_AT_ONCE
from webapp.services.invitation_bulk import InvitationAction

FILTERS = ("q", "state")


@dataclass(frozen=True)
class Plan:
    """Which invitations something is done with, and which are left out, by address, with a sentence.

    `gone` is how many of those chosen are not on the tab any more; nobody learns which addresses these had. `is_old`
    says that some are left out because it is too long ago that whoever asks has signed in.
    """

    able: Sequence[Invitation]
    left_out: Sequence[tuple[str, str]]
    gone: int
    is_old: bool

    @property
    def ended(self) -> int:
        """How many have expired or were declined."""
        now = clock.now()
        return sum(not invitation.is_open(now) for invitation in self.able)

    def described(self) -> str:
        """Return everything the page says, and when each was sent last: another letter since is another world."""
        return repr(([(one.id, one.created_at) for one in self.able], self.ended, self.left_out, self.gone))


@bp.route("/orgs/<org>/members/pending/bulk", methods=["GET", "POST"])
@access(Scope.MEMBER_INVITE, previews=True)
def pending_bulk(organization: Organization) -> Response:
    """Say who gets a letter or whose link dies, and who is left out; then do it."""
    here = url_for("members.pending", org=organization.slug)
    if request.method != "POST" and "action" not in request.args:
        return go(here)
    actor, action, numbers, form = current_actor(), _action(), _numbers(organization), ConfirmForm()
    plan = _plan(actor, organization, numbers, action)
    if not plan.able and not plan.left_out:
        return respond("members/pending_bulk.html", {"panel": "members/_pending_bulk_none.html"}, status=422)
    question = Question(f"{action} {organization.invitation_lifetime_days} {plan.described()}")
    if not plan.able or not question.is_confirmed(form):
        ids = [("ids", str(number)) for number in numbers]
        carried = [("action", action.value), *list_at_hand(FILTERS), *ids]
        fragment = "members/_pending_bulk.html"
        again_at = typed.way_back_to(carried) if plan.is_old else None
        said = {"plan": plan, "what": action, "again_at": again_at, "back": back_to_list(here, FILTERS)}
        return confirmation(fragment, form, preview=question, carried=carried, **said)
    service.apply(actor, organization, plan.able, action)
    done = {
        InvitationAction.RESEND: ngettext(
            "%(num)s letter is on its way.", "%(num)s letters are on their way.", len(plan.able)
        ),
        InvitationAction.REVOKE: ngettext(
            "%(num)s invitation is revoked.", "%(num)s invitations are revoked.", len(plan.able)
        ),
    }
    flash(done[action], "success")
    return go(here)


def _action() -> InvitationAction:
    try:
        return InvitationAction(request.values.get("action", ""))
    except ValueError as error:
        raise NotFound(N_("There is no such action. Go back to the pending invitations.")) from error


def _numbers(organization: Organization) -> Sequence[int]:
    def matching() -> list[int]:
        q, state = request.values.get("q", ""), state_named(request.values.get("state", ""))
        return [row.id for row in pending_of(organization, q=q, state=state, after="", rows=MOST_AT_ONCE + 1).rows]

    sentence = N_("At most %(most)s invitations can be changed at once. Narrow the list, or choose some of them.")
    return chosen_on_list(matching, MOST_AT_ONCE, TooManyAtOnce(sentence, most=MOST_AT_ONCE))


def _plan(actor: Actor, organization: Organization, numbers: Sequence[int], action: InvitationAction) -> Plan:
    chosen = listed_among(organization, numbers)
    refused = service.refusals(actor, organization, chosen, action)
    left_out = [(one.email, _why(refused[one.id])) for one in chosen if one.id in refused]
    able = [invitation for invitation in chosen if invitation.id not in refused]
    is_old = any(isinstance(reason, SignInAgain) for reason in refused.values())
    return Plan(able, left_out, len(numbers) - len(chosen), is_old)


def _why(refused: DomainError) -> str:
    return str(_(OF_INVITATIONS[type(refused)], **refused.params))
