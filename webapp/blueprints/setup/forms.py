"""The form of the first run."""

from flask_babel import lazy_gettext as _

from webapp.http.forms import Form, email_field, name_field, password_field


class SetupForm(Form):
    """The first owner and their organization."""

    organization_name = name_field(_("Organization"))
    name = name_field(_("Your name"))
    email = email_field(_("Your email address"), is_new=True)
    password = password_field(_("Password"))
