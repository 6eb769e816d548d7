"""Notices: what a change has come to, said once on the page that follows. They wait in a cookie that stays small."""

from typing import Any

from flask import Flask, Response, flash, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin

MOST_BYTES = 3_500
"""Of the cookie's value: browsers drop whole cookies of more than 4,096 bytes, and with them who is signed in."""
_WAITING = "_flashes"  # where Flask keeps them
_SHORT_CHARACTERS = 200


class SmallCookie(SecureCookieSessionInterface):
    """Keeps the session in a cookie that every browser takes: notices that would be too long for it are shortened."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the cookie; where it would be too large, notices are cut, and at last the newest of them left out."""
        if session.get(_WAITING) and self._is_too_large(app, session):
            session[_WAITING] = [(category, _cut(message)) for category, message in session[_WAITING]]
            while session[_WAITING] and self._is_too_large(app, session):
                session[_WAITING] = session[_WAITING][:-1]
        super().save_session(app, session, response)

    def _is_too_large(self, app: Flask, session: SessionMixin) -> bool:
        serializer = self.get_signing_serializer(app)
        return serializer is not None and len(serializer.dumps(dict(session))) > MOST_BYTES


def init_app(app: Flask) -> None:
    """Let the cookie of an application stay small."""
    app.session_interface = SmallCookie()


def _cut(message: Any) -> Any:
    if isinstance(message, dict):
        return {**message, "sentence": _cut(message["sentence"])}
    text = str(message)
    return text if len(text) <= _SHORT_CHARACTERS else text[: _SHORT_CHARACTERS - 1].rstrip() + "…"


def say_once(sentence: str) -> None:
    """Warn of something on the page that follows, once however often it happened."""
    if ["warning", sentence] not in [list(waiting) for waiting in session.get(_WAITING, ())]:
        flash(sentence, "warning")


def say_with_undo(sentence: str, undo: str) -> None:
    """Say that something was done, with a button beside it that undoes it by a POST to `undo`."""
    message: Any = {"sentence": sentence, "undo": undo}
    flash(message, "success")


def say_with_link(sentence: str, address: str, label: str) -> None:
    """Say that something was done, with a link beside it to where more can be done about it."""
    message: Any = {"sentence": sentence, "address": address, "label": label}
    flash(message, "success")
