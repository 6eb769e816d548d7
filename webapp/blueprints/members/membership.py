"""One member: who they are, their role, the end of their membership, suspending and restoring them."""

from collections.abc import Sequence

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from webapp.access.decide import decide, grantable_roles
from webapp.access.roles import Scope
from webapp.access.sight import knows_reach_of
from webapp.blueprints.audit.sentences import history
from webapp.blueprints.members import bp
from webapp.blueprints.members.forms import EndForm, MemberForm
from webapp.errors import DomainError
from webapp.http import typed
from webapp.http.choices import CHOSEN, EVERYTHING
from webapp.http.confirmations import ConfirmForm, Preview, confirmation, is_turning_back
from webapp.http.days import day as said
from webapp.http.htmx import go, in_place, respond
from webapp.http.lists import first_of
from webapp.http.reasons import reason_against, reason_against_taking_away
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.http.stale import digest_of
from webapp.models import Member, Organization, Role
from webapp.models.member import last_day
from webapp.queries.choices import TeamChoice, teams_for_member
from webapp.queries.groups import MOST_GROUPS, groups_with
from webapp.queries.history import history_of
from webapp.queries.impact import by_member
from webapp.queries.members import person_of, standing_of
from webapp.queries.reach import projects_of
from webapp.services import endings, members, memberships, restriction
from webapp.services.audit import Event
from webapp.services.sso import connections

EVENTS_OF_CHANGES = (
    Event.MEMBER_ROLE_CHANGED,
    Event.MEMBER_ACCESS_CHANGED,
    Event.TEAM_MEMBER_ADDED,
    Event.TEAM_MEMBER_REMOVED,
)


@bp.get("/orgs/<org>/members/<int:member>")
@access(Scope.MEMBER_READ)
def show(organization: Organization, member: Member) -> Response:
    """Show who a member is, what happened to the membership, and what can be done with it."""
    teams = _teams(organization, member)
    return _page(organization, member, teams, _member_form(teams, data=_present(member, teams), **typed.brought()))


@bp.post("/orgs/<org>/members/<int:member>")
@access(Scope.MEMBER_WRITE, turns_back=True, previews=True)
def update(organization: Organization, member: Member) -> Response:
    """Change the role, and what is reached; asks first where that takes something away, or makes an owner."""
    members.require_may_change(current_actor(), organization, member)
    teams = _teams(organization, member)
    form = _member_form(teams)
    if is_turning_back():
        return _page(organization, member, teams, form)
    if not form.validate():
        return _page(organization, member, teams, form, status=422)
    if form.is_stale(_shown(member, teams)):
        return in_place(_page(organization, member, teams, form, status=409), "panel")
    try:
        return _ask_or_change(organization, member, form)
    except DomainError as error:
        form.show(error)
        again_at = typed.way_back_from(error, form, request.path)
        return _page(organization, member, teams, form, again_at=again_at, status=error.status)


def _ask_or_change(organization: Organization, member: Member, form: MemberForm) -> Response:
    actor, confirm, person, present = current_actor(), ConfirmForm(), person_of(member), memberships.terms_of(member)
    role, wanted = Role[form.role.data.upper()], form.reached(restriction.reach_in(present))

    def change() -> None:
        members.change_role(actor, organization, member, role)
        restriction.change(actor, organization, member, wanted)

    becomes_owner = role is Role.OWNER and role is not member.role
    preview = Preview(change, by_member(member), f"{member.status} {member.role.label} {role.label}")
    if preview.must_ask(confirm, anyway=becomes_owner):
        named = first_of([name for number, name in form.teams.choices if number in wanted.teams])
        shown = {"person": person, "member": member, "role": role, "wanted": wanted, "teams": named}
        shown |= {"is_in_groups": bool(present.groups), "becomes_owner": becomes_owner}
        shown |= {"reach_changes": wanted != restriction.reach_in(present), "is_gentle": not preview.impact.takes_away}
        return confirmation("members/_change.html", confirm, preview=preview, carried=form.carried(), **shown)
    with preview.noted(*EVENTS_OF_CHANGES):
        change()
    flash(_("The membership of %(name)s is changed.", name=person.name), "success")
    return go(address_of(organization, member))


@bp.route("/orgs/<org>/members/<int:member>/end", methods=["GET", "POST"])
@access(Scope.MEMBER_WRITE, turns_back=True, previews=True)
def end(organization: Organization, member: Member) -> Response:
    """Say on which day a membership ends, or that it does not; asks first where somebody will lose access by it.

    A GET asks about the day in the address; where there is nothing to ask, it leads to the member's page.
    """
    members.require_may_change(current_actor(), organization, member)
    if request.method != "POST" and "last_day" not in request.args:
        return go(address_of(organization, member))
    form = EndForm(request.values, meta={"csrf": request.method == "POST"})
    if is_turning_back():
        return _end_page(organization, member, form)
    if not form.validate():
        return _end_page(organization, member, form, status=422)
    if form.is_stale(_shown_end(member)):
        return in_place(_end_page(organization, member, form, status=409), "panel")
    try:
        return _ask_or_set_end(organization, member, form)
    except DomainError as error:
        form.show(error)
        return _end_page(organization, member, form, status=422)


