"""The emailed link: what it offers, and accepting or declining it. Opening it changes nothing."""

from dataclasses import dataclass, field
from datetime import datetime

from flask import Response, flash, make_response, render_template, request, url_for

from webapp.access.actor import Actor
from webapp.blueprints.accounts.forms import SignInForm
from webapp.blueprints.invites import bp
from webapp.blueprints.invites.forms import RegisterForm
from webapp.blueprints.invites.through_provider import described
from webapp.errors import DomainError, InvitationNotOpen, MembershipEnded, NoAnswer, OtherAddress
from webapp.http import session, uow
from webapp.http.credentials import check_with_new_password, require_credentials
from webapp.http.guard import refuse_confined
from webapp.http.htmx import go
from webapp.http.offers import in_short, welcome
from webapp.http.problems import translated
from webapp.http.rules import PUBLIC, access
from webapp.http.session import Viewer
from webapp.models import User
from webapp.models.member import last_day
from webapp.queries.invitations import Offered, State, offered_by, was_accepted_by
from webapp.services import accounts, addresses, attempts, invitations, passwords
from webapp.services.accounts import NewAccount


@dataclass
class _Forms:
    """Both ways to answer, always shown together: the page does not say whether an account exists."""

    register: RegisterForm = field(default_factory=RegisterForm)
    sign_in: SignInForm = field(default_factory=SignInForm)


@bp.get("/invitations/<token>")
@access(PUBLIC)
def show(token: str) -> Response:
    """Show what is offered, by whom, and how to answer."""
    offered, is_viewers = _offer_and_fit(token)
    return _page(offered, is_viewers, _Forms(sign_in=SignInForm(data={"email": offered.email})))


@bp.post("/invitations/<token>")
@access(PUBLIC, own_transactions=True)
def answer(token: str) -> Response:
    """Accept or decline."""
    offered, is_viewers = uow.read(_offer_and_fit, token)
    forms = _Forms()
    if _is_second_answer(offered):
        return go(url_for("members.index", org=offered.organization_slug))
    if offered.state is not State.PENDING:
        return _page(offered, is_viewers, forms, status=409)
    try:
        return _answered(offered, forms)
    except OtherAddress as error:
        uow.note(invitations.record_other_address, session.current_actor(), offered.link)
        return _page(offered, is_viewers, forms, status=error.status)
    except InvitationNotOpen:
        return _closed_meanwhile(token, forms)
    except DomainError as error:
        if session.viewer() is not None:  # whose page has no form to show it in
            raise
        _active(forms).show(error)
        return _page(offered, is_viewers, forms, status=422)


def _closed_meanwhile(token: str, forms: _Forms) -> Response:
    offered, is_viewers = uow.read(_offer_and_fit, token)
    if _is_second_answer(offered):
        return go(url_for("members.index", org=offered.organization_slug))
    return _page(offered, is_viewers, forms, status=InvitationNotOpen.status)


def _is_second_answer(offered: Offered) -> bool:
    """Tell whether whoever answers has accepted before, by the first of two clicks."""
    viewer = session.viewer()
    is_accepted = offered.state is State.ACCEPTED and "accept" in request.form
    return viewer is not None and is_accepted and uow.read(was_accepted_by, viewer.user_id, offered)


@bp.post("/invitations/<token>/switch")
@access(PUBLIC, own_transactions=True)
def switch(token: str) -> Response:
    """Sign out and come back, to answer as somebody else."""
    if session.viewer() is not None:
        uow.write(accounts.sign_out, session.current_actor(), session.token())
    session.stop()
    return go(url_for("invites.show", token=token))


def _offer_and_fit(token: str) -> tuple[Offered, bool]:
    """Return the offer, and whether it is for an address of whoever is signed in."""
    offered = offered_by(token)
    viewer = session.viewer()
    return offered, viewer is not None and invitations.has_address(viewer.user_id, offered.canonical)


