"""The pages."""

from flask import Flask

from webapp.blueprints.accounts.routes import bp as accounts
from webapp.blueprints.audit.routes import bp as audit
from webapp.blueprints.demo.routes import bp as demo
from webapp.blueprints.health.routes import bp as health
from webapp.blueprints.invites import answers, routes  # noqa: F401  (they add their routes to the blueprint)
from webapp.blueprints.invites import bp as invites
from webapp.blueprints.members.routes import bp as members
from webapp.blueprints.organizations.routes import bp as organizations
from webapp.blueprints.setup.routes import bp as setup
from webapp.config import Settings


def register(app: Flask, settings: Settings) -> None:
    """Give `app` all pages; the demo's only in a demo."""
    for blueprint in (setup, accounts, organizations, members, invites, audit, health):
        app.register_blueprint(blueprint)
    if settings.demo:
        app.register_blueprint(demo)
