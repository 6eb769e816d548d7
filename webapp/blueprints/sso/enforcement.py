"""Requiring single sign-on: whom that would keep out now, and from when on."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import DateField, RadioField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Optional, ValidationError

from webapp import clock
from webapp.access.decide import refusal_of_stale
from webapp.access.roles import Scope
from webapp.blueprints.sso import bp
from webapp.errors import N_, DomainError
from webapp.http import session, typed
from webapp.http.confirmations import ConfirmForm, Question, confirmation, is_turning_back
from webapp.http.days import day
from webapp.http.forms import Form
from webapp.http.htmx import go, respond
from webapp.http.problems import translated
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import Enforcement, IdentityProvider, Organization
from webapp.queries.enforcement import outsiders_of
from webapp.queries.standing import Concerned, concerned_by, enforcing_of
from webapp.services.sso import connections, enforcement
from webapp.services.sso.enforcement import EnforcementPolicy
from webapp.services.sso.errors import NotThroughProvider

LATEST = timedelta(days=366)
CHOICES = [
    SelectChoice(value=Enforcement.OFF.value, label=_("Off")),
    SelectChoice(value=Enforcement.OPTIONAL.value, label=_("Optional")),
    SelectChoice(value=Enforcement.REQUIRED.value, label=_("Required")),
]

SAID = {
    Enforcement.OFF: N_("Requiring single sign-on is off: members sign in through the provider or as before."),
    Enforcement.OPTIONAL: N_("Single sign-on is optional now."),
    Enforcement.REQUIRED: N_("Single sign-on is required now."),
}


class EnforcementForm(Form):
    """Whether members have to come through the provider, and from which day on."""

    enforcement = RadioField(_("Must members come through the provider?"), validators=[InputRequired(_("Choose one."))])
    from_date = DateField(_("From this day on"), validators=[Optional()])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.enforcement.choices = CHOICES

    def validate_from_date(self, field: Any) -> None:
        """Refuse days that are over, or too far away; where nothing is required they mean nothing."""
        today = clock.now().date()
        is_meant = self.enforcement.data == Enforcement.REQUIRED
        if is_meant and field.data and not today < field.data <= today + LATEST:
            raise ValidationError(_("Choose a day after today, within a year, or none to begin now."))

    def policy(self) -> EnforcementPolicy:
        """Return what was chosen."""
        wanted = Enforcement(self.enforcement.data)
        day: date | None = self.from_date.data if wanted is Enforcement.REQUIRED else None
        return EnforcementPolicy(wanted, datetime.combine(day, time.min, UTC) if day else None)

    def carried(self) -> list[tuple[str, str]]:
        """Return the names and values that send the same form again."""
        day = self.from_date.data
        return [("enforcement", self.enforcement.data), ("from_date", day.isoformat() if day else "")]


@bp.get("/orgs/<org>/sso/enforce")
@access(Scope.SSO_ADMIN)
def enforcing(organization: Organization) -> Response:
    """Show whether single sign-on is required, and whom that would keep out now."""
    provider = connections.require_active(organization)
    begins = provider.required_from if enforcement.is_rehearsed(provider) else None
    present = {"enforcement": provider.enforcement.value, "from_date": begins.date() if begins else None}
    return _page(provider, EnforcementForm(data=present, **typed.brought()))


@bp.post("/orgs/<org>/sso/enforce")
@access(Scope.SSO_ADMIN, turns_back=True)
def enforce(organization: Organization) -> Response:
    """Require it or not; asks first where that keeps somebody out."""
    provider = connections.require_active(organization)
    form, confirm = EnforcementForm(), ConfirmForm()
    if is_turning_back():
        return _page(provider, form)
    if not form.validate():
        return _page(provider, form, status=422)
    wanted = form.policy()
    if refusal := _refusal(provider, wanted):
        form.form_errors.append(translated(refusal))
        return _page(provider, form, status=refusal.status)
    if wanted.enforcement is Enforcement.REQUIRED:
        found = concerned_by(provider)
        question = Question(f"{wanted} {found}")
        if not question.is_confirmed(confirm):
            return _ask(provider, form, confirm, question, found)
    if enforcement.enforce(current_actor(), organization, wanted, session.require_viewer().session_id):
        flash(" ".join([_said_of(wanted), gettext("All owners are told by email.")]), "success")
    return go(url_for("sso.enforcing", org=organization.slug))


def _said_of(wanted: EnforcementPolicy) -> str:
    """Return a sentence that says what is in force since."""
    if wanted.required_from is not None:
        begins = day(wanted.required_from.date())
        later = gettext("Single sign-on will be required from %(day)s on; until then it is rehearsed.", day=begins)
        return str(later)
    return str(gettext(SAID[wanted.enforcement]))


def _ask(
    provider: IdentityProvider, form: EnforcementForm, confirm: ConfirmForm, question: Question, found: Concerned
) -> Response:
    """Ask whether to require it, and say whom that keeps out; who has said yes does not wait for that list again."""
    outsiders = outsiders_of(provider, len(found.kept_out))
    said: dict[str, Any] = {"host": connections.host_of(provider), "outsiders": outsiders}
    said |= {"owners": len(found.owners)}
    said |= {"begins_at": form.policy().required_from, "section": "settings"}
    return confirmation("sso/_enforce_confirm.html", confirm, preview=question, carried=form.carried(), **said)


def _refusal(provider: IdentityProvider, wanted: EnforcementPolicy) -> DomainError | None:
    """Return what keeps the viewer from it, before they are asked anything; the page says which way to go.

    It takes a sign-in of just now, through the provider; to require it no more, one by the password will do. A session
    begun at the provider's word sets nothing up.
    """
    refusal = refusal_of_stale(current_actor())
    if current_actor().is_confined:
        return refusal
    if _is_shown(provider):
        return None
    return NotThroughProvider() if wanted.enforcement is Enforcement.REQUIRED else refusal


def _bypassed_until(provider: IdentityProvider) -> datetime | None:
    """Return when a bypass ends, where there is one."""
    is_bypassed = not enforcement.is_required(provider) and not enforcement.is_rehearsed(provider)
    return provider.required_from if is_bypassed else None


def _is_shown(provider: IdentityProvider) -> bool:
    viewer = session.require_viewer()
    return not viewer.is_confined and enforcement.came_just_now(provider, viewer.user_id, viewer.session_id)


def _page(provider: IdentityProvider, form: EnforcementForm, *, status: int = 200) -> Response:
    viewer = session.require_viewer()
    found = enforcing_of(provider, viewer.user_id, viewer.session_id)
    return respond(
        "sso/enforce.html",
        {"panel": "sso/_enforce.html"},
        status=status,
        form=form,
        host=connections.host_of(provider),
        outsiders=outsiders_of(provider, found.requirement.kept_out),
        bypassed_until=_bypassed_until(provider),
        provider=provider,
        rehearsal=found.rehearsal,
        has_identity=found.has_identity,
        is_shown=found.is_shown and not viewer.is_confined,
        is_fresh=viewer.is_fresh,
        is_confined=viewer.is_confined,
        back=typed.way_back(form, request.path),
    )
