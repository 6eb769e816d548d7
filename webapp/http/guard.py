"""The guard: before a view it asks whether its rule lets this session in, and loads what the address names."""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, make_response, request
from flask import redirect as redirect_to
from flask.typing import ResponseReturnValue
from werkzeug.routing import RequestRedirect

from webapp.access.decide import decide, require
from webapp.access.roles import Scope
from webapp.db import MustWrite
from webapp.errors import (
    Conflict,
    Forbidden,
    MembershipEnded,
    MembershipSuspended,
    NotFound,
    ProviderRequired,
    SignInRequired,
)
from webapp.http import uow
from webapp.http.choices import is_search
from webapp.http.confirmations import is_turning_back
from webapp.http.environment import Environment
from webapp.http.loading import lead_elsewhere, load_children, load_named, load_viewer_and_organization
from webapp.http.rules import PUBLIC, SIGNED_IN, SOFTWARE, Asks, Rule, rule_of
from webapp.http.session import Viewer, belongs_to, current_actor, reload_viewer, token, viewer
from webapp.http.whole import WholeRequest
from webapp.models import Member, MemberStatus, Organization, Project, Team
from webapp.models.member import last_day
from webapp.services import organizations, refusals, sessions
from webapp.services.sso import connections, identities

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
T = TypeVar("T")


class GuardedFlask(Flask):
    """Flask, with the guard and the unit of work around every view."""

    jinja_environment = Environment
    request_class = WholeRequest

    def dispatch_request(self) -> ResponseReturnValue:
        """Answer the request: transaction, guard, view."""
        if isinstance(request.routing_exception, RequestRedirect):
            return _redirect_here(request.routing_exception)
        if request.url_rule is None:
            self.raise_routing_exception(request)
        if request.method == "OPTIONS":
            return self.make_default_options_response()
        endpoint = request.url_rule.endpoint
        view = self.ensure_sync(self.view_functions[endpoint])
        return _answer(rule_of(self, endpoint), view, dict(request.view_args or {}))


def _redirect_here(redirect: RequestRedirect) -> Response:
    """Lead to the usual spelling of a path, naming no host: the one in the request may be invented."""
    parts = urlsplit(redirect.new_url)
    path = f"/{parts.path.lstrip('/')}"
    return make_response(redirect_to(f"{path}?{parts.query}" if parts.query else path, redirect.code))


def _answer(rule: Rule, call: Callable[..., Any], arguments: dict[str, Any]) -> ResponseReturnValue:
    only_reads = (rule.finds and is_search()) or (rule.turns_back and is_turning_back())
    is_unsafe = request.method not in SAFE_METHODS and not only_reads
    try:
        if rule.own_transactions:
            return _answer_step_by_step(rule, call, arguments)
        if is_unsafe and rule.allows is not PUBLIC and (elsewhere := _turn_away(arguments.get("org"))):
            return elsewhere
        if rule.asks is not None and (elsewhere := _ask_outside(rule, rule.asks, arguments)):
            return elsewhere
        is_question = rule.previews and not (is_unsafe and request.form.get("confirm"))
        response = _asked(rule, call, arguments) if is_question else None
        if response is None or (is_unsafe and response.status_code < 400):
            response = _run(rule, call, arguments, write=is_unsafe)
    except Forbidden as refusal:
        if is_unsafe:
            _record_refusal(refusal)
        raise
    _touch(viewer())
    return response


def _ask_outside(rule: Rule, asks: Asks, arguments: dict[str, Any]) -> Response | None:
    """Let a view's question be answered while no transaction is open; add the answer to its arguments.

    Returns:
        Where whoever asks is led instead, from an address of earlier.
    """
    questions: list[Callable[[], object]] = []

    def look(**loaded: Any) -> Response:
        questions.append(asks(**loaded))
        return make_response("")

    response = _run(rule, look, arguments, write=False)
    if not questions:
        return response
    arguments["told"] = questions[-1]()
    return None


