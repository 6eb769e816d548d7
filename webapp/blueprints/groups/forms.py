"""The form of an access group."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import SelectField
from wtforms.fields import SelectChoice

from webapp.http.choices import numbers_field
from webapp.http.forms import name_field
from webapp.http.stale import ShownForm
from webapp.http.templating import role_name
from webapp.models import Role
from webapp.services.access_groups import Contents


class GroupForm(ShownForm):
    """What an access group is to be."""

    name = name_field(_("Name"))
    level = SelectField(_("Level"))
    projects = numbers_field(_("Projects"))
    members = numbers_field(_("Members"))

    def __init__(self, levels: list[Role], projects: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.level.choices = [SelectChoice(value=level.label, label=role_name(level)) for level in levels]
        self.projects.choices = list(projects)

    def contents(self) -> Contents:
        """Return what was entered."""
        level = Role[self.level.data.upper()]
        return Contents(self.name.data, level, frozenset(self.projects.data or ()), frozenset(self.members.data or ()))

    def carried(self) -> list[tuple[str, str]]:
        """Return the names and values that send the same form again."""
        chosen = [("name", self.name.data), ("level", self.level.data)]
        held = {"projects": self.projects.data or (), "members": self.members.data or ()}
        return [
            *super().carried(),
            *chosen,
            *((name, str(number)) for name, numbers in held.items() for number in numbers),
        ]
