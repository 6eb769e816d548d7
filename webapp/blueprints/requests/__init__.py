"""Asking to join, suggesting somebody, and the tab Requests."""

from flask import Blueprint

bp = Blueprint("requests", __name__)