def _turn_away(slug: str | None) -> Response | None:
    """Refuse, before the lock is asked for, whoever it is none of the business of: they hold nobody up.

    It costs members one statement. What is decided here is decided again under the lock.

    Raises:
        SignInRequired: nobody is signed in.
        NotFound: they do not belong to the organization, or may not use their membership.
    """
    if not token():
        raise SignInRequired
    if slug is None:
        if uow.read(reload_viewer) is None:
            raise SignInRequired
        return None
    return uow.read(_look, slug)


def _look(slug: str) -> Response | None:
    """Return where somebody is led from an address of earlier; see `_turn_away`."""
    if belongs_to(slug):
        return None
    found, organization = load_viewer_and_organization(slug)
    if found is None:
        raise SignInRequired
    if organization is None:
        return lead_elsewhere(slug, found)
    _refuse_elsewhere(organization, found)
    _refuse_inactive(organization)
    require(current_actor(), Scope.ORG_READ, organization)
    return None


def read_on(step: Callable[..., T], *args: object, **kwargs: object) -> T:
    """Run a step of a file that is sent piece by piece in a reading transaction, if whoever asked for it still may.

    Raises:
        SignInRequired, NotFound, Forbidden: they may not any more; the file breaks off.
    """
    found: T = uow.read(_ask_again, step, *args, **kwargs)
    return found


def _ask_again(step: Callable[..., T], *args: object, **kwargs: object) -> T:
    rule = rule_of(current_app, request.endpoint or "")
    found, organization = load_viewer_and_organization(str((request.view_args or {})["org"]))
    if found is None or not isinstance(rule.allows, Scope):
        raise SignInRequired
    if organization is None:
        raise NotFound
    _require_way_in(rule, organization, found)
    require(current_actor(), rule.allows, organization)
    return step(*args, **kwargs)


def _asked(rule: Rule, call: Callable[..., Any], arguments: dict[str, Any]) -> Response | None:
    """Answer without the lock where nothing has to be tried, for whoever may not look above all; else hold it shortly.

    Nothing is answered where the change needs no question.
    """
    try:
        return _run(rule, call, arguments, write=False)
    except MustWrite:
        pass
    try:
        return _run(rule, call, arguments, write=True, keep=False)
    except MustWrite:
        return None


def _run(
    rule: Rule, call: Callable[..., Any], arguments: dict[str, Any], *, write: bool, keep: bool = True
) -> Response:
    return uow.run(lambda: _enter(rule, call, arguments, lock=write), write=write, keep=keep)


def _answer_step_by_step(rule: Rule, call: Callable[..., Any], arguments: dict[str, Any]) -> ResponseReturnValue:
    if rule.allows is not SOFTWARE:
        found = uow.read(reload_viewer) if token() else None
        if rule.allows is SIGNED_IN:
            if found is None:
                raise SignInRequired
            _refuse_confined(found, is_proof=rule.proves)
    return cast(ResponseReturnValue, call(**arguments))


def _enter(rule: Rule, call: Callable[..., Any], arguments: dict[str, Any], *, lock: bool) -> Response:
    """Load everything inside the transaction, decide, and call the view with models."""
    loaded = dict(arguments)
    g.organization = g.member = None
    slug = loaded.pop("org", None)
    if lock and rule.also_locks is not None:
        loaded["held"] = rule.also_locks()
    locked = organizations.lock_by_slug(slug, loaded.get("held", ())) if lock and slug is not None else None
    of_organization = isinstance(rule.allows, Scope)
    found, organization = load_viewer_and_organization(str(slug)) if of_organization else (reload_viewer(), None)
    if rule.allows is not PUBLIC and found is None:
        raise SignInRequired
    if rule.allows is SIGNED_IN and found is not None:
        _refuse_confined(found, is_proof=rule.proves)
    if isinstance(rule.allows, Scope):
        if organization is None:
            return lead_elsewhere(str(slug), found)
        _require_way_in(rule, organization, found)
        if lock and organization.id != locked:  # renamed to this slug just now, so nobody holds its lock
            raise Conflict
        loaded["organization"] = organization
        if former := load_named(organization, loaded):
            return former
        require(current_actor(), rule.allows, loaded.get("project") or loaded.get("team") or organization)
        load_children(organization, loaded)
    return current_app.make_response(call(**loaded))


