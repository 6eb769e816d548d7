"""The demo's OpenID provider over HTTP: its endpoints, and a page to pick a person instead of signing in."""

from typing import cast
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import Authorization
from werkzeug.exceptions import BadRequest, HTTPException, SecurityError

from webapp.blueprints.demo_provider.forms import StrangerForm
from webapp.errors import N_
from webapp.http.problems import HTTP_SENTENCES
from webapp.http.settings import settings
from webapp.providers import demo
from webapp.providers.demo_identity_provider import DemoIdentityProvider
from webapp.services import addresses

bp = Blueprint("demo_provider", __name__)

UNKNOWN_CLIENT = (
    N_("This request is not from the demo"),
    N_("The demo's identity provider signs people in to the demo only. Start there again."),
)


class UnknownClient(BadRequest):
    """Who asks is not the demo, or wants people sent elsewhere: they are sent nowhere (RFC 6749, section 4.1.2.1)."""


def _provider() -> DemoIdentityProvider:
    return cast(DemoIdentityProvider, current_app.extensions["vestibule.demo_provider"])


@bp.get("/")
def index() -> str:
    """Say what to enter to connect an organization."""
    return render_template("demo_provider/index.html", offered=demo.offered_in(settings()))


@bp.get("/.well-known/openid-configuration")
def discovery() -> Response:
    """Describe the provider."""
    return jsonify(_provider().discovery())


@bp.get("/jwks")
def jwks() -> Response:
    """Give the public keys."""
    return jsonify(_provider().jwks())


@bp.get("/authorize")
def authorize() -> str:
    """Ask who signs in."""
    _asked()
    return _question(StrangerForm(formdata=None))


@bp.post("/authorize")
def answer() -> ResponseReturnValue:
    """Send the browser back as whoever was chosen or made up, or as nobody."""
    asked, subject = _asked(), request.form.get("person")
    if "refuse" in request.form:
        return _back(asked, None)
    if subject is not None:
        return _back(asked, subject) if subject in _provider().people else _question(StrangerForm(formdata=None))
    form = StrangerForm()
    if not form.validate():
        return _question(form), 422
    return _back(asked, demo.admit(_provider(), form.name.data or "", addresses.parse(form.email.data or "")))


@bp.post("/token")
def token() -> ResponseReturnValue:
    """Exchange a code or a refresh token."""
    reply = _provider().token(request.form, credentials_in(request.authorization))
    return jsonify(reply.body), reply.status


@bp.get("/userinfo")
def userinfo() -> ResponseReturnValue:
    """Say what is known of a person to whoever shows their access token."""
    shown = request.authorization.token if request.authorization else None
    reply = _provider().userinfo(shown or "")
    return jsonify(reply.body), reply.status


@bp.app_errorhandler(HTTPException)
def problem(error: HTTPException) -> ResponseReturnValue:
    """Answer an error by a page."""
    status = error.code or 500
    known = HTTP_SENTENCES.get(status, HTTP_SENTENCES[400 if status < 500 else 500])
    title, sentence = UNKNOWN_CLIENT if isinstance(error, UnknownClient) else known
    if isinstance(error, SecurityError):  # for another host there are no addresses that a page could name
        return str(_(sentence)), status
    return render_template("demo_provider/problem.html", status=status, title=_(title), sentence=_(sentence)), status


def credentials_in(authorization: Authorization | None) -> tuple[str, str] | None:
    """Return client id and secret of a Basic header, each decoded as RFC 6749, section 2.3.1, demands."""
    if authorization is None or authorization.type != "basic":
        return None
    sent = (authorization.username, authorization.password)
    name, secret = (dict(parse_qsl(f"x={value}")).get("x", "") for value in sent)
    return name, secret


def _asked() -> dict[str, str]:
    asked = request.args.to_dict()
    if not _provider().is_known(asked):
        raise UnknownClient
    return asked


def _question(form: StrangerForm) -> str:
    people = list(_provider().people.items())
    return render_template(
        "demo_provider/authorize.html", people=people, form=form, host=urlsplit(settings().base_url).netloc
    )


def _back(asked: dict[str, str], subject: str | None) -> ResponseReturnValue:
    return redirect(_provider().answer(asked, subject), 303)
