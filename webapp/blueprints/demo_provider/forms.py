"""The form of somebody whom the demo's identity provider does not know yet."""

from flask_babel import lazy_gettext as _

from webapp.http.forms import Form, email_field, name_field


class StrangerForm(Form):
    """Somebody who is made up on the spot."""

    name = name_field(_("Name"))
    email = email_field(_("Email address"))
