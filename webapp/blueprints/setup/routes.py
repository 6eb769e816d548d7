"""First run: the set-up link makes the first owner."""

from flask import Blueprint, Response, flash, make_response, render_template, url_for
from flask_babel import gettext as _

from webapp.blueprints.setup.forms import SetupForm
from webapp.errors import DomainError
from webapp.http import session, uow
from webapp.http.credentials import check_with_new_password
from webapp.http.htmx import go
from webapp.http.rules import PUBLIC, access
from webapp.http.settings import settings
from webapp.models import Organization
from webapp.services import accounts, addresses, first_run, passwords
from webapp.services.accounts import NewAccount

bp = Blueprint("setup", __name__)


@bp.route("/setup/<token>", methods=["GET", "POST"])
@access(PUBLIC, own_transactions=True)
def show(token: str) -> Response:
    """Show the form, and make the first owner of whoever sends it first."""
    uow.read(first_run.require_token, token, settings().secret_key)
    form = SetupForm()
    status = 200
    if form.is_submitted():
        status = 422
        if check_with_new_password(form, known_fields=("name", "email", "organization_name")):
            try:
                return _set_up(form)
            except DomainError as error:
                form.show(error)
    return make_response(render_template("setup/show.html", form=form), status)


def _set_up(form: SetupForm) -> Response:
    owner = NewAccount(form.name.data, addresses.parse(form.email.data), passwords.hash_password(form.password.data))
    organization, session_token = uow.write(_first_owner, owner, form.organization_name.data)
    session.start(session_token)
    flash(_("%(organization)s is ready. Invite the first people.", organization=organization.name), "success")
    return go(url_for("members.index", org=organization.slug))


def _first_owner(owner: NewAccount, organization_name: str) -> tuple[Organization, str]:
    user, organization = first_run.set_up(session.current_actor(), owner, organization_name)
    token = accounts.sign_in(user, ip=session.client_ip(), user_agent=session.user_agent())
    return organization, token
