"""One's own account: name, language, password, and where one is signed in."""

from typing import Any

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import ngettext, refresh

from webapp.blueprints.accounts import bp
from webapp.blueprints.accounts.forms import ChangePasswordForm, ProfileForm
from webapp.errors import DomainError, SignInRequired, WrongPassword
from webapp.http import session, uow
from webapp.http.credentials import check_with_new_password, count_attempt
from webapp.http.htmx import go, respond
from webapp.http.rules import SIGNED_IN, access
from webapp.http.session import Viewer, current_actor
from webapp.models import User
from webapp.queries.account import addresses_of, sessions_of
from webapp.queries.sso import own_links_of
from webapp.services import accounts, passwords
from webapp.services import profile as own
from webapp.services.sso import connections


@bp.get("/account/")
@access(SIGNED_IN)
def profile() -> Response:
    """Show one's own account; at the word of an organization's provider alone only how to get a way of one's own in."""
    viewer = session.require_viewer()
    if viewer.is_confined and viewer.has_password:
        raise SignInRequired
    if viewer.is_confined:
        return respond("accounts/own_way_in.html", {"panel": "accounts/_own_way_in.html"})
    return _page(_facts())


@bp.post("/account/")
@access(SIGNED_IN)
def update() -> Response:
    """Change one's name and language."""
    form = ProfileForm()
    if not form.validate():
        return _page(_facts(), profile_form=form, status=422)
    try:
        if own.change(current_actor(), form.name.data, form.language.data or None):
            session.reload_viewer()
            refresh()  # the notice speaks the new language already
            flash(_("Your account is changed."), "success")
    except DomainError as error:
        form.show(error)
        return _page(_facts(), profile_form=form, status=422)
    return go(url_for("accounts.profile"))


@bp.post("/account/password")
@access(SIGNED_IN, own_transactions=True)
def change_password() -> Response:
    """Choose a new password, knowing the present one; every other browser is signed out."""
    form = ChangePasswordForm()
    user = _checked(session.require_viewer(), form)
    if user is not None:
        try:
            session.start(_token_after_change(user, form.password.data))
            flash(_("Your password is changed, and every other browser is signed out."), "success")
            return go(url_for("accounts.profile"))
        except DomainError as error:
            form.show(error)
    return _page(uow.read(_facts), password_form=form, status=422)


@bp.post("/account/sessions/<int:session_id>/end")
@access(SIGNED_IN)
def end_session(session_id: int) -> Response:
    """Sign one of one's own browsers out."""
    own.end_session(current_actor(), session_id)
    flash(_("That browser is signed out."), "success")
    return go(url_for("accounts.profile"))


@bp.post("/account/sessions/end")
@access(SIGNED_IN)
def end_other_sessions() -> Response:
    """Sign all of one's own browsers out but this one."""
    ended = own.end_other_sessions(current_actor(), session.token())
    flash(ngettext("%(num)d other browser is signed out.", "%(num)d other browsers are signed out.", ended), "success")
    return go(url_for("accounts.profile"))


def _checked(viewer: Viewer, form: ChangePasswordForm) -> User | None:
    """Count an attempt, and return the viewer's account if both passwords will do; else the form says what is wrong.

    Raises:
        TooManyAttempts: it is one too many.
    """
    count_attempt([own.guesses_of(viewer.user_id)])
    is_right = check_with_new_password(form, known=(viewer.name, viewer.email))
    if form.current_password.errors:
        return None
    user = uow.read(accounts.by_id, viewer.user_id)
    if not passwords.verify(form.current_password.data, user.password_hash):
        form.show(WrongPassword())
        return None
    return user if is_right else None


def _token_after_change(user: User, password: str) -> str:
    return uow.write(
        own.change_password,
        current_actor(),
        user,
        passwords.hash_password(password),
        ip=session.client_ip(),
        user_agent=session.user_agent(),
    )


def _facts() -> dict[str, Any]:
    """Return what the page shows of the viewer's account, besides the forms."""
    viewer = session.require_viewer()
    return {
        "addresses": addresses_of(viewer.user_id),
        "sessions": sessions_of(viewer.user_id, this=viewer.session_id),
        "has_password": viewer.has_password,
        "links": [(link, connections.host_of(link.provider)) for link in own_links_of(viewer.user_id)],
    }


def _page(
    facts: dict[str, Any],
    *,
    profile_form: ProfileForm | None = None,
    password_form: ChangePasswordForm | None = None,
    status: int = 200,
) -> Response:
    viewer = session.require_viewer()
    typed = {"name": viewer.name, "language": viewer.language or ""}
    return respond(
        "accounts/profile.html",
        {"panel": "accounts/_profile.html"},
        status=status,
        profile_form=profile_form or ProfileForm(formdata=None, data=typed),
        password_form=password_form or ChangePasswordForm(formdata=None),
        **facts,
    )
