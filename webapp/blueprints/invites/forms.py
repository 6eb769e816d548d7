"""Forms of inviting and of answering an invitation."""

from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import IntegerField, SelectField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange

from webapp.http.forms import Form, name_field, password_field
from webapp.http.templating import role_name
from webapp.models import Role
from webapp.services.invitations import MAX_LIFETIME_DAYS, MIN_LIFETIME_DAYS

MAX_CHARACTERS = 400_000


def _comparable(days: int | None) -> int | None:
    """Return a number of days, those beyond all reason as one: NumberRange fails on what no float can hold."""
    return days if days is None else max(MIN_LIFETIME_DAYS - 1, min(days, MAX_LIFETIME_DAYS + 1))


class InviteForm(Form):
    """Whom to invite, as what, and for how long."""

    emails = TextAreaField(
        _("Email addresses"),
        validators=[
            InputRequired(_("Enter at least one email address.")),
            Length(max=MAX_CHARACTERS, message=_("This is too much text for 1,000 addresses.")),
        ],
    )
    role = SelectField(_("Role"), validate_choice=True)
    lifetime_days = IntegerField(
        _("Days until the invitation expires"),
        filters=[_comparable],
        validators=[
            InputRequired(_("Enter a number of days.")),
            NumberRange(MIN_LIFETIME_DAYS, MAX_LIFETIME_DAYS, _("Between %(min)d and %(max)d days.")),
        ],
    )

    def __init__(self, roles: list[Role], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.role.choices = [SelectChoice(value=role.label, label=role_name(role)) for role in roles]


class RegisterForm(Form):
    """A new account for the invited address, which cannot be changed here."""

    name = name_field(_("Your name"))
    password = password_field(_("Password"))
