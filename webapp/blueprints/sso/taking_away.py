"""Taking a member's wrong link away, once somebody has read what that does."""

from typing import Any

from flask import Response, flash, url_for
from flask_babel import gettext as _

from webapp.access.roles import Scope
from webapp.blueprints.sso import bp
from webapp.http import session
from webapp.http.confirmations import ConfirmForm, Preview, confirmation
from webapp.http.htmx import go
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import Member, Organization
from webapp.queries.groups import is_in_groups_by_claims
from webapp.queries.impact import by_member
from webapp.queries.members import person_of
from webapp.services.audit import Event
from webapp.services.sso import connections
from webapp.services.sso import taking_away as service
from webapp.services.sso.enforcement import is_required


@bp.route("/orgs/<org>/members/<int:member>/unlink", methods=["GET", "POST"])
@access(Scope.SSO_ADMIN, previews=True)
def take_away(organization: Organization, member: Member) -> Response:
    """Say what the provider says of whom it is linked with, and who loses what; then take the link away."""
    provider, actor = connections.require_active(organization), current_actor()
    identity = service.require_may_take_away(actor, organization, provider, member)
    session.require_fresh()
    form, person, required = ConfirmForm(), person_of(member), is_required(provider)
    change = f"unlink {identity.id} {required}"
    preview = Preview(lambda: service.take_away(actor, organization, provider, member), by_member(member), change)
    if not preview.is_confirmed(form):
        said: dict[str, Any] = {"member": member, "person": person, "identity": identity, "is_required": required}
        said |= {"host": connections.host_of(provider), "told": service.letter_to(organization, member)}
        said["is_in_groups"] = is_in_groups_by_claims(member)
        return confirmation("sso/_take_away.html", form, preview=preview, **said)
    with preview.noted(Event.SSO_UNLINKED):
        service.take_away(actor, organization, provider, member)
    flash(_("%(name)s is not linked any more.", name=person.name), "success")
    return go(url_for("members.show", org=organization.slug, member=member.id))
