"""The pages of teams: the list, and the tabs of each."""

from flask import Blueprint

bp = Blueprint("teams", __name__)