def _ask_or_set_end(organization: Organization, member: Member, form: EndForm) -> Response:
    actor, confirm, person, day = current_actor(), ConfirmForm(), person_of(member), form.last_day.data
    is_ahead = day is not None and member.is_active and not endings.has_last_day(member, day)
    change = endings.end_now if is_ahead else endings.set_last_day
    preview = Preview(lambda: change(actor, organization, member, day), by_member(member), f"end {day}")
    if is_ahead and not preview.is_confirmed(confirm):
        shown = {"person": person, "member": member, "day": day}
        return confirmation("members/_end.html", confirm, preview=preview, carried=form.carried(), **shown)
    if request.method != "POST":
        return go(address_of(organization, member))
    with preview.noted(Event.MEMBER_END_CHANGED):
        endings.set_last_day(actor, organization, member, day)
    if day is None:
        flash(_("The membership of %(name)s has no end.", name=person.name), "success")
    else:
        flash(_("The membership of %(name)s ends on %(day)s.", name=person.name, day=said(day)), "success")
    return go(address_of(organization, member))


@bp.route("/orgs/<org>/members/<int:member>/suspend", methods=["GET", "POST"])
@access(Scope.MEMBER_WRITE, previews=True)
def suspend(organization: Organization, member: Member) -> Response:
    """Ask whether to suspend somebody, then do it."""
    actor = current_actor()
    members.require_may_end(actor, organization, member)
    form, person = ConfirmForm(), person_of(member)
    preview = Preview(lambda: members.suspend(actor, organization, member), by_member(member))
    if not preview.is_confirmed(form):
        return confirmation("members/_suspend.html", form, preview=preview, person=person, member=member)
    with preview.noted(Event.MEMBER_SUSPENDED):
        members.suspend(actor, organization, member)
    flash(_("%(name)s is suspended.", name=person.name), "success")
    return go(address_of(organization, member))


@bp.post("/orgs/<org>/members/<int:member>/restore")
@access(Scope.MEMBER_WRITE)
def restore(organization: Organization, member: Member) -> Response:
    """Give a suspended member the membership back."""
    members.restore(current_actor(), organization, member)
    if not say_if_ended(member):
        flash(_("%(name)s can use the membership again.", name=person_of(member).name), "success")
    return go(address_of(organization, member))


def say_if_ended(member: Member) -> bool:
    """Tell whether a membership has ended, and say when, to whoever may renew it."""
    if member.expires_at is None or not member.has_ended:
        return False
    flash(_("Their membership ended on %(day)s; you can renew it here.", day=said(last_day(member.expires_at))))
    return True


def address_of(organization: Organization, member: Member) -> str:
    """Return the address of a member's page."""
    return url_for("members.show", org=organization.slug, member=member.id)


def _member_form(teams: Sequence[TeamChoice], **kwargs: object) -> MemberForm:
    return MemberForm(grantable_roles(current_actor()), [(team.id, team.name) for team in teams], **kwargs)


def _teams(organization: Organization, member: Member) -> Sequence[TeamChoice]:
    return teams_for_member(organization, member)


def _present(member: Member, teams: Sequence[TeamChoice]) -> dict[str, object]:
    everything = EVERYTHING if member.has_global_access else CHOSEN
    chosen, shown = [team.id for team in teams if team.is_chosen], _shown(member, teams)
    return {"role": member.role.label, "has_global_access": everything, "teams": chosen, "shown": shown}


def _shown(member: Member, teams: Sequence[TeamChoice]) -> str:
    chosen = frozenset(team.id for team in teams if team.is_chosen)
    return digest_of(member.role.label, member.has_global_access, chosen)


def _end_form(member: Member) -> EndForm:
    day = last_day(member.expires_at) if member.expires_at else None
    return EndForm(None, data={"last_day": day, "shown": _shown_end(member)})


def _shown_end(member: Member) -> str:
    return digest_of(member.expires_at.isoformat() if member.expires_at else "")


def _end_page(organization: Organization, member: Member, form: EndForm, *, status: int = 200) -> Response:
    teams = _teams(organization, member)
    role_form = _member_form(teams, formdata=None, data=_present(member, teams))
    return _page(organization, member, teams, role_form, end_form=form, status=status)


def _page(
    organization: Organization,
    member: Member,
    teams: Sequence[TeamChoice],
    form: MemberForm,
    *,
    status: int = 200,
    **said: object,
) -> Response:
    """Answer the page; `said` is the form of the end where that was sent, and where signing in again leads."""
    actor, person = current_actor(), person_of(member)
    may_read_history = decide(actor, Scope.AUDIT_READ, organization)
    is_you = member.user_id == actor.user_id
    groups = groups_with(member)
    may_see_access = knows_reach_of(actor, organization, member)
    link = person.link if may_see_access else None
    return respond(
        "members/show.html",
        {"panel": "members/_show.html"},
        status=status,
        member=member,
        person=person,
        is_you=is_you,
        reason=reason_against(actor, member, is_last_owner=person.is_last_owner),
        teams=[team for team in teams if team.is_chosen],
        groups=groups[:MOST_GROUPS],
        has_more_groups=len(groups) > MOST_GROUPS,
        open_groups={row.id for row in groups if decide(actor, Scope.TEAM_READ, row.team)},
        projects=projects_of(member, after=request.args.get("projects_after", "")) if may_see_access else None,
        link=link,
        provider_host=connections.host_of(link.provider) if link else None,
        link_reason=reason_against_taking_away(actor, member, link.provider, person.is_last_owner) if link else None,
        history=history(history_of(member), person.name) if may_read_history else None,
        form=form,
        standing=standing_of(member.status, member.expires_at),
        **{"end_form": _end_form(member), "again_at": None, **said},
    )
