"""Forms that only a fresh sign-in may send: what was typed comes back with whoever signs in again, but for secrets.

It travels sealed in the address of the form's page, for that page and that person and half an hour, so nobody fills a
form for others. What is typed at a provider's word alone is not kept: whoever runs it would fill forms for the person.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from flask import request
from werkzeug.datastructures import MultiDict
from wtforms import PasswordField
from wtforms.csrf.core import CSRFTokenField

from webapp.db import db
from webapp.errors import DomainError, OwnersNeedSignIn
from webapp.http.forms import Form
from webapp.http.problems import translated
from webapp.http.session import require_viewer
from webapp.services.sso.errors import SignInAgain
from webapp.vault import NotReadable

NAME: Final = "typed"
# Servers and browsers refuse addresses of more than about 4,000 characters.
MOST_CHARACTERS: Final = 3_000
KEPT_FOR: Final = timedelta(minutes=30)
NEVER_KEPT: Final = (PasswordField, CSRFTokenField)


def is_fresh_for(form: Form) -> bool:
    """Tell whether the viewer has just signed in by themselves; where they have not, the form says so."""
    is_fresh = require_viewer().is_fresh
    if not is_fresh:
        form.form_errors.append(translated(SignInAgain()))
    return is_fresh


def way_back(form: Form, address: str) -> str:
    """Return where to go after signing in again: to the page of a form, with what was typed into it.

    Args:
        form: as it was sent, or just shown.
        address: the path of its page.
    """
    if request.method != "POST" or require_viewer().is_confined:
        return address
    kept = [field.name for field in form if not isinstance(field, NEVER_KEPT)]
    typed = [(name, value) for name in kept for value in request.form.getlist(name)]
    sealed = db.vault.seal(_row(address), json.dumps(typed))
    return f"{address}?{NAME}={sealed}" if len(sealed) <= MOST_CHARACTERS else address


def way_back_from(refusal: DomainError, form: Form, address: str) -> str | None:
    """Return the same where a refusal asks for a sign-in of just now; nothing where it does not."""
    return way_back(form, address) if isinstance(refusal, OwnersNeedSignIn) else None


def way_back_to(carried: Sequence[tuple[str, str]]) -> str:
    """Return where to go after signing in again: to the same question, or the path alone where that is too long."""
    same = f"{request.path}?{urlencode(carried)}"
    return same if len(same) <= MOST_CHARACTERS else request.path


def brought() -> dict[str, Any]:
    """Return the arguments that fill a form with what was typed before signing in again; none where nothing was."""
    sealed = request.args.get(NAME)
    if sealed is None or request.method == "POST":
        return {}
    try:
        return {"formdata": MultiDict(json.loads(db.vault.open(_row(request.path), sealed, within=KEPT_FOR)))}
    except NotReadable:
        return {}


def _row(address: str) -> str:
    return f"typed:{require_viewer().user_id}:{address}"
