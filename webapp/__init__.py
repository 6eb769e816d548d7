"""Vestibule: who belongs here, how do we know it is them, and what may they open."""

from urllib.parse import urlsplit

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp import blueprints, extensions
from webapp import db as database
from webapp.access import plugins
from webapp.config import DEMO_HOST, BadSetting, Settings
from webapp.http import (
    converters,
    guard,
    headers,
    languages,
    limits,
    logs,
    notices,
    problems,
    rules,
    session,
    sso,
    templating,
)
from webapp.providers import demo
from webapp.services import sessions
from webapp.vault import Vault


def create_app(settings: Settings | None = None) -> Flask:
    """Wire the application together.

    Args:
        settings: read from the environment when left out.

    Raises:
        BadSetting: a setting, or a plug-in that cannot be loaded, stops the start.
        UndeclaredRoute: a route has declared no access rule.
    """
    settings = settings or Settings.from_environment()
    plugins.manager()
    app = guard.GuardedFlask(__name__)
    app.url_map.converters.update(converters.CONVERTERS)
    app.config.update(_flask_config(settings))
    app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
        app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0, x_host=0, x_port=0, x_prefix=0
    )
    app.extensions["vestibule"] = settings
    app.debug = False
    if settings.demo:  # its mailbox is open to whoever reaches it, so no other name may lead here
        app.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost", "[::1]"]
    _connect_extensions(app, settings)
    logs.init_app(app)
    limits.init_app(app)
    extensions.csrf.init_app(app)
    headers.init_app(app, is_secure=settings.is_secure)
    problems.init_app(app)
    templating.init_app(app, settings)
    sso.init_app(app, settings)
    blueprints.register(app, settings)
    rules.refuse_undeclared(app)
    return app


def create_demo_provider(settings: Settings) -> Flask:
    """Wire the identity provider of a demo together: an application of its own, without a database.

    Args:
        settings: those of the demo, with the issuer.

    Raises:
        BadSetting: this is no demo.
    """
    offered = demo.offered_in(settings)
    if offered is None or not settings.is_local:
        raise BadSetting("Only a demo on this machine has an identity provider of its own.")
    app = Flask(__name__)
    app.config.update(TRUSTED_HOSTS=[DEMO_HOST], WTF_CSRF_ENABLED=False)  # it has no sessions that one could ride on
    app.extensions["vestibule"] = settings
    app.extensions["vestibule.demo_provider"] = demo.identity_provider(offered.issuer, settings.base_url)
    logs.init_app(app)
    limits.init_app(app)
    # Its forms lead back to the server; a policy names no IPv6 address, so it names the scheme.
    headers.init_app(app, is_secure=False, forms_lead_to=f"'self' {urlsplit(settings.base_url).scheme}:")
    languages.init_app(app)
    templating.init_app(app, settings)
    blueprints.register_demo_provider(app)
    return app


def _connect_extensions(app: Flask, settings: Settings) -> None:
    database.db.init_app(app)
    extensions.migrate.init_app(app, database.db)
    languages.init_app(app)
    extensions.mail.init_app(app)
    extensions.login_manager.session_protection = None
    extensions.login_manager.request_loader(session.load_viewer)
    extensions.login_manager.init_app(app, add_context_processor=False)  # it would ask the database for error pages too
    notices.init_app(app)
    with app.app_context():
        database.db.prepare(Vault(settings.encryption_keys))


def _flask_config(settings: Settings) -> dict[str, object]:
    return {
        "SECRET_KEY": settings.secret_key,
        "SECRET_KEY_FALLBACKS": list(settings.secret_key_fallbacks),
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": database.engine_options(settings.database_url),
        "SESSION_COOKIE_NAME": "__Host-vestibule" if settings.is_secure else "vestibule",
        "SESSION_COOKIE_SECURE": settings.is_secure,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_REFRESH_EACH_REQUEST": False,  # files that caches keep must set no cookie
        "PERMANENT_SESSION_LIFETIME": sessions.LIFETIME,
        "WTF_CSRF_SECRET_KEY": [*settings.secret_key_fallbacks, settings.secret_key],  # the last one signs
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,  # it wants a Referer, and our pages send none; the token decides
    }
