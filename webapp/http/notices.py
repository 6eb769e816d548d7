"""Notices: what a change has come to, said once on the page that follows."""

from typing import Any

from flask import flash


def say_with_undo(sentence: str, undo: str) -> None:
    """Say that something was done, with a button beside it that undoes it by a POST to `undo`."""
    message: Any = {"sentence": sentence, "undo": undo}
    flash(message, "success")


def say_with_link(sentence: str, address: str, label: str) -> None:
    """Say that something was done, with a link beside it to where more can be done about it."""
    message: Any = {"sentence": sentence, "address": address, "label": label}
    flash(message, "success")
