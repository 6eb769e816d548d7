"""The way to a provider and back: signing in, and where each flow ends."""

import logging
from collections.abc import Callable
from dataclasses import replace

from flask import Response, flash, g, make_response, render_template, request, url_for
from flask_babel import gettext as _

from webapp.access.actor import Actor
from webapp.access.facts import MemberFacts, facts_of_user
from webapp.blueprints.sso import bp, mistakes
from webapp.errors import DomainError, NotFound
from webapp.http import session, sso, uow
from webapp.http.forms import safe_next
from webapp.http.htmx import go
from webapp.http.offers import greet, welcome
from webapp.http.problems import translated
from webapp.http.rules import PUBLIC, access
from webapp.http.session import current_actor
from webapp.models import FlowPurpose, IdentityProvider, Organization
from webapp.providers.errors import ProviderError
from webapp.providers.words import WORDS
from webapp.queries.sso import Entrance, entrance_of
from webapp.services import accounts, managed, members, organizations, sessions
from webapp.services.invitation_links import Link
from webapp.services.managed import Answer
from webapp.services.sso import connections, identities, joining, refusals, replacing
from webapp.services.sso.enforcement import JUST_NOW, is_required
from webapp.services.sso.errors import FlowNotYours, IdentityTaken, LinkFirst, SecondIdentity, SsoError
from webapp.services.sso.flows import Flow
from webapp.services.sso.identities import Said

log = logging.getLogger(__name__)


@bp.get("/orgs/<slug>/sso/login")
@access(PUBLIC, own_transactions=True)
def login(slug: str) -> Response:
    """Show where signing in leads; a button leaves."""
    entrance = uow.read(_entrance, slug)
    provider = entrance.provider
    said = {"entrance": entrance, "host": connections.host_of(provider), "is_required": is_required(provider)}
    return make_response(render_template("sso/login.html", **said))


@bp.post("/orgs/<slug>/sso/login")
@access(PUBLIC, own_transactions=True)
def sign_in(slug: str) -> Response:
    """Leave for the organization's provider to sign in; anew there, where something wants that to be a moment ago."""
    if refusal := uow.write(sso.count_departure):
        raise refusal
    max_age = int(JUST_NOW.total_seconds()) if "again" in request.args else None
    return uow.write(
        lambda: sso.depart_to_sign_in(
            _entrance(slug).organization_id, request.args.get("next"), max_age_seconds=max_age
        )
    )


def _entrance(slug: str) -> Entrance:
    entrance = entrance_of(slug)
    if entrance is None:
        raise NotFound
    return entrance


@bp.get("/sso/leave/<state>")
@access(PUBLIC, own_transactions=True)
def leave(state: str) -> Response:
    """Leave for the provider: of a page of ours, since no form may lead to another server."""
    flow = g.sso_flow = sso.departing(state)
    if refusal := uow.write(sso.count_leaving, state):
        raise refusal
    try:
        address = sso.way_there(flow)
    except DomainError as error:
        _note(flow, error, None)
        if to_mend := _to_mend(flow, error):
            return to_mend
        raise
    page = render_template("sso/leave.html", flow=flow, address=address, host=connections.host_of(flow.connected))
    response = make_response(page)
    response.headers["Refresh"] = f"0; url={address}"
    return response


@bp.get("/sso/callback/<int:provider>")
@access(PUBLIC, own_transactions=True)
def callback(provider: int) -> Response:
    """Come back from a provider: the flow is used up, then the provider asked, then everything looked at again."""
    flow, brought = sso.returned(provider)
    g.sso_flow = flow
    said: Said | None = None
    try:
        said = sso.ask(flow, brought)
        g.sso_claimed = said.email
        return _ends(flow)(flow, said)
    except DomainError as error:
        _note(flow, error, said)
        if to_mend := _to_mend(flow, error):
            return to_mend
        raise


