"""The form of adding an existing user."""

from flask_babel import lazy_gettext as _

from webapp.blueprints.members.forms import TermsForm
from webapp.http.forms import email_field


class AddForm(TermsForm):
    """Whom to add, and as what."""

    email = email_field(_("Email address"))
