"""Proving that an address is one's own."""

from flask import Response, flash, make_response, render_template, request, url_for
from flask_babel import gettext as _

from webapp.blueprints.accounts import bp
from webapp.blueprints.accounts.forms import ResetPasswordForm, VerifyEmailForm
from webapp.errors import DomainError, WrongCredentials
from webapp.http import session, uow
from webapp.http.credentials import count_attempt
from webapp.http.forms import safe_next
from webapp.http.htmx import go
from webapp.http.rules import PUBLIC, SIGNED_IN, access
from webapp.services import accounts, attempts, passwords, verification
from webapp.services.verification import UnprovenAddress


@bp.route("/verify-email/<token>", methods=["GET", "POST"])
@access(PUBLIC, own_transactions=True)
def verify_email(token: str) -> Response:
    """Prove an address by a mailed link, as who is signed in to its account or knows the password of it.

    An expired link leads them to a new one: whose address is unproven can neither sign in nor get a new password. An
    account that nobody can sign in to gets a password with the proof, from whoever has the mailbox.
    """
    unproven = uow.read(verification.unproven_by, token)
    form: VerifyEmailForm | ResetPasswordForm = ResetPasswordForm() if unproven.is_nobodys else VerifyEmailForm()
    status = 200
    if form.is_submitted():
        status = 422
        if _is_viewers(unproven) or (unproven.is_nobodys and unproven.is_expired) or form.validate():
            try:
                return _answer(token, unproven, form)
            except DomainError as error:
                form.show(error)
    page = render_template("accounts/verify_email.html", form=form, unproven=unproven, is_viewers=_is_viewers(unproven))
    return make_response(page, status)


@bp.post("/verify-email")
@access(SIGNED_IN, own_transactions=True, proves=True)
def send_verification() -> Response:
    """Send the letter with the link again."""
    _send(session.require_viewer().user_id)
    return go(safe_next(request.form.get("next")) or url_for("organizations.home"))


def _send(user_id: int) -> None:
    count_attempt(attempts.limits_of("verify-email-letters", session.client_ip()))
    sent = uow.write(verification.send_again, session.current_actor(), user_id)
    if sent is not None:
        flash(_("A letter with a new link is on its way to %(email)s.", email=sent.address), "success")
    else:
        flash(_("Your address is verified already."), "success")


def _is_viewers(unproven: UnprovenAddress) -> bool:
    viewer = session.viewer()
    return viewer is not None and viewer.user_id == unproven.user.id


def _answer(token: str, unproven: UnprovenAddress, form: VerifyEmailForm | ResetPasswordForm) -> Response:
    if unproven.is_nobodys and not unproven.is_expired:
        return _choose(token, unproven, form.password.data)
    if not _is_viewers(unproven) and not unproven.is_nobodys:
        _require_password(unproven, form.password.data)
    if unproven.is_expired:
        _send(unproven.user.id)
    else:
        email = uow.write(verification.verify, token, unproven.user.id, ip=session.client_ip())
        flash(_("%(email)s is verified. From now on you can sign in with it.", email=email.address), "success")
    return go(url_for("organizations.home") if session.viewer() else url_for("accounts.login"))


def _choose(token: str, unproven: UnprovenAddress, password: str) -> Response:
    count_attempt(attempts.limits_of("new-password", session.client_ip()))
    passwords.check_new(password, (unproven.user.name, unproven.email.address))
    password_hash = passwords.hash_password(password)
    email = uow.write(verification.choose_password, token, password_hash, ip=session.client_ip())
    session.stop()
    flash(_("%(email)s is verified, and you have a password. Sign in with both.", email=email.address), "success")
    return go(url_for("accounts.login"))


def _require_password(unproven: UnprovenAddress, password: str) -> None:
    count_attempt(attempts.limits_of("verify-email", session.client_ip(), unproven.email.canonical))
    if not passwords.verify(password, unproven.user.password_hash):
        uow.write(accounts.refuse_sign_in, session.current_actor(), unproven.email.canonical)
        raise WrongCredentials