def _to_mend(flow: Flow, error: DomainError) -> Response | None:
    """Lead whoever sets a connection up back to the form where it can be mended, if that is why it came to nothing."""
    return mistakes.led_back(flow, error) if isinstance(error, ProviderError) else None


def _ends(flow: Flow) -> Callable[[Flow, Said], Response]:
    if flow.renews:
        return _end_renewal
    return {FlowPurpose.SIGN_IN: _end_sign_in, FlowPurpose.LINK: _end_link, FlowPurpose.SETUP: _end_setup}[flow.purpose]


def _note(flow: Flow, error: DomainError, said: Said | None) -> None:
    """Let owners find in the audit log why a flow came to nothing, by the reference on the page."""
    uow.note(refusals.note, current_actor(), flow, _noted(error), g.get("request_id", ""), said)


def _noted(error: DomainError) -> str:
    """Return the sentence by which the audit log says why somebody was refused; it has no placeholders."""
    if isinstance(error, ProviderError):
        return WORDS[error.reason]
    return (isinstance(error, SsoError) and error.noted) or (error.title if error.params else error.sentence)


@bp.errorhandler(SsoError)
@bp.errorhandler(ProviderError)
def refused(error: SsoError | ProviderError) -> Response:
    """Say what went wrong: who said no, who is silent, what is set up wrongly, or what is not believed."""
    flow: Flow | None = g.get("sso_flow")
    words = WORDS.get(error.reason) if isinstance(error, ProviderError) else None
    _log(error, flow)
    page = render_template(
        "sso/refused.html",
        title=_(error.title),
        sentence=translated(error),
        words=words,
        then=error.then if isinstance(error, SsoError) else None,
        flow=flow,
        claimed=g.get("sso_claimed"),
        request_id=g.get("request_id", ""),
    )
    return make_response(page, error.status)


def _log(error: SsoError | ProviderError, flow: Flow | None) -> None:
    """Let whoever runs the server find it too, by the same reference."""
    details = {"request_id": g.get("request_id", ""), "error": type(error).__name__}
    details |= {"reason": error.reason.value} if isinstance(error, ProviderError) else {}
    log.warning("Single sign-on was refused.", extra=details | ({"connection": flow.connected.id} if flow else {}))


def _arrived(flow: Flow) -> tuple[Organization, IdentityProvider]:
    """Hold the organization's lock, and return it with the connection, which must be as it was."""
    organization = organizations.lock(flow.organization_id)
    found = connections.current(organization, flow.connected.id, flow.provider_version, flow.wanted_status)
    return organization, found


def _end_sign_in(flow: Flow, said: Said) -> Response:
    early = _asked_early(identities.member_facts, flow.connected.id, said.subject)
    came = uow.write(_sign_in, flow, said, early)
    if isinstance(came, LinkFirst):
        raise came
    token, has_joined = came
    if token is not None:
        session.start(token)
    if flow.secrets.link is not None:
        _say_what_became_of(flow.secrets.link, flow, has_joined)
    elif has_joined:
        greet(flow.organization_name)
    return go(safe_next(flow.next) or url_for("members.index", org=flow.organization_slug))


def _say_what_became_of(link: Link, flow: Flow, has_joined: bool) -> None:
    """Welcome whoever came by an invitation, or say why it is still there."""
    if has_joined:
        welcome(flow.organization_name, link.invitation_id)
    else:
        said = {"organization": flow.organization_name}
        flash(
            _("You are a member of %(organization)s already. The invitation you came by is still open.", **said), "info"
        )


def _asked_early(facts: Callable[..., MemberFacts | None], *of: object) -> Answer | None:
    """Ask plug-ins which groups somebody shall be in while no lock is held, if it is known already who that is."""
    member = uow.read(facts, *of) if managed.asks() else None
    return managed.ask_early(member) if member is not None else None


