"""Forms about one member."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import DateField, Field, RadioField, SelectField
from wtforms.fields import SelectChoice
from wtforms.validators import Optional, StopValidation

from webapp.http.choices import CHOSEN, EVERYTHING, chosen_in, numbers_field, reach_choices, reach_field
from webapp.http.forms import Form
from webapp.http.stale import ShownForm
from webapp.http.templating import role_name
from webapp.models import Role
from webapp.queries.giveable import Giveable
from webapp.services.memberships import Terms
from webapp.services.restriction import How, Reach

AS_IT_IS = "as-it-is"
HOW_NAMES = {How.ADD: _("Add teams"), How.TAKE: _("Take teams away"), How.REPLACE: _("Replace all")}


class RoleForm(Form):
    """Another role for a member."""

    role = SelectField(_("Role"), validate_choice=True)

    def __init__(self, roles: list[Role], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.role.choices = [SelectChoice(value=role.label, label=role_name(role)) for role in roles]


class ManyForm(RoleForm):
    """What several members shall have: the role, or what is reached and which teams, beside theirs or instead of them.

    Nothing of it is chosen but what takes nothing away.
    """

    has_global_access = RadioField(_("Projects"), default=AS_IT_IS)
    how = RadioField(_("What becomes of their teams"), default=How.ADD.value)
    teams = numbers_field(_("Teams"))

    def __init__(self, roles: list[Role], teams: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(roles, **kwargs)
        self.has_global_access.choices = [SelectChoice(value=AS_IT_IS, label=_("As it is")), *reach_choices()]
        self.how.choices = [SelectChoice(value=how.value, label=label) for how, label in HOW_NAMES.items()]
        self.teams.choices = list(teams)


class TermsForm(RoleForm):
    """As what somebody joins: the role, and what is reached. Only what may be given can be chosen.

    Forms of earlier pages say nothing of what is reached, and mean every project. `data` is what a new form starts with
    beside the usual: a member, with global access where it may be given.
    """

    has_global_access = reach_field()
    teams = numbers_field(_("Teams"))

    def __init__(
        self, roles: list[Role], given: Giveable, data: dict[str, object] | None = None, **kwargs: Any
    ) -> None:
        if data is not None:
            data = {
                "role": Role.MEMBER.label,
                "has_global_access": EVERYTHING if given.global_access else CHOSEN,
                **data,
            }
        super().__init__(roles, data=data, **kwargs)
        self.has_global_access.choices = reach_choices(everything=given.global_access)
        self.teams.choices = list(given.teams)

    def terms(self) -> Terms:
        """Return what was chosen."""
        everything = (self.has_global_access.data or EVERYTHING) == EVERYTHING
        return Terms(Role[self.role.data.upper()], everything, sorted(set(self.teams.data or ())))


def _is_sent(_form: Form, field: Field) -> None:
    if not field.raw_data:
        raise StopValidation(str(_("Choose a day after today, within ten years, or none.")))


class EndForm(ShownForm):
    """The last day of a membership; none where the field comes empty, which it does not where it is missing."""

    last_day = DateField(_("Membership ends"), validators=[_is_sent, Optional()])

    def carried(self) -> list[tuple[str, str]]:
        """Return the names and values that send the same form again."""
        return [*super().carried(), ("last_day", self.last_day.data.isoformat() if self.last_day.data else "")]


class MemberForm(RoleForm, ShownForm):
    """The role, and what is reached: every project, or only what teams and access groups give."""

    has_global_access = reach_field()
    teams = numbers_field(_("Teams"))

    def __init__(self, roles: list[Role], teams: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(roles, **kwargs)
        self.teams.choices = list(teams)

    def reached(self, present: Reach) -> Reach:
        """Return what was chosen; what is there already where the form says nothing of it."""
        if not self.has_global_access.data:
            return present
        return Reach(self.has_global_access.data == EVERYTHING, chosen_in(self.teams, present.teams))

    def carried(self) -> list[tuple[str, str]]:
        """Return the names and values that send the same form again."""
        chosen = [("role", self.role.data), ("has_global_access", self.has_global_access.data or "")]
        return [*super().carried(), *chosen, *(("teams", str(number)) for number in self.teams.data or ())]
