"""Changing many members at once: chosen one by one, or all that match a filter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.access.actor import Actor
from webapp.access.decide import grantable_roles
from webapp.access.impact import Affected
from webapp.access.roles import Scope
from webapp.blueprints.members import bp
from webapp.blueprints.members.filters import FILTERS, wanted_of_request
from webapp.blueprints.members.forms import AS_IT_IS, ManyForm
from webapp.blueprints.members.membership import EVENTS_OF_CHANGES
from webapp.errors import N_, DomainError, NotFound, TooManyAtOnce
from webapp.http import typed
from webapp.http.choices import CHOSEN, EVERYTHING, back_to_list, chosen_on_list, list_at_hand, numbers_of
from webapp.http.confirmations import ConfirmForm, Preview, confirmation
from webapp.http.htmx import go, respond
from webapp.http.notices import say_with_link
from webapp.http.problems import translated
from webapp.http.reasons import REFUSED
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import Member, Organization, Role
from webapp.queries.choices import teams_to_choose
from webapp.queries.members import members_of
from webapp.queries.people import choices_among, members_among
from webapp.services import bulk as service
from webapp.services import restriction
from webapp.services.audit import Event
from webapp.services.bulk import MOST_AT_ONCE, ManyChange, MemberAction
from webapp.services.restriction import How, Wish

REACHES = {EVERYTHING: True, CHOSEN: False, AS_IT_IS: None}
EVENTS = (*EVENTS_OF_CHANGES, Event.MEMBER_SUSPENDED, Event.MEMBER_RESTORED, Event.MEMBER_REMOVED)


@dataclass(frozen=True)
class Plan:
    """Whom a change is made of, and who is left out, by name, with the reason."""

    members: Sequence[Member]
    names: Sequence[str]
    left_out: Sequence[tuple[str, str]]


@bp.route("/orgs/<org>/members/bulk", methods=["GET", "POST"])
@access(Scope.MEMBER_WRITE, previews=True)
def bulk(organization: Organization) -> Response:
    """Ask what shall change and whom of, say who loses what and who is left out, then do it."""
    if request.method != "POST" and "action" not in request.args:
        return go(url_for("members.index", org=organization.slug))
    action, people, roles = _action(), _people(organization), grantable_roles(current_actor())
    form = ManyForm(roles, [(team.id, team.name) for team in teams_to_choose(organization)])
    change = _change(organization, action, roles)
    if change is None or not people:
        said = {"form": form, "action": action, "people": people, "chosen": _chosen(), "back": _back(organization)}
        return respond("members/bulk.html", {"panel": "members/_bulk_choose.html"}, status=_status(people), **said)
    return _ask_or_apply(organization, people, change, dict(form.teams.choices))


def _ask_or_apply(
    organization: Organization, people: Sequence[Member], change: ManyChange, teams: Mapping[int, str]
) -> Response:
    actor, confirm = current_actor(), ConfirmForm()
    plan = _plan(actor, organization, people, change)
    affected = Affected(organization.id, [member.id for member in plan.members])
    preview = Preview(lambda: service.rehearse(plan.members, change), affected, repr(change))
    preview.refusal = service.refusal_of_all(actor, plan.members, change)
    if not plan.members or preview.refusal or not preview.is_confirmed(confirm):
        names = [name for number, name in teams.items() if number in change.wish.teams]
        carried = _carried(people)
        said = {"plan": plan, "action": change.action, "change": change, "team_names": names}
        said["becomes_owner"] = change.role is Role.OWNER
        said |= {"again_at": typed.way_back_to(carried), "back": _back(organization)}
        said["is_gentle"] = _takes_nothing(plan, change) and not preview.impact.takes_away
        return confirmation("members/_bulk.html", confirm, preview=preview, carried=carried, **said)
    with preview.noted(*EVENTS):
        service.apply(actor, organization, plan.members, change)
    _say_done(organization, change, len(plan.members))
    return go(url_for("members.index", org=organization.slug))


def _takes_nothing(plan: Plan, change: ManyChange) -> bool:
    """Tell whether nobody loses anything but access, which the preview knows."""
    if change.action is MemberAction.ROLE:
        return all(change.role and change.role > member.role for member in plan.members)
    return change.action in (MemberAction.RESTORE, MemberAction.TEAMS)


def _say_done(organization: Organization, change: ManyChange, number: int) -> None:
    if change.action is MemberAction.REMOVE:
        sentence = ngettext("%(num)s member was removed.", "%(num)s members were removed.", number)
        say_with_link(sentence, url_for("members.removed", org=organization.slug), _("See who can be put back"))
        return
    sentences = {
        MemberAction.ROLE: ngettext(
            "%(num)s member has another role now.", "%(num)s members have another role now.", number
        ),
        MemberAction.TEAMS: ngettext(
            "The teams of %(num)s member are set.", "The teams of %(num)s members are set.", number
        ),
        MemberAction.SUSPEND: ngettext("%(num)s member is suspended.", "%(num)s members are suspended.", number),
        MemberAction.RESTORE: ngettext("%(num)s member is restored.", "%(num)s members are restored.", number),
    }
    flash(sentences[change.action], "success")


def _status(people: Sequence[Member]) -> int:
    return 422 if request.method == "POST" or not people else 200


def _action() -> MemberAction:
    try:
        return MemberAction(request.values.get("action", ""))
    except ValueError as error:
        raise NotFound(N_("There is no such action. Go back to the members.")) from error


def _people(organization: Organization) -> Sequence[Member]:
    def matching() -> list[int]:
        which = wanted_of_request(organization)
        rows = members_of(organization, which, after="", viewer_id=None, rows=MOST_AT_ONCE + 1).rows
        return [row.id for row in rows]

    return members_among(organization, chosen_on_list(matching, MOST_AT_ONCE, TooManyAtOnce(most=MOST_AT_ONCE)))


def _change(organization: Organization, action: MemberAction, roles: Sequence[Role]) -> ManyChange | None:
    """Return the change, or nothing where it has not been said to what."""
    if action is MemberAction.ROLE:
        given = {role.label: role for role in roles}.get(request.values.get("to_role", ""))
        return ManyChange(action, role=given) if given else None
    if action is MemberAction.TEAMS:
        wish = _wish(organization)
        return ManyChange(action, wish=wish) if wish else None
    return ManyChange(action)


def _wish(organization: Organization) -> Wish | None:
    """Return what shall be reached, or nothing where that has not been said. Forms of earlier pages replace teams."""
    reach, how = request.values.get("has_global_access"), request.values.get("how", How.REPLACE)
    if reach not in REACHES or how not in list(How):
        return None
    teams = restriction.teams_among(organization, numbers_of("teams"))
    return Wish(REACHES[reach], frozenset(team.id for team in teams), How(how))


def _plan(actor: Actor, organization: Organization, people: Sequence[Member], change: ManyChange) -> Plan:
    names = {choice.id: choice.name for choice in choices_among(organization, [member.id for member in people])}
    refusals = service.refusals(actor, organization, people, change)
    able = [member for member in people if member.id not in refusals]
    left_out = [(names[member.id], _why(refusals[member.id])) for member in people if member.id in refusals]
    return Plan(able, [names[member.id] for member in able], left_out)


def _why(refused: DomainError) -> str:
    reason = REFUSED.get(type(refused))
    return str(_(reason.sentence)) if reason else translated(refused)


def _chosen() -> list[tuple[str, str]]:
    """Return what chooses the same people in an address, which holds a filter but no thousand numbers."""
    name = "all" if request.values.get("all") else "ids"
    return [*list_at_hand(FILTERS), *((name, value) for value in request.values.getlist(name) if value)]


def _back(organization: Organization) -> str:
    return back_to_list(url_for("members.index", org=organization.slug), FILTERS)


def _carried(people: Sequence[Member]) -> list[tuple[str, str]]:
    """Return what sends the same question again, with the people by name and not by filter."""
    fields = ("action", "to_role", "has_global_access", "how", "teams")
    given = [(name, value) for name in fields for value in request.values.getlist(name)]
    return [*given, *list_at_hand(FILTERS), *(("ids", str(member.id)) for member in people)]
