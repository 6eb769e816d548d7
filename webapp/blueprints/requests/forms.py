"""Forms of asking."""

from flask_babel import lazy_gettext as _

from webapp.http.forms import Form, email_field


class AddressForm(Form):
    """For whom somebody asks: a visitor for themselves, a member for another."""

    email = email_field(_("Email address"), is_new=True)


class AskForm(Form):
    """A request of somebody signed in, whose address is known."""
