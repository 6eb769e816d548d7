"""One member: who they are, their role, suspending and restoring them."""

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from webapp.access.decide import decide, grantable_roles
from webapp.access.roles import Scope
from webapp.blueprints.audit.sentences import described
from webapp.blueprints.members import bp
from webapp.blueprints.members.forms import ConfirmForm, RoleForm
from webapp.blueprints.members.reasons import reason_against
from webapp.errors import DomainError
from webapp.http.guard import access
from webapp.http.htmx import go, respond
from webapp.http.session import current_actor
from webapp.http.templating import role_name
from webapp.models import Member, Organization, Role
from webapp.queries.members import history_of, person_of
from webapp.services import members


@bp.get("/orgs/<org>/members/<int:member>")
@access(Scope.MEMBER_READ)
def show(organization: Organization, member: Member) -> Response:
    """Show who a member is, what happened to the membership, and what can be done with it."""
    return _page(organization, member, _role_form(data={"role": member.role.label}))


@bp.post("/orgs/<org>/members/<int:member>")
@access(Scope.MEMBER_WRITE)
def update(organization: Organization, member: Member) -> Response:
    """Change the role."""
    members.require_may_change(current_actor(), organization, member)
    form = _role_form()
    if not form.validate():
        return _page(organization, member, form, status=422)
    try:
        members.change_role(current_actor(), organization, member, Role[form.role.data.upper()])
    except DomainError as error:
        form.show(error)
        return _page(organization, member, form, status=422)
    name = person_of(member).name
    flash(_("%(name)s has the role %(role)s now.", name=name, role=role_name(member.role)), "success")
    return go(address_of(organization, member))


@bp.route("/orgs/<org>/members/<int:member>/suspend", methods=["GET", "POST"])
@access(Scope.MEMBER_WRITE)
def suspend(organization: Organization, member: Member) -> Response:
    """Ask whether to suspend somebody, then do it."""
    members.require_may_end(current_actor(), organization, member)
    form, person = ConfirmForm(), person_of(member)
    if not form.validate_on_submit():
        return confirmation("members/_suspend.html", form, person=person, member=member)
    members.suspend(current_actor(), organization, member)
    flash(_("%(name)s is suspended.", name=person.name), "success")
    return go(address_of(organization, member))


@bp.post("/orgs/<org>/members/<int:member>/restore")
@access(Scope.MEMBER_WRITE)
def restore(organization: Organization, member: Member) -> Response:
    """Give a suspended member the membership back."""
    members.restore(current_actor(), organization, member)
    flash(_("%(name)s can use the membership again.", name=person_of(member).name), "success")
    return go(address_of(organization, member))


def address_of(organization: Organization, member: Member) -> str:
    """Return the address of a member's page."""
    return url_for("members.show", org=organization.slug, member=member.id)


def confirmation(fragment: str, form: ConfirmForm, **context: object) -> Response:
    """Show what will happen and ask whether it shall; again, with 422, where the answer was not sent along."""
    status = 422 if request.method == "POST" else 200
    return respond("members/confirm.html", {"panel": fragment}, status=status, fragment=fragment, form=form, **context)


def _role_form(**kwargs: object) -> RoleForm:
    return RoleForm(grantable_roles(current_actor().member), **kwargs)


def _page(organization: Organization, member: Member, form: RoleForm, *, status: int = 200) -> Response:
    actor, person = current_actor(), person_of(member)
    may_read_history = decide(actor, Scope.AUDIT_READ, organization)
    return respond(
        "members/show.html",
        {"panel": "members/_show.html"},
        status=status,
        member=member,
        person=person,
        is_you=member.user_id == actor.user_id,
        reason=reason_against(actor, member, is_last_owner=person.is_last_owner),
        history=described(history_of(member)) if may_read_history else None,
        form=form,
    )
