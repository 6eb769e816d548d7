"""The pages."""

from flask import Flask

from webapp.blueprints.accounts import bp as accounts
from webapp.blueprints.accounts import profile, verify  # noqa: F401  (they add their routes to the blueprint)
from webapp.blueprints.accounts import routes as account_routes  # noqa: F401
from webapp.blueprints.additions.routes import bp as additions
from webapp.blueprints.audit.routes import bp as audit
from webapp.blueprints.demo.routes import bp as demo
from webapp.blueprints.demo_provider.routes import bp as demo_provider
from webapp.blueprints.groups.routes import bp as groups
from webapp.blueprints.health.routes import bp as health
from webapp.blueprints.invites import answers, changes, routes, through_provider  # noqa: F401  (they add their routes to the blueprint)
from webapp.blueprints.invites import bp as invites
from webapp.blueprints.members import bp as members
from webapp.blueprints.members import bulk, membership, pending, pending_bulk, removals  # noqa: F401  (likewise)
from webapp.blueprints.members import routes as member_routes  # noqa: F401
from webapp.blueprints.organizations.routes import bp as organizations
from webapp.blueprints.projects import bp as projects
from webapp.blueprints.projects import routes as project_routes  # noqa: F401  (likewise)
from webapp.blueprints.projects import settings as project_settings  # noqa: F401
from webapp.blueprints.requests import bp as requests
from webapp.blueprints.requests import join  # noqa: F401  (likewise)
from webapp.blueprints.requests import routes as request_routes  # noqa: F401
from webapp.blueprints.setup.routes import bp as setup
from webapp.blueprints.sso import bp as sso
from webapp.blueprints.sso import coverage, enforcement, linking, overview, ways  # noqa: F401  (likewise)
from webapp.blueprints.sso import disabling as sso_disabling  # noqa: F401
from webapp.blueprints.sso import domains as sso_domains  # noqa: F401
from webapp.blueprints.sso import entrances as sso_entrances  # noqa: F401
from webapp.blueprints.sso import health as sso_health  # noqa: F401
from webapp.blueprints.sso import mappings as sso_mappings  # noqa: F401
from webapp.blueprints.sso import recovery as sso_recovery  # noqa: F401
from webapp.blueprints.sso import rehearsal as sso_rehearsal  # noqa: F401
from webapp.blueprints.sso import secret as sso_secret  # noqa: F401
from webapp.blueprints.sso import setup as sso_setup  # noqa: F401
from webapp.blueprints.sso import taking_away as sso_taking_away  # noqa: F401
from webapp.blueprints.teams import bp as teams
from webapp.blueprints.teams import people  # noqa: F401  (likewise)
from webapp.blueprints.teams import routes as team_routes  # noqa: F401
from webapp.config import Settings


def register(app: Flask, settings: Settings) -> None:
    """Give `app` all pages; the demo's only in a demo."""
    of_people = (members, invites, requests, additions)
    for blueprint in (setup, accounts, organizations, *of_people, teams, projects, groups, audit, sso, health):
        app.register_blueprint(blueprint)
    if settings.demo:
        app.register_blueprint(demo)


def register_demo_provider(app: Flask) -> None:
    """Give `app` the pages of the demo's identity provider, and nothing else."""
    app.register_blueprint(demo_provider)
