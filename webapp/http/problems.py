"""Every error is a page, or a fragment for `#problems`, in the design of all others."""

import logging
from datetime import date
from urllib.parse import quote

from flask import Flask, Response, current_app, g, make_response, render_template, request, url_for
from flask_babel import format_decimal
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError

from webapp.errors import N_, DomainError, ProviderRequired, SignInAgain, SignInRequired
from webapp.http import notices
from webapp.http.again import WayBack
from webapp.http.choices import is_search
from webapp.http.days import day
from webapp.http.htmx import is_fragment_request, leave

log = logging.getLogger(__name__)

HTTP_SENTENCES = {
    400: (N_("That request made no sense"), N_("Part of the request was missing or malformed. Nothing was stored.")),
    404: (N_("Page not found"), N_("There is nothing here, or nothing you may see. Check the address.")),
    405: (N_("That does not work this way"), N_("This address cannot be used like that. Nothing was changed.")),
    413: (N_("Too much at once"), N_("What was sent is too large. Nothing was stored; try again with less.")),
    500: (N_("Something went wrong"), N_("This is our fault. Nothing of this request was stored; please try again.")),
}


def init_app(app: Flask) -> None:
    """Let `app` answer every error with a sentence."""
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def translated(error: DomainError) -> str:
    """Return the sentence of a refusal in the language of the page."""
    return str(_(error.sentence, **{name: _said(value) for name, value in error.params.items()}))


def _said(value: object) -> object:
    if isinstance(value, date):
        return day(value)
    return format_decimal(value) if isinstance(value, int) else value


def _domain_error(error: DomainError) -> Response:
    if isinstance(error, SignInRequired):
        if request.method == "POST" and not is_search():
            notices.say_once(_("Nothing was stored. Sign in first, then send it again."))
        return leave(_sign_in_address(error))
    again_at = WayBack(_page_at_hand()) if isinstance(error, SignInAgain) else None
    return problem(error.status, _(error.title), translated(error), again_at=again_at)


def _page_at_hand() -> str:
    """Return the page to come back to after signing in again: what was asked for, or the nearest where that is none."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    addresses = current_app.create_url_adapter(request)
    if addresses is not None and addresses.test(request.path, "GET"):
        return request.path
    start = "sso.show" if request.blueprint == "sso" else "members.index"
    return url_for(start, org=(request.view_args or {})["org"])


def _sign_in_address(error: SignInRequired) -> str:
    """Return where to sign in as an error wants it, and from there back to the page, where it was one."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" and not is_fragment_request() else ""
    if not isinstance(error, ProviderRequired):
        address = url_for("accounts.login")
    elif error.has_identity:
        address = url_for("sso.login", slug=error.slug)
    else:
        address = url_for("sso.link", org=error.slug)
    return address + (f"?next={quote(wanted, safe='/')}" if wanted else "")


def _csrf_error(_error: CSRFError) -> Response:
    return problem(
        403,
        _("This page was open for too long"),
        _(
            "The form could not be checked, so nothing was stored. Copy what you typed, reload the page and send it "
            "again."
        ),
    )


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    title, sentence = HTTP_SENTENCES.get(status, HTTP_SENTENCES[400 if status < 500 else 500])
    if isinstance(error, SecurityError):  # for another host there are no addresses that a page could name
        return make_response(_(sentence), status, {"Content-Type": "text/plain; charset=utf-8"})
    return problem(status, _(title), _(sentence))


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error, extra={"request_id": g.get("request_id", "")})
    title, sentence = HTTP_SENTENCES[500]
    return problem(500, _(title), _(sentence))


def problem(status: int, title: str, sentence: str, *, again_at: WayBack | None = None) -> Response:
    """Answer an error: the fragment where HTMX asked, the whole page otherwise.

    Args:
        status: the HTTP status.
        title: what happened.
        sentence: what it means.
        again_at: where signing in again leads, where that helps.
    """
    template = "problems/_problem.html" if is_fragment_request() else "problems/problem.html"
    said = {"title": title, "sentence": sentence, "again_at": again_at, "request_id": g.get("request_id", "")}
    body = render_template(template, status=status, **said)
    response = make_response(body, status)
    response.vary.update(("HX-Request", "HX-Target"))
    return response
