"""What was typed comes back, but for secrets: with whoever signs in again, and where a part of a form is sent again.

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

from webapp.access.decide import refusal_of_stale
from webapp.db import db
from webapp.errors import DomainError, SignInAgain
from webapp.http.again import WayBack
from webapp.http.forms import Form
from webapp.http.limits import LONGEST_ADDRESS
from webapp.http.problems import translated
from webapp.http.session import current_actor, require_viewer
from webapp.vault import NotReadable

NAME: Final = "typed"
KEPT_FOR: Final = timedelta(minutes=30)
NEVER_KEPT: Final = (PasswordField, CSRFTokenField)


def is_fresh_for(form: Form) -> bool:
    """Tell whether the viewer has just signed in by themselves; where they have not, the form says so."""
    refusal = refusal_of_stale(current_actor())
    if refusal is not None:
        form.form_errors.append(translated(refusal))
    return refusal is None


def way_back(form: Form, address: str, **more: str) -> WayBack:
    """Return where to go after signing in again: to the page of a form, with what was typed into it.

    A page that somebody came back to, and that asks once more, leads back with what it was filled with.

    Args:
        form: as it was sent, or just shown.
        address: the path of its page.
        more: what else the page is asked for, where what was typed is.
    """
    is_confined = require_viewer().is_confined
    is_sent = request.method == "POST"
    if not is_sent and _opened(address) is None:
        return WayBack(address, is_confined=is_confined)
    loses_secret = any(isinstance(field, PasswordField) for field in form)
    kept = _kept(form)
    sealed = _sealed(kept, address) if is_sent else request.args[NAME]
    is_kept = _fits(sealed)
    full = f"{address}?{urlencode({NAME: sealed, **more})}" if is_kept else address
    return WayBack(full, is_kept if kept else None, loses_secret, is_confined)


def filled(form: Form, address: str, *, without: str, **more: str) -> str:
    """Return the address of a form's page, to be filled anew with what was just sent but for one field.

    It is filled with nothing where that is too long, or was typed at a provider's word alone.

    Args:
        form: as it was sent.
        address: the path of its page.
        without: the name of the field.
        more: what else the page is asked for.
    """
    sealed = _sealed([name for name in _kept(form) if name != without], address)
    return f"{address}?{urlencode({NAME: sealed, **more} if _fits(sealed) else more)}"


def way_back_from(refusal: DomainError, form: Form, address: str, **more: str) -> WayBack | None:
    """Return the same where a refusal asks for a sign-in of just now; nothing where it does not."""
    return way_back(form, address, **more) if isinstance(refusal, SignInAgain) else None


def way_back_to(carried: Sequence[tuple[str, str]] = ()) -> WayBack:
    """Return where to go after signing in again: to the same question, or the path alone where that is too long."""
    same = f"{request.path}?{urlencode(carried)}" if carried else request.path
    address = same if len(same) <= LONGEST_ADDRESS else request.path
    return WayBack(address, is_confined=require_viewer().is_confined)


def brought() -> dict[str, Any]:
    """Return the arguments that fill a form with what was typed before signing in again; none where nothing was."""
    typed = _opened(request.path) if request.method != "POST" else None
    return {} if typed is None else {"formdata": MultiDict(typed)}


def _kept(form: Form) -> list[str]:
    return [field.name for field in form if not isinstance(field, NEVER_KEPT)]


def _fits(sealed: str) -> bool:
    return 0 < len(sealed) <= LONGEST_ADDRESS


def _sealed(names: Sequence[str], address: str) -> str:
    """Return what was sent by these names, for the page at an address alone; nothing where it may not be kept."""
    if require_viewer().is_confined:
        return ""
    typed = [(name, value) for name in names for value in request.form.getlist(name)]
    return db.vault.seal(_row(address), json.dumps(typed))


def _opened(address: str) -> list[tuple[str, str]] | None:
    """Return what was brought to the page at an address; nothing where that is not to be read there, or any more."""
    try:
        typed = db.vault.open(_row(address), request.args.get(NAME, ""), within=KEPT_FOR)
    except NotReadable:
        return None
    return [(name, value) for name, value in json.loads(typed)]


def _row(address: str) -> str:
    return f"typed:{require_viewer().user_id}:{address}"
