"""Forms of a project."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import SelectField
from wtforms.validators import InputRequired

from webapp.http.choices import number, numbers_field
from webapp.http.forms import Form, name_field
from webapp.http.stale import ShownForm


class NewProjectForm(Form):
    """How a project is called."""

    name = name_field(_("Name"))


class ProjectForm(NewProjectForm, ShownForm):
    """How a project is called, and which teams own it."""

    teams = numbers_field(_("Teams"))

    def __init__(self, teams: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.teams.choices = list(teams)

    def carried(self) -> list[tuple[str, str]]:
        """Return the names and values that send the same form again."""
        return [
            *super().carried(),
            ("name", self.name.data),
            *(("teams", str(number)) for number in self.teams.data or ()),
        ]


class AddProjectForm(Form):
    """A project that another team owns already."""

    project = SelectField(_("Project"), coerce=number, validators=[InputRequired(_("Choose a project."))])

    def __init__(self, projects: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.project.choices = list(projects)
