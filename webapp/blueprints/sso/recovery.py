"""Recovery codes: owners make them while they are in, and come in by one when the provider lets nobody in."""

from datetime import datetime, timedelta

from flask import Response, flash, g, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from webapp.access.roles import Scope
from webapp.blueprints.sso import bp
from webapp.errors import DomainError, NotFound, SignInRequired
from webapp.http import session, typed, uow
from webapp.http.credentials import count_attempt
from webapp.http.forms import Form, safe_next
from webapp.http.htmx import go, respond
from webapp.http.rules import SIGNED_IN, access
from webapp.http.session import current_actor
from webapp.http.templating import exact
from webapp.models import Organization
from webapp.queries.organizations import with_slug
from webapp.queries.sso import Entrance, entrance_of
from webapp.services import attempts, members, organizations, refusals
from webapp.services.sso import connections, identities, recovery
from webapp.services.sso.errors import NothingRequired, WrongRecoveryCode
from webapp.services.words import single_line

MOST_CHARACTERS = 100


class RecoveryForm(Form):
    """One of the codes."""

    code = StringField(
        _("Recovery code"),
        filters=[single_line],
        validators=[InputRequired(_("Enter a recovery code.")), Length(max=MOST_CHARACTERS)],
    )


@bp.get("/orgs/<org>/sso/recovery-codes")
@access(Scope.SSO_ADMIN)
def recovery_codes(organization: Organization) -> Response:
    """Say how many codes are left; show new ones for a few minutes in the browser that made them."""
    viewer = session.require_viewer()
    return respond(
        "sso/recovery_codes.html",
        {"panel": "sso/_recovery_codes.html"},
        codes=recovery.new_in(organization, viewer.session_id),
        shown_minutes=recovery.SHOWN_FOR // timedelta(minutes=1),
        left=recovery.left(organization),
        is_fresh=viewer.is_fresh,
        back=typed.way_back_to(),
    )


@bp.post("/orgs/<org>/sso/recovery-codes")
@access(Scope.SSO_ADMIN)
def make_codes(organization: Organization) -> Response:
    """Make new codes, and lead to the page that shows them."""
    recovery.make(current_actor(), organization, session.require_viewer().session_id)
    return go(url_for("sso.recovery_codes", org=organization.slug))


@bp.route("/orgs/<slug>/sso/recover", methods=["GET", "POST"])
@access(SIGNED_IN, own_transactions=True, proves=True)
def recover(slug: str) -> Response:
    """Come in by a code, for a while and in this browser; where nothing is required no code is used up."""
    try:
        entrance = uow.read(_entrance, slug)
    except NothingRequired:
        return go(_onwards(slug))
    form, status = RecoveryForm(), 200
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                return _come_in(entrance, form.code.data)
            except DomainError as error:
                form.show(error)
    said = {"entrance": entrance, "host": connections.host_of(entrance.provider), "form": form}
    return make_response(render_template("sso/recover.html", **said), status)


def _come_in(entrance: Entrance, code: str) -> Response:
    """Use a code up; what is tried at a provider's word alone is counted apart, and locks nobody else out."""
    viewer = session.require_viewer()
    who = f"{entrance.organization_id}:{viewer.user_id}" + (":at its word" if viewer.is_confined else "")
    count_attempt(attempts.limits_of("recovery-code", session.client_ip(), who))
    try:
        until = uow.write(_use, entrance.organization_id, code)
    except WrongRecoveryCode as error:
        uow.note(_note_refusal, entrance.slug, error)
        raise
    flash(gettext("You are in until %(moment)s, in this browser.", moment=exact(until)), "success")
    return go(_onwards(entrance.slug))


def _onwards(slug: str) -> str:
    return safe_next(request.args.get("next")) or url_for("sso.show", org=slug)


def _use(organization_id: int, code: str) -> datetime:
    organization = organizations.lock(organization_id)
    _enter(organization)
    return recovery.use(current_actor(), organization, session.require_viewer().session_id, code)


def _note_refusal(slug: str, error: DomainError) -> None:
    organization = with_slug(slug)  # not locked yet: `note` counts first, wherever it is called
    if organization is not None:
        refusals.note(current_actor(), organization, f"{request.method} {request.endpoint}", error.sentence)


def _entrance(slug: str) -> Entrance:
    """Return where somebody would come in, who is an owner and needs it.

    Raises:
        NotFound: they do not belong to the organization, or it has no provider in use.
        OwnersOnly: they are no owner.
        NothingRequired: nobody has to come through it at present.
    """
    entrance, organization = entrance_of(slug), with_slug(slug)
    if entrance is None or organization is None:
        raise NotFound
    _enter(organization)
    recovery.require_use(current_actor(), organization)
    return entrance


def _enter(organization: Organization) -> None:
    """Read the viewer and their membership anew, in the transaction at hand.

    Raises:
        SignInRequired: nobody is signed in any more, or at the word of another organization's provider.
    """
    viewer = session.reload_viewer()
    if viewer is None:
        raise SignInRequired
    if viewer.is_confined and not identities.was_way_into(organization, viewer.session_id, viewer.user_id):
        raise SignInRequired
    g.member = members.of_user(organization, viewer.user_id)
