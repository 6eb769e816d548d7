"""Pages and the parts of them that HTMX swaps. Views never read HX headers; this module does."""

from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, redirect, render_template, request

from webapp.errors import SignInAgain


def is_fragment_request() -> bool:
    """Tell whether HTMX asked, on a page that is still there."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def respond(template: str, fragments: Mapping[str, str], /, *, status: int = 200, **context: Any) -> Response:
    """Answer a whole page, or only the fragment that HTMX is about to swap: also a form that needs a new sign-in first.

    Args:
        template: that of the page, which includes the fragments.
        fragments: id of a swapped element to its template.
        status: the HTTP status.
        context: what the templates show.
    """
    target = request.headers.get("HX-Target", "") if is_fragment_request() else ""
    if target in fragments:
        response = make_response(render_template("layout/fragment.html", swapped=fragments[target], **context), status)
        if status == SignInAgain.status:
            in_place(response, target)
    else:
        response = make_response(render_template(template, **context), status)
    response.vary.update(("HX-Request", "HX-Target"))
    return response


def in_place(response: Response, element: str) -> Response:
    """Let HTMX swap an answer into an element although its status is one of those shown above the page."""
    response.headers["HX-Retarget"] = f"#{element}"
    response.headers["HX-Reswap"] = "outerHTML show:window:top"
    return response


def go(location: str) -> Response:
    """Send the browser on after a change: POST, then 303, then GET, with HTMX and without."""
    return make_response(redirect(location, 303))


def leave(location: str) -> Response:
    """Load another page as a whole because nobody is signed in any more, also where HTMX asked."""
    if is_fragment_request():
        response = make_response("", 401)
        response.headers["HX-Redirect"] = location
    else:
        response = go(location)
    response.vary.update(("HX-Request", "HX-Target"))
    return response