def refuse_confined() -> None:
    """Go on, in a public view, only with nobody, or with somebody who may act in their own name anywhere.

    Raises:
        SignInRequired: an organization's provider alone says who they are.
    """
    if (found := viewer()) is not None:
        _refuse_confined(found)


def _refuse_confined(found: Viewer, *, is_proof: bool = False) -> None:
    """Let nobody change an account at the word of an organization's provider alone: whoever runs it may be anybody.

    Whoever has no password may go where they get a way of their own to prove who they are.
    """
    is_open = is_proof and not found.has_password
    if found.is_confined and request.method not in SAFE_METHODS and not is_open:
        raise SignInRequired


def _require_way_in(rule: Rule, organization: Organization, found: Viewer | None) -> None:
    """Go on only if the session may open the organization, given how it began and how it came to the provider.

    Raises:
        SignInRequired: it was begun at the word of another organization's provider.
        ProviderRequired: it has to come through the organization's provider first, or anew.
        MembershipSuspended, MembershipEnded: there is no way in at present, or any more.
    """
    _refuse_elsewhere(organization, found)
    _refuse_inactive(organization)
    is_leaving = rule.leads_out and found is not None and not found.is_confined
    if g.came_otherwise and not rule.leads_in and not is_leaving:
        _lead_to_provider(organization, g.member)


def is_kept_out() -> bool:
    """Tell whether whoever asks has yet to come through the organization's provider, on a page that leads in or out."""
    return bool(g.get("came_otherwise"))


def _refuse_elsewhere(organization: Organization, found: Viewer | None) -> None:
    """Open no organization at the word of another one's provider: every owner may configure one that says anything.

    It comes before all that depends on the membership, of which such a session learns nothing.

    Raises:
        SignInRequired: the session was begun at a provider's word, and not at that of the provider of this one.
        ProviderRequired: it was, but that has run out.
    """
    if found is None or not found.is_confined:
        return
    if not identities.is_way_into(organization, found.session_id, found.user_id):
        if identities.was_way_into(organization, found.session_id, found.user_id):
            _lead_to_provider(organization, g.member)
        raise SignInRequired


def _refuse_inactive(organization: Organization) -> None:
    """Let nobody in whose membership is suspended or has ended; the list of their organizations says so as well.

    Raises:
        MembershipSuspended, MembershipEnded: so it is.
    """
    member: Member = g.member
    if member.status is MemberStatus.SUSPENDED:
        raise MembershipSuspended(organization=organization.name)
    if member.expires_at is not None and member.has_ended:
        raise MembershipEnded(organization=organization.name, day=last_day(member.expires_at))


def _lead_to_provider(organization: Organization, member: Member) -> None:
    """Let nobody in who has to come through the organization's provider first.

    Raises:
        ProviderRequired: they have.
    """
    if member.is_active:
        provider = connections.require_active(organization)
        has_identity = identities.of_user(provider, member.user_id) is not None
        raise ProviderRequired(organization.slug, has_identity=has_identity)


def _record_refusal(refusal: Forbidden) -> None:
    organization: Organization | None = g.get("organization")
    if organization is None:
        return
    what = f"{request.method} {request.endpoint}"
    uow.note(refusals.note, current_actor(), organization, what, str(refusal))


def _touch(found: Viewer | None) -> None:
    """Note, now and then and outside of the view's transaction, that somebody is active."""
    member: Member | None = g.get("member")
    if found is not None and (found.needs_touch or (member and sessions.is_stale(member.last_active_at))):
        uow.note(sessions.touch, found.session_id, member.id if member else None)


def can(scope: str, resource: Organization | Team | Project | None = None) -> bool:
    """Tell templates whether the viewer has a scope on something, or in the organization of the page."""
    asked = resource or g.get("organization")
    return asked is not None and decide(current_actor(), Scope(scope), asked)
