"""Which claims of the provider fill which access groups."""

from collections.abc import Callable

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from webapp.access.roles import Scope
from webapp.blueprints.sso import bp
from webapp.blueprints.sso.forms import MappingForm
from webapp.errors import DomainError
from webapp.http import session, typed
from webapp.http.choices import is_search
from webapp.http.confirmations import ConfirmForm, Counted, Preview, confirmation, is_turning_back
from webapp.http.htmx import go, respond
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import AccessGroup, Organization, SsoMapping
from webapp.queries.impact import by_group
from webapp.queries.mappings import group_of, group_to_map, groups_to_map, mappings_of
from webapp.services.audit import Event
from webapp.services.sso import connections
from webapp.services.sso import mappings as service
from webapp.services.sso.errors import NoGroupToMap


@bp.get("/orgs/<org>/sso/mappings")
@access(Scope.SSO_ADMIN)
def mappings(organization: Organization) -> Response:
    """List the mappings, and offer to add one."""
    return _page(organization, _form())


@bp.post("/orgs/<org>/sso/mappings")
@access(Scope.SSO_ADMIN, finds=True, turns_back=True, previews=True)
def add_mapping(organization: Organization) -> Response:
    """Add a mapping; asks first where people put in the group by hand would leave it. Or find a group for it."""
    connections.require_active(organization)
    form = _form()
    if is_search() or is_turning_back():
        return _page(organization, form)
    if not typed.is_fresh_for(form):
        return _page(organization, form, status=403)
    if not form.validate():
        return _page(organization, form, status=422)
    try:
        return _ask_or_add(organization, form)
    except DomainError as error:
        form.show(error)
        return _page(organization, form, status=422)


def _ask_or_add(organization: Organization, form: MappingForm) -> Response:
    actor, confirm, mapping = current_actor(), ConfirmForm(), form.mapping()
    if group_to_map(organization, mapping.group_id) is None:
        raise NoGroupToMap
    group = group_of(organization, mapping.group_id)
    preview = _preview(lambda: service.add(actor, organization, mapping), group, f"map {mapping}")
    if preview.must_ask(confirm):
        said = {"section": "settings", "mapping": mapping, "group": group, "is_large": service.is_large(group)}
        return confirmation("sso/_map.html", confirm, preview=preview, carried=form.carried(), **said)
    with preview.noted(Event.GROUP_CHANGED):
        service.add(actor, organization, mapping)
    flash(_("From now on the claim fills the access group %(group)s.", group=group.name), "success")
    return go(url_for("sso.mappings", org=organization.slug))


@bp.route("/orgs/<org>/sso/mappings/<int:mapping>/remove", methods=["GET", "POST"])
@access(Scope.SSO_ADMIN, previews=True)
def remove_mapping(organization: Organization, mapping: SsoMapping) -> Response:
    """Ask whether to remove a mapping, say who loses what, then do it."""
    session.require_fresh()
    actor, form, group = current_actor(), ConfirmForm(), group_of(organization, mapping.group_id)
    change, is_large = f"unmap {mapping.id}", service.is_large(group)
    preview = _preview(lambda: service.remove(actor, organization, mapping), group, change)
    if not preview.is_confirmed(form):
        said = {"mapping": mapping, "group": group, "is_large": is_large}
        return confirmation("sso/_unmap.html", form, preview=preview, carried=(), section="settings", **said)
    with preview.noted(Event.GROUP_CHANGED):
        service.remove(actor, organization, mapping)
    if is_large:
        flash(_("The mapping fills nothing any more. Whoever is in the group by it alone leaves soon."), "success")
    else:
        flash(_("The mapping is removed."), "success")
    return go(url_for("sso.mappings", org=organization.slug))


def _preview(change: Callable[[], object], group: AccessGroup, what: str) -> Preview:
    """Return what a change of mappings does to access, as far as it is made at once."""
    kind = Counted if service.is_large(group) else Preview
    return kind(change, by_group(group), what)


def _form() -> MappingForm:
    first = {"claim": service.GROUPS} if request.method == "GET" else None
    return MappingForm(data=first, **typed.brought())


def _page(organization: Organization, form: MappingForm, *, status: int = 200) -> Response:
    provider = connections.active_of(organization)
    q, chosen = request.form.get("q", ""), form.group.data or 0
    return respond(
        "sso/mappings.html",
        {"panel": "sso/_mappings.html"},
        status=status,
        form=form,
        q=q,
        chosen=group_to_map(organization, chosen) if chosen else None,
        found=groups_to_map(organization, q),
        rows=mappings_of(organization),
        host=connections.host_of(provider) if provider else None,
        last_sync_at=provider.last_sync_at if provider else None,
        is_fresh=session.require_viewer().is_fresh,
        back=typed.way_back(form, url_for("sso.mappings", org=organization.slug)),
    )
