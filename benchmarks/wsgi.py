"""The application under test, and beside it a bare Flask view; for gunicorn."""

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from webapp import create_app

bare = Flask("bare")


@bare.get("/")
def view() -> str:
    """Answer as little as Flask can."""
    return "bare"


app = DispatcherMiddleware(create_app(), {"/bare": bare})
