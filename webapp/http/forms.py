"""What all forms share."""

from typing import Any
from urllib.parse import urlsplit

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import Field, IntegerField, PasswordField, StringField
from wtforms.form import BaseForm
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, ValidationError

from webapp.errors import DomainError, InvalidAddress, SignInAgain
from webapp.http.problems import translated
from webapp.http.settings import settings
from webapp.services import addresses
from webapp.services.invitations import MAX_LIFETIME_DAYS, MIN_LIFETIME_DAYS
from webapp.services.words import single_line

NAME_MAX_CHARACTERS = 200


class Form(FlaskForm):
    """A form that can show a refusal of the domain beside the field it speaks of."""

    class Meta(FlaskForm.Meta):
        """Reads what forms send, and nothing else."""

        def wrap_formdata(self, form: BaseForm, formdata: Any) -> Any:
            """Return the fields; Flask-WTF would parse a JSON body for them, which may be nested without end."""
            return None if request.is_json else super().wrap_formdata(form, formdata)

    def show(self, error: DomainError) -> None:
        """Show a refusal beside its field, or above the form where it has none; the answer has its status.

        Raises:
            DomainError: the refusal, when it is no matter of input, nor mended by signing in again.
        """
        if error.status != 422 and not isinstance(error, SignInAgain):
            raise error
        field = self._fields.get(error.field or "")
        (field.errors if field is not None else self.form_errors).append(translated(error))


def name_field(label: Any, **kwargs: Any) -> StringField:
    """Return a field for a name of a person or a thing."""
    return StringField(
        label,
        filters=[single_line],
        validators=[
            DataRequired(lazy_gettext("Enter a name.")),
            Length(max=NAME_MAX_CHARACTERS, message=lazy_gettext("A name has at most %(max)d characters.")),
        ],
        **kwargs,
    )


def email_field(label: Any, *, is_new: bool = False, **kwargs: Any) -> StringField:
    """Return a field for one email address; `is_new` where it comes in now, so that a letter has to arrive there."""
    is_right = _is_new_address if is_new else _is_address
    return StringField(label, validators=[InputRequired(lazy_gettext("Enter an email address.")), is_right], **kwargs)


def password_field(label: Any, **kwargs: Any) -> PasswordField:
    """Return a field for a password; it is never sent back."""
    return PasswordField(label, validators=[InputRequired(lazy_gettext("Enter a password."))], **kwargs)


def lifetime_field(label: Any) -> IntegerField:
    """Return a field for the number of days an invitation lives."""
    return days_field(label, MIN_LIFETIME_DAYS, MAX_LIFETIME_DAYS)


def days_field(label: Any, least: int, most: int) -> IntegerField:
    """Return a field for a number of days, from `least` to `most`."""

    def comparable(days: int | None) -> int | None:
        """Return a number of days, those beyond all reason as one: NumberRange fails on what no float can hold."""
        return days if days is None else max(least - 1, min(days, most + 1))

    return IntegerField(
        label,
        filters=[comparable],
        validators=[
            InputRequired(lazy_gettext("Enter a number of days.")),
            NumberRange(least, most, lazy_gettext("Between %(min)d and %(max)d days.")),
        ],
    )


def _is_address(_form: Form, field: Field) -> None:
    try:
        addresses.parse(field.data)
    except InvalidAddress as error:
        raise ValidationError(_(error.sentence)) from error


def _is_new_address(_form: Form, field: Field) -> None:
    try:
        addresses.parse_new(field.data, settings().mail_domain)
    except InvalidAddress as error:
        raise ValidationError(_(error.sentence)) from error


def safe_next(target: str | None) -> str | None:
    """Return `target` if it is a path of this server, else nothing: no redirect leaves by it."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    parts = urlsplit(target)
    is_plain = target.isprintable() and target.isascii() and "\\" not in target
    return target if is_plain and not parts.scheme and not parts.netloc else None
