"""Removing members, leaving, and putting back."""

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from webapp.access.roles import Scope
from webapp.blueprints.members import bp
from webapp.blueprints.members.membership import address_of, say_if_ended
from webapp.http.confirmations import ConfirmForm, Preview, Question, confirmation
from webapp.http.days import day
from webapp.http.guard import is_kept_out
from webapp.http.htmx import go, respond
from webapp.http.notices import say_with_undo
from webapp.http.offers import names_of
from webapp.http.reasons import reasons_of_removed
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import Member, Organization, RemovedMember
from webapp.models.member import has_ended, last_day
from webapp.queries.counts import counts_of
from webapp.queries.impact import by_member
from webapp.queries.members import person_of
from webapp.queries.removed import removed_of
from webapp.services import kept_ends, members
from webapp.services import removals as service
from webapp.services.audit import Event
from webapp.services.removals import LeftOut


@bp.route("/orgs/<org>/members/<int:member>/remove", methods=["GET", "POST"])
@access(Scope.MEMBER_WRITE, previews=True)
def remove(organization: Organization, member: Member) -> Response:
    """Ask whether to remove somebody, then do it."""
    actor = current_actor()
    members.require_may_end(actor, organization, member)
    form, person = ConfirmForm(), person_of(member)
    preview = Preview(lambda: service.remove(actor, organization, member), by_member(member))
    if not preview.is_confirmed(form):
        sent = service.open_invitations_by(organization, member.user_id)
        return confirmation("members/_remove.html", form, preview=preview, person=person, member=member, sent=sent)
    with preview.noted(Event.MEMBER_REMOVED):
        removed = service.remove(actor, organization, member)
    undo = url_for("members.undo_removal", org=organization.slug, removed=removed.member_id)
    say_with_undo(_("%(name)s was removed.", name=person.name), undo)
    return go(url_for("members.index", org=organization.slug))


@bp.get("/orgs/<org>/members/removed")
@access(Scope.MEMBER_WRITE)
def removed(organization: Organization) -> Response:
    """List whose removal can still be undone."""
    after = request.args.get("after", "")
    page = removed_of(organization, after=after)
    return respond(
        "members/removed.html",
        {"panel": "members/_removed.html", "results": "members/_removed_rows.html"},
        page=page,
        reasons=reasons_of_removed(current_actor(), page.rows),
        counts=counts_of(organization),
        after=after,
    )


@bp.post("/orgs/<org>/members/<int:removed>/undo-removal")
@access(Scope.MEMBER_WRITE)
def undo_removal(organization: Organization, removed: RemovedMember) -> Response:
    """Put a membership back as it was; who left on their own is invited instead."""
    if removed.has_left:
        return _invite_back(organization, removed)
    kept = removed.expires_at
    member, left_out = service.undo_removal(current_actor(), organization, removed)
    name = person_of(member).name
    if left_out.refused:
        names = names_of(left_out.refused)
        flash(_("%(name)s is a member again. You may not give: %(names)s.", name=name, names=names))
    elif member.expires_at == kept and not left_out.names:
        flash(_("%(name)s is a member again, as before.", name=name), "success")
    else:
        flash(_("%(name)s is a member again.", name=name), "success")
    _say_what_is_given_no_more(left_out)
    if member.expires_at and member.expires_at != kept:
        flash(_("Their membership ends on %(day)s, no later than yours.", day=day(last_day(member.expires_at))))
    say_if_ended(member)
    return go(address_of(organization, member))


def _invite_back(organization: Organization, removed: RemovedMember) -> Response:
    email, left_out = service.invite_back(current_actor(), organization, removed)
    flash(_("An invitation to what they had is on its way to %(email)s: they left, so they decide.", email=email))
    _say_end(removed)
    if left_out.refused:
        flash(_("It leaves out what you may not give: %(names)s.", names=names_of(left_out.refused)))
    _say_what_is_given_no_more(left_out)
    return go(url_for("members.pending", org=organization.slug))


def _say_what_is_given_no_more(left_out: LeftOut) -> None:
    if left_out.given_no_more:
        names = names_of(left_out.given_no_more)
        flash(_("Left out, because what had given it gives it no more: %(names)s.", names=names), "warning")


def _say_end(removed: RemovedMember) -> None:
    """Say when the membership will end of whoever accepts to come back."""
    kept = removed.expires_at
    if kept and has_ended(kept):
        flash(_("Their membership ended on %(day)s; it is renewed when they accept.", day=day(last_day(kept))))
        kept = None
    if end := kept_ends.within(kept, removed.role, [current_actor()]):
        flash(_("Their membership ends on %(day)s.", day=day(last_day(end))))


@bp.route("/orgs/<org>/leave", methods=["GET", "POST"])
@access(Scope.ORG_READ, previews=True, leads_out=True)
def leave(organization: Organization) -> Response:
    """Ask whether to leave, then do it; who has to come through the provider first is shown nothing they reach."""
    actor, form = current_actor(), ConfirmForm()
    member = service.require_may_leave(actor, organization)
    preview = Preview(lambda: service.leave(actor, organization), by_member(member))
    is_outside = is_kept_out()
    question = Question(f"leave {organization.id}") if is_outside else preview
    if not question.is_confirmed(form):
        sent = service.open_invitations_by(organization, member.user_id)
        return confirmation(
            "members/_leave.html", form, preview=question, member=member, sent=sent, is_kept_out=is_outside
        )
    with preview.noted(Event.MEMBER_LEFT):
        service.leave(actor, organization)
    flash(_("You have left %(organization)s.", organization=organization.name), "success")
    return go(url_for("organizations.index"))