def _sign_in(flow: Flow, said: Said, early: Answer | None) -> tuple[str | None, bool] | LinkFirst:
    """Sign in whom the provider named.

    Returns:
        The token of a new session, or None where they were signed in; and whether they have just become a member. Or
        that they have an account: that the provider named it is counted in the very transaction that found it out.
    """
    organization, provider = _arrived(flow)
    viewer = session.reload_viewer() if session.token() else None
    visitor = Actor.visitor(session.client_ip(), current_actor().language)
    try:
        arrival = joining.come_in(visitor, organization, provider, said, link=flow.secrets.link, early=early)
    except LinkFirst as refusal:  # nothing is changed before it
        joining.tell_named(organization, provider, said)
        return refusal
    if viewer is not None and viewer.user_id == arrival.user.id:
        identities.note_session(session.token(), arrival.identity, said)
        return None, arrival.has_joined
    if session.token():
        sessions.end(session.token())
    token = accounts.sign_in(arrival.user, ip=session.client_ip(), user_agent=session.user_agent(), is_confined=True)
    identities.note_session(token, arrival.identity, said)
    return token, arrival.has_joined


def _end_link(flow: Flow, said: Said) -> Response:
    early = _asked_early(facts_of_user, flow.organization_id, flow.user_id)
    try:
        uow.write(_link, flow, said, early)
    except (IdentityTaken, SecondIdentity):
        uow.note(_tell_refused, flow, said)
        raise
    flash(_("Your account is linked. From now on you can sign in with it here."), "success")
    return go(safe_next(flow.next) or url_for("accounts.profile"))


def _link(flow: Flow, said: Said, early: Answer | None) -> None:
    organization, provider = _arrived(flow)
    actor = _whoever_began(flow, organization)
    identity = identities.link(actor, organization, provider, said, early)
    identities.note_session(session.token(), identity, said)


def _tell_refused(flow: Flow, said: Said) -> None:
    organization, provider = _arrived(flow)
    identities.tell_refused(organization, provider, flow.user_id or 0, said.subject)


def _end_renewal(flow: Flow, said: Said) -> Response:
    uow.write(_renew, flow)
    flash(_("The new client secret works, and has taken the place of the old one."), "success")
    return go(url_for("sso.show", org=flow.organization_slug))


def _renew(flow: Flow) -> None:
    """Put the secret to use that has just been accepted; whom the provider named is nobody's business here."""
    organization, provider = _arrived(flow)
    actor = _whoever_began(flow, organization)
    connections.renew_secret(actor, organization, provider, flow.connected.client_secret or "")


def _end_setup(flow: Flow, said: Said) -> Response:
    early = _asked_early(facts_of_user, flow.organization_id, flow.user_id)
    uow.write(_set_up, flow, said, early)
    flash(_("Single sign-on works, and your own account is linked."), "success")
    flash(_("Members who are not linked yet get a letter soon that leads there."), "info")
    return go(url_for("sso.show", org=flow.organization_slug))


def _set_up(flow: Flow, said: Said, early: Answer | None) -> None:
    """Put the connection to use, and link whoever set it up: never whom the provider names."""
    organization, provider = _arrived(flow)
    actor = _whoever_began(flow, organization)
    replacing.activate(actor, organization, provider, said.learned)
    identity = identities.link(actor, organization, provider, said, early)
    identities.note_session(session.token(), identity, said)


def _whoever_began(flow: Flow, organization: Organization) -> Actor:
    """Return who began a flow, and is still signed in here; their membership is read under the lock.

    They had just signed in when it began (`sso.depart`), and it is at most ten minutes old: that is enough.

    Raises:
        FlowNotYours: somebody else is, or nobody.
    """
    viewer = session.reload_viewer()
    if viewer is None or viewer.user_id != flow.user_id:
        raise FlowNotYours
    g.member = members.of_user(organization, viewer.user_id)
    return replace(current_actor(), is_fresh=not viewer.is_confined)
