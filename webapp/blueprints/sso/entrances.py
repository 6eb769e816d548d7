"""From the sign-in page to an organization's provider, by the domain of an address. No account is looked for."""

from flask import Response, make_response, render_template, request, url_for
from flask_babel import lazy_gettext as _

from webapp.blueprints.sso import bp
from webapp.errors import DomainError
from webapp.http import session, uow
from webapp.http.credentials import count_attempt
from webapp.http.forms import Form, email_field, safe_next
from webapp.http.htmx import go
from webapp.http.rules import PUBLIC, access
from webapp.queries.sso_entrances import entrance_by_domain
from webapp.services import addresses, attempts
from webapp.services.sso.errors import DomainUnknown


class AddressForm(Form):
    """The address whose domain says where to sign in."""

    email = email_field(_("Email address"))


@bp.route("/login/sso", methods=["GET", "POST"])
@access(PUBLIC, own_transactions=True)
def find_entrance() -> Response:
    """Ask for an address, and lead to where people of its domain sign in."""
    form, status = AddressForm(), 200
    if form.is_submitted():
        status = 422
        if form.validate():
            count_attempt(attempts.limits_of("sso-domain", session.client_ip()))
            try:
                return _lead(addresses.parse(form.email.data).canonical.rpartition("@")[2])
            except DomainError as error:
                form.show(error)
    return make_response(render_template("sso/find_entrance.html", form=form), status)


def _lead(domain: str) -> Response:
    """Lead to the page that names organization and provider, and has the button.

    Raises:
        DomainUnknown: no organization has proven the domain, or none whose connection is in use.
    """
    entrance = uow.read(entrance_by_domain, domain)
    if entrance is None:
        raise DomainUnknown(domain=domain)
    return go(url_for("sso.login", slug=entrance.slug, next=safe_next(request.args.get("next"))))