def _active(forms: _Forms) -> RegisterForm | SignInForm:
    return forms.sign_in if "email" in request.form else forms.register


def _answered(offered: Offered, forms: _Forms) -> Response:
    if "decline" in request.form:
        uow.write(invitations.decline, session.current_actor(), offered.link)
        return go(request.path)
    if "accept" not in request.form:
        raise NoAnswer
    viewer = session.viewer()
    if viewer is not None:
        return _accept_as_viewer(offered, viewer, forms)
    if "email" in request.form and forms.sign_in.validate():
        return _sign_in(offered, forms.sign_in)
    if "email" not in request.form and _check_registration(offered, forms.register):
        return _register(offered, forms.register)
    return _page(offered, False, forms, status=422)


def _accept_as_viewer(offered: Offered, viewer: Viewer, forms: _Forms) -> Response:
    """Accept as whoever is signed in, unless the form was one for somebody who was not."""
    refuse_confined()
    if {"name", "email", "password"} & set(request.form):
        return _page(*uow.read(_offer_and_fit, offered.token), forms, status=409)
    return _welcome(offered, uow.write(_accept, session.current_actor(), offered, viewer.user_id))


def _accept(actor: Actor, offered: Offered, user_id: int) -> datetime | None:
    """Accept; return when the membership ended, where it was theirs before and nobody who offers it may renew it."""
    member = invitations.accept(actor, offered.link, user_id)
    return member.expires_at if member.has_ended else None


def _sign_in(offered: Offered, form: SignInForm) -> Response:
    """Accept as the owner of the invited address; anybody else is signed in and then chooses."""
    user = require_credentials(form.email.data, form.password.data)
    fits, ended_at, token = uow.write(_sign_in_and_accept, offered, user)
    session.start(token)
    return _welcome(offered, ended_at) if fits else go(request.path)


def _sign_in_and_accept(offered: Offered, user: User) -> tuple[bool, datetime | None, str]:
    actor = Actor.of(user, ip=session.client_ip())
    fits = invitations.has_address(user.id, offered.canonical)
    ended_at = _accept(actor, offered, user.id) if fits else None
    return fits, ended_at, accounts.sign_in(user, ip=session.client_ip(), user_agent=session.user_agent())


def _check_registration(offered: Offered, form: RegisterForm) -> bool:
    known, limits = (offered.email, offered.organization_name), attempts.limits_of("register", session.client_ip())
    return check_with_new_password(form, known=known, known_fields=["name"], limits=limits)


def _register(offered: Offered, form: RegisterForm) -> Response:
    password_hash = passwords.hash_password(form.password.data)
    new = NewAccount(form.name.data, addresses.parse(offered.email), password_hash)
    session.start(uow.write(_register_and_accept, offered, new))
    return _welcome(offered)


def _register_and_accept(offered: Offered, new: NewAccount) -> str:
    member = invitations.accept_as_new(session.current_actor(), offered.link, new)
    user = accounts.by_id(member.user_id)
    return accounts.sign_in(user, ip=session.client_ip(), user_agent=session.user_agent())


def _welcome(offered: Offered, ended_at: datetime | None = None) -> Response:
    if ended_at is not None:
        ended = MembershipEnded(organization=offered.organization_name, day=last_day(ended_at))
        flash(translated(ended), "warning")
        return go(url_for("organizations.index"))
    welcome(offered.organization_name, offered.id)
    return go(url_for("members.index", org=offered.organization_slug))


def _page(offered: Offered, is_viewers: bool, forms: _Forms, *, status: int = 200) -> Response:
    state: str = offered.state
    if offered.state is State.PENDING and session.viewer() is not None and not is_viewers:
        state = "other_address"
    body = render_template(
        "invites/show.html",
        invitation=offered,
        state=state,
        reaches=in_short(offered.has_global_access, offered.held),
        may_accept_with_other=not offered.address_match_required,
        register_form=forms.register,
        sign_in_form=forms.sign_in,
        through=described(offered.provider),
    )
    return make_response(body, status)
