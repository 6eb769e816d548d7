"""The form of adding an existing user."""

from flask_babel import lazy_gettext as _

from webapp.blueprints.members.forms import RoleForm
from webapp.http.forms import email_field


class AddForm(RoleForm):
    """Whom to add, and as what."""

    email = email_field(_("Email address"))
