"""Forms of an organization."""

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired

from webapp.http.forms import Form, lifetime_field, name_field
from webapp.services.words import single_line


class NewOrganizationForm(Form):
    """How the organization is called."""

    name = name_field(_("Name"))


class SettingsForm(Form):
    """Everything an owner may change. Its fields are those of `OrganizationSettings`, by name."""

    name = name_field(_("Name"))
    slug = StringField(
        _("Name in addresses"), filters=[single_line], validators=[InputRequired(_("Enter a name for addresses."))]
    )
    members_may_invite = BooleanField(_("Every member may invite"))
    invitation_lifetime_days = lifetime_field(_("Days an invitation lives"))
    address_match_required = BooleanField(_("Only the invited address may accept"))
    join_requests_allowed = BooleanField(_("People may ask to join"))
    invitation_reminders = BooleanField(_("Remind before an invitation expires"))
