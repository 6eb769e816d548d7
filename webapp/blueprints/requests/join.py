"""An organization's sign-in page, where anybody may ask to join if it says so."""

from flask import Response, make_response, redirect, render_template, request, url_for

from webapp.blueprints.requests import bp
from webapp.blueprints.requests.forms import AddressForm, AskForm
from webapp.errors import AddressNotProven, DomainError
from webapp.http import session, uow
from webapp.http.credentials import count_attempt
from webapp.http.guard import refuse_confined
from webapp.http.htmx import go
from webapp.http.rules import PUBLIC, access
from webapp.queries.requests import Joinable, joinable
from webapp.services import addresses, attempts, invitations, requests


# Not `org`: that would stand for an organization whose members alone may come here.
@bp.route("/orgs/<slug>/join", methods=["GET", "POST"])
@access(PUBLIC, own_transactions=True)
def join(slug: str) -> Response:
    """Ask to join; the answer is the same for everybody."""
    organization = uow.read(joinable, slug)
    if organization.slug != slug:
        present = url_for("requests.join", slug=organization.slug, asked=request.args.get("asked"))
        return make_response(redirect(present, 308))
    form = AddressForm() if session.viewer() is None else AskForm()
    status = 200
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                _ask(organization, form)
                return go(url_for("requests.join", slug=organization.slug, asked=1))
            except DomainError as error:
                form.show(error)
    asked = "asked" in request.args and not form.is_submitted()
    body = render_template("requests/join.html", joinable=organization, form=form, asked=asked)
    return make_response(body, status)


def _ask(organization: Joinable, form: AddressForm | AskForm) -> None:
    viewer = session.viewer()
    refuse_confined()
    address = addresses.parse(form.email.data if viewer is None else viewer.email)
    count_attempt(attempts.limits_of("join", session.client_ip(), address.canonical))
    if viewer is not None and not uow.read(invitations.has_address, viewer.user_id, address.canonical):
        raise AddressNotProven
    uow.write(requests.ask_to_join, session.current_actor(), organization.id, address)
