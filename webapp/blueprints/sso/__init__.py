"""Single sign-on: setting it up, signing in by it, linking."""

from flask import Blueprint

bp = Blueprint("sso", __name__)
