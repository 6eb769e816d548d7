"""Forms of inviting and of answering an invitation."""

from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import SelectField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length

from webapp.http.forms import Form, lifetime_field, name_field, password_field
from webapp.http.templating import role_name
from webapp.models import Role

MAX_CHARACTERS = 400_000


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
    lifetime_days = lifetime_field(_("Days until the invitation expires"))

    def __init__(self, roles: list[Role], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.role.choices = [SelectChoice(value=role.label, label=role_name(role)) for role in roles]


class RegisterForm(Form):
    """A new account for the invited address, which cannot be changed here."""

    name = name_field(_("Your name"))
    password = password_field(_("Password"))
