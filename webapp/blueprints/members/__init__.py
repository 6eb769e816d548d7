"""The pages about members: the lists, one member, and removals."""

from flask import Blueprint

bp = Blueprint("members", __name__)
