"""Signing in and out, and getting a new password."""

from typing import Any

from flask import Response, current_app, flash, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import refresh

from webapp.blueprints.accounts import bp
from webapp.blueprints.accounts.forms import ForgotPasswordForm, ResetPasswordForm, SignInForm
from webapp.errors import DomainError
from webapp.http import session, uow
from webapp.http.credentials import check_with_new_password, count_attempt, require_credentials
from webapp.http.forms import safe_next
from webapp.http.htmx import go
from webapp.http.rules import PUBLIC, access
from webapp.http.session import Viewer
from webapp.models import User
from webapp.queries.sso_entrances import entrance_towards, leads_anywhere
from webapp.services import accounts, addresses, attempts, first_run, networks, passwords, sessions
from webapp.services.sso import connections


@bp.route("/login", methods=["GET", "POST"])
@access(PUBLIC, own_transactions=True)
def login() -> Response:
    """Sign in with address and password; also again, where something wants it to be a moment ago."""
    wanted = safe_next(request.args.get("next")) or url_for("organizations.home")
    viewer = session.viewer()
    is_enough = viewer is not None and not viewer.is_confined and "again" not in request.args
    if is_enough and request.method != "POST":
        return go(wanted)
    form = SignInForm()
    status = 200
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                user = require_credentials(form.email.data, form.password.data)
                session.start(uow.write(_sign_in, user))
                return go(wanted)
            except DomainError as error:
                form.show(error)
    return make_response(_login_page(form, viewer, wanted), status)


def _login_page(form: SignInForm, viewer: Viewer | None, wanted: str) -> str:
    """Return the page; where somebody has to enter their password again, a provider's word would not do."""
    is_again = viewer is not None and not viewer.is_confined
    return render_template(
        "accounts/login.html",
        form=form,
        awaits_set_up=request.method != "POST" and _awaits_set_up(),
        known=viewer,
        others=None if is_again else uow.read(_other_ways, wanted),
    )


def _other_ways(wanted: str) -> dict[str, Any]:
    """Return the provider of the organization somebody is on the way to; else whether any domain leads to one."""
    entrance = entrance_towards(wanted)
    host = connections.host_of(entrance.provider) if entrance else None
    return {"entrance": entrance, "host": host, "by_domain": entrance is None and leads_anywhere()}


def _awaits_set_up() -> bool:
    """Tell whether nobody has an account yet. Once somebody has, that stays so, and the database is asked no more."""
    if not current_app.extensions.get("vestibule.set_up"):
        current_app.extensions["vestibule.set_up"] = not uow.read(first_run.is_possible)
    return not current_app.extensions["vestibule.set_up"]


def _sign_in(user: User) -> str:
    if token := session.token():
        sessions.end(token)
    return accounts.sign_in(user, ip=session.client_ip(), user_agent=session.user_agent())


@bp.post("/logout")
@access(PUBLIC, own_transactions=True)
def logout() -> Response:
    """Sign this browser out."""
    if session.viewer() is not None:
        uow.write(accounts.sign_out, session.current_actor(), session.token())
    session.stop()
    refresh()  # the notice speaks the language of the page that shows it, which is the browser's again
    flash(_("You are signed out."), "success")
    return go(url_for("accounts.login"))


@bp.route("/forgot-password", methods=["GET", "POST"])
@access(PUBLIC, own_transactions=True)
def forgot_password() -> Response:
    """Mail a link for a new password; the answer is the same for every address."""
    form = ForgotPasswordForm()
    if form.is_submitted() and form.validate():
        address = addresses.parse(form.email.data)
        is_known = uow.read(networks.is_known, address.canonical, session.client_ip())
        limits = attempts.limits_of("reset", session.client_ip(), address.canonical, is_known_network=is_known)
        count_attempt(limits)
        uow.write(accounts.request_reset, session.current_actor(), address)
        return go(url_for("accounts.forgot_password", sent=1))
    status = 422 if form.is_submitted() else 200
    sent = "sent" in request.args
    return make_response(render_template("accounts/forgot_password.html", form=form, sent=sent), status)


@bp.route("/reset-password/<token>", methods=["GET", "POST"])
@access(PUBLIC, own_transactions=True)
def reset_password(token: str) -> Response:
    """Choose a new password by a mailed link."""
    known = uow.read(_known_of_holder, token)
    form = ResetPasswordForm()
    status = 200
    if form.is_submitted():
        status = 422
        limits = attempts.limits_of("new-password", session.client_ip())
        if check_with_new_password(form, known=known, limits=limits):
            try:
                return _reset(token, passwords.hash_password(form.password.data))
            except DomainError as error:
                form.show(error)
    return make_response(render_template("accounts/reset_password.html", form=form), status)


def _known_of_holder(token: str) -> tuple[str, str]:
    user = accounts.holder_of_reset(token)
    return user.name, accounts.primary_address(user.id).address


def _reset(token: str, password_hash: str) -> Response:
    uow.write(accounts.reset_password, token, password_hash, ip=session.client_ip())
    session.stop()
    flash(_("Your password is changed and you are signed out everywhere. Sign in with the new one."), "success")
    return go(url_for("accounts.login"))
