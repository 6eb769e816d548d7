"""For load balancers and monitors."""

from flask import Blueprint, Response, jsonify, make_response
from sqlalchemy.exc import DBAPIError

from webapp import schema
from webapp.db import db
from webapp.errors import Busy
from webapp.http import uow
from webapp.http.rules import SOFTWARE, access

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@access(SOFTWARE, own_transactions=True)
def alive() -> Response:
    """Say that the process answers."""
    return jsonify(status="alive")


@bp.get("/readyz")
@access(SOFTWARE, own_transactions=True)
def ready() -> Response:
    """Say whether the database answers and has the schema of this version."""
    try:
        is_current = uow.read(lambda: schema.is_current(db.session.connection()))
    except (Busy, DBAPIError):
        return make_response(jsonify(status="the database is out of reach"), 503)
    if not is_current:
        return make_response(jsonify(status="the schema is not that of this version; run vestibule migrate"), 503)
    return jsonify(status="ready")
