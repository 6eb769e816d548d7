"""My organizations, making one, and its settings."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from flask import Blueprint, Response, flash, url_for
from flask_babel import gettext as _
from sqlalchemy import Row

from webapp.access.roles import Scope
from webapp.blueprints.organizations.forms import NewOrganizationForm, SettingsForm
from webapp.errors import DomainError, OrganizationsByAdministrators, SignInRequired
from webapp.http.htmx import go, respond
from webapp.http.rules import SIGNED_IN, access
from webapp.http.session import current_actor, require_viewer, viewer
from webapp.http.settings import settings as settings_in_force
from webapp.models import Organization
from webapp.queries.organizations import organizations_of
from webapp.services import organizations
from webapp.services.organizations import OrganizationSettings

bp = Blueprint("organizations", __name__)


@bp.get("/")
@access(SIGNED_IN)
def home() -> Response:
    """Go to the only organization somebody has, or to the list of them."""
    found = _own()
    if len(found) == 1:
        return go(url_for("members.index", org=found[0].slug))
    return go(url_for("organizations.index"))


@bp.get("/orgs/")
@access(SIGNED_IN)
def index() -> Response:
    """List the organizations somebody belongs to."""
    return respond(
        "organizations/index.html",
        {"panel": "organizations/_organizations.html"},
        organizations=_own(),
        closed=_own(is_active=False),
        may_create=_may_create(),
    )


def _own(*, is_active: bool = True) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the organizations of the viewer; whoever runs a provider of one of them learns of no other."""
    found = viewer()
    return organizations_of(found.user_id, is_active=is_active, through=found.through) if found else []


@bp.get("/orgs/new")
@access(SIGNED_IN)
def new() -> Response:
    """Show the form for a new organization, to those who may make one."""
    if not _may_create():
        raise SignInRequired if require_viewer().is_confined else OrganizationsByAdministrators
    return _new_page(NewOrganizationForm())


@bp.post("/orgs/new")
@access(SIGNED_IN)
def create() -> Response:
    """Make an organization whose first owner is whoever asks."""
    form = NewOrganizationForm()
    if _may_create() and not form.validate():
        return _new_page(form, status=422)
    made = organizations.create_own(current_actor(), form.name.data, by_anyone=_is_open_to_anyone())
    flash(_("%(organization)s is ready. Invite the first people.", organization=made.name), "success")
    return go(url_for("members.index", org=made.slug))


@bp.get("/orgs/<org>/")
@access(Scope.ORG_READ)
def start(organization: Organization) -> Response:
    """Go to the first page of an organization."""
    return go(url_for("members.index", org=organization.slug))


@bp.get("/orgs/<org>/settings")
@access(Scope.ORG_WRITE)
def settings(organization: Organization) -> Response:
    """Show what an owner may change."""
    return _settings_page(SettingsForm(data=asdict(organizations.settings_of(organization))), organization)


@bp.post("/orgs/<org>/settings")
@access(Scope.ORG_WRITE)
def update(organization: Organization) -> Response:
    """Change the settings."""
    form = SettingsForm()
    if not form.validate():
        return _settings_page(form, organization, status=422)
    wanted = OrganizationSettings(**{field.name: form[field.name].data for field in fields(OrganizationSettings)})
    try:
        if organizations.change(current_actor(), organization, wanted):
            flash(_("The settings are saved."), "success")
    except DomainError as error:
        form.show(error)
        return _settings_page(form, organization, status=422)
    return go(url_for("organizations.settings", org=organization.slug))


def _is_open_to_anyone() -> bool:
    return settings_in_force().organization_creation == "anyone"


def _may_create() -> bool:
    """Tell whether the viewer may; a provider's word does not open whether somebody administers the instance."""
    found = require_viewer()
    return organizations.may_create(0 if found.is_confined else found.user_id, by_anyone=_is_open_to_anyone())


def _new_page(form: NewOrganizationForm, *, status: int = 200) -> Response:
    return respond("organizations/new.html", {"panel": "organizations/_new.html"}, status=status, form=form)


def _settings_page(form: SettingsForm, organization: Organization, *, status: int = 200) -> Response:
    fragments = {"panel": "organizations/_settings.html"}
    return respond("organizations/settings.html", fragments, status=status, form=form, slug=organization.slug)
