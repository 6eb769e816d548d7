"""Forms about one member."""

from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import HiddenField, SelectField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired

from webapp.http.forms import Form
from webapp.http.templating import role_name
from webapp.models import Role


class RoleForm(Form):
    """Another role for a member."""

    role = SelectField(_("Role"), validate_choice=True)

    def __init__(self, roles: list[Role], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.role.choices = [SelectChoice(value=role.label, label=role_name(role)) for role in roles]


class ConfirmForm(Form):
    """That somebody has read what will happen."""

    confirm = HiddenField(_("Confirmation"), validators=[InputRequired(_("Confirm that this shall happen."))])
