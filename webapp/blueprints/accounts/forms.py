"""Forms of signing in and of passwords."""

from flask_babel import lazy_gettext as _

from webapp.http.forms import Form, email_field, password_field


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
