"""Inviting, and answering an invitation."""

from flask import Blueprint

bp = Blueprint("invites", __name__)
