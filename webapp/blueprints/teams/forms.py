"""Forms of a team."""

from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import StringField
from wtforms.validators import ValidationError

from webapp.http.choices import numbers_field
from webapp.http.confirmations import ConfirmForm
from webapp.http.forms import Form, name_field
from webapp.services.words import single_line


class TeamForm(Form):
    """How a team is called."""

    name = name_field(_("Name"))


class PeopleForm(Form):
    """Who shall belong to a team."""

    members = numbers_field(_("Members"))


class RemoveTeamForm(ConfirmForm):
    """The name of the team, typed by whoever wants to remove it."""

    name = StringField(_("Name of the team"), filters=[single_line])

    def __init__(self, expected: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._expected = expected

    def validate_name(self, field: StringField) -> None:
        """Go on only if the name is that of the team."""
        if field.data != self._expected:
            raise ValidationError(_("Enter the name of the team exactly: %(name)s", name=self._expected))
