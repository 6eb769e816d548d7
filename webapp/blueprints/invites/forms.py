"""Forms of inviting and of answering an invitation."""

from dataclasses import replace
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from webapp.blueprints.members.forms import TermsForm
from webapp.http.choices import numbers_field
from webapp.http.forms import Form, lifetime_field, name_field, password_field
from webapp.models import Role
from webapp.queries.giveable import Giveable
from webapp.services.invitations import Offer

MAX_CHARACTERS = 400_000


class InviteForm(TermsForm):
    """Whom to invite, as what, and for how long."""

    emails = TextAreaField(
        _("Email addresses"),
        validators=[
            InputRequired(_("Enter at least one email address.")),
            Length(max=MAX_CHARACTERS, message=_("This is too much text for 1,000 addresses.")),
        ],
    )
    groups = numbers_field(_("Access groups"))
    lifetime_days = lifetime_field(_("Days until the invitation expires"))

    def __init__(self, roles: list[Role], given: Giveable, *args: Any, **kwargs: Any) -> None:
        super().__init__(roles, given, *args, **kwargs)
        self.groups.choices = list(given.groups)

    def offer(self) -> Offer:
        """Return what was chosen."""
        terms = replace(self.terms(), groups=sorted(set(self.groups.data or ())))
        return Offer.of(terms, self.lifetime_days.data)


class RegisterForm(Form):
    """A new account for the invited address, which cannot be changed here."""

    name = name_field(_("Your name"))
    password = password_field(_("Password"))
