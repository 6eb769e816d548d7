"""Forms of signing in, of passwords and of one's own account."""

from flask_babel import lazy_gettext as _
from wtforms import SelectField
from wtforms.fields import SelectChoice

from webapp.http.forms import Form, email_field, name_field, password_field
from webapp.http.languages import LANGUAGES


class SignInForm(Form):
    """Address and password."""

    email = email_field(_("Email address"))
    password = password_field(_("Password"))


class ForgotPasswordForm(Form):
    """The address to which the link goes."""

    email = email_field(_("Email address"))


class ResetPasswordForm(Form):
    """A new password."""

    password = password_field(_("New password"))


class ProfileForm(Form):
    """How somebody is called, and the language they read."""

    name = name_field(_("Your name"))
    language = SelectField(
        _("Language"),
        choices=[
            SelectChoice(value="", label=_("As the browser asks for")),
            *(SelectChoice(value=code, label=name) for code, name in LANGUAGES.items()),
        ],
    )


class ChangePasswordForm(Form):
    """A new password, for somebody who knows the present one."""

    current_password = password_field(_("Present password"))
    password = password_field(_("New password"))


class VerifyEmailForm(Form):
    """The password of the account that an address is to belong to."""

    password = password_field(_("Password"))
