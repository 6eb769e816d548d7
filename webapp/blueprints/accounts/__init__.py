"""Signing in and out, passwords, and one's own account."""

from flask import Blueprint

bp = Blueprint("accounts", __name__)
