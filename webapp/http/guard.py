"""The guard: every route declares who may use it, and loads what it speaks of through its parents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, make_response, request, url_for
from flask import redirect as redirect_to
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, and_, bindparam, select
from sqlalchemy.orm import InstrumentedAttribute
from werkzeug.routing import RequestRedirect

from webapp.access.decide import decide, require
from webapp.access.roles import Scope
from webapp.access.single_sign_on import came_otherwise
from webapp.db import MustWrite, db
from webapp.errors import Conflict, Forbidden, MembershipEnded, NotFound, ProviderRequired, SignInRequired
from webapp.http import uow
from webapp.http.choices import is_search
from webapp.http.environment import Environment
from webapp.http.session import Viewer, belongs_to, current_actor, reload_viewer, token, viewer
from webapp.models import (
    AccessGroup,
    Invitation,
    Member,
    MemberStatus,
    Organization,
    Project,
    RemovedMember,
    SsoMapping,
    Team,
)
from webapp.models.member import last_day
from webapp.services import attempts, audit, organizations, sessions, slugs
from webapp.services.attempts import MOST_REFUSALS_NOTED, Limit
from webapp.services.audit import Event, Target
from webapp.services.slugs import Kind
from webapp.services.sso import connections, identities

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# By the name of the variable part: the column that its number stands for, in a table of the organization.
CHILDREN: Final[Mapping[str, InstrumentedAttribute[int]]] = {
    "group": AccessGroup.id,
    "invitation": Invitation.id,
    "mapping": SsoMapping.id,
    "member": Member.id,
    "removed": RemovedMember.member_id,
}

# By the name of the variable part: what has slugs of its own in an organization.
NAMED: Final[Mapping[str, Kind]] = {"team": slugs.TEAM, "project": slugs.PROJECT}

Asks = Callable[..., Callable[[], object]]
T = TypeVar("T")
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


class Audience(Enum):
    """Who may use a route that speaks of no organization."""

    PUBLIC = "anybody"
    SIGNED_IN = "anybody signed in"
    SOFTWARE = "anybody, and nobody asks who, so that it answers when the database does not"


PUBLIC: Final = Audience.PUBLIC
SIGNED_IN: Final = Audience.SIGNED_IN
SOFTWARE: Final = Audience.SOFTWARE


@dataclass(frozen=True)
class Rule:
    """Who may use a route, and which transactions it has; see `access`."""

    allows: Scope | Audience
    own_transactions: bool = False
    previews: bool = False
    finds: bool = False
    leads_in: bool = False
    asks: Asks | None = None
    leads_out: bool = False
    proves: bool = False


class UndeclaredRoute(Exception):
    """A route says nothing of who may use it; the application does not start."""


class ScopeUnasked(Exception):
    """A route declares a scope that nobody would ask for; the application does not start."""


def access(
    allows: Scope | Audience,
    *,
    own_transactions: bool = False,
    previews: bool = False,
    finds: bool = False,
    leads_in: bool = False,
    asks: Asks | None = None,
) -> Callable[[View], View]:
    """Declare who may use a view.

    Args:
        allows: a scope on what the address names last of an organization, a team and a project; or an audience.
        own_transactions: the view hashes or waits and therefore opens its transactions with `uow.read` and `uow.write`.
        previews: a request that only asks, without `confirm`, may make the change to see what it does: then it is
            answered again, in a writing transaction that keeps nothing.
        finds: its form has a button that only looks for people: such a POST reads, and holds nobody up.
        leads_in: it is on the way to the organization's provider, and therefore open to whoever has yet to come
            through that.
        asks: what the view wants to know of the world outside: called behind the same guard, in a reading transaction,
            it returns a step that is taken while none is open. The view is then called with what that found, as `told`.

    Raises:
        ScopeUnasked: a scope together with `own_transactions`.
    """

    if own_transactions and isinstance(allows, Scope):
        raise ScopeUnasked("a scope is asked for inside the transaction of the view, so it cannot open its own")

    def declare(view: View) -> View:
        view.__dict__["rule"] = Rule(allows, own_transactions, previews, finds, leads_in, asks)
        return view

    return declare


def leads_out(view: View) -> View:
    """Declare of a view, above `access`, that it takes nothing but one's own membership away.

    So it is open to whoever has yet to come through the organization's provider; not at a provider's word alone.
    """
    view.__dict__["rule"] = replace(view.__dict__["rule"], leads_out=True)
    return view


def proves(view: View) -> View:
    """Declare of a view, above `access`, that it leads to a way of one's own to prove who one is.

    So it is open at a provider's word alone to whoever has no password.
    """
    view.__dict__["rule"] = replace(view.__dict__["rule"], proves=True)
    return view


def rule_of(app: Flask, endpoint: str) -> Rule:
    """Return the rule of an endpoint.

    Raises:
        UndeclaredRoute: it has none.
    """
    rule = app.view_functions[endpoint].__dict__.get("rule")
    if endpoint == "static":
        return Rule(SOFTWARE, own_transactions=True)
    if not isinstance(rule, Rule):
        raise UndeclaredRoute(f"{endpoint} declares no access rule")
    return rule


def refuse_undeclared(app: Flask) -> None:
    """Go on only if every route has declared its rule.

    Raises:
        UndeclaredRoute: one has not.
    """
    for route in app.url_map.iter_rules():
        rule_of(app, route.endpoint)


class GuardedFlask(Flask):
    """Flask, with the guard and the unit of work around every view."""

    jinja_environment = Environment

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
    is_unsafe = request.method not in SAFE_METHODS and not (rule.finds and is_search())
    try:
        if rule.own_transactions:
            return _answer_step_by_step(rule, call, arguments)
        if is_unsafe and rule.allows is not PUBLIC and (elsewhere := _turn_away(arguments.get("org"))):
            return elsewhere
        if rule.asks is not None and (elsewhere := _ask_outside(rule, rule.asks, arguments)):
            return elsewhere
        asks = rule.previews and not (is_unsafe and request.form.get("confirm"))
        response = _asked(rule, call, arguments) if asks else None
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
    found = reload_viewer()
    if found is None:
        raise SignInRequired
    organization = _load_organization(slug, found)
    if organization is None:
        return _lead_elsewhere(slug, found)
    _refuse_ended(organization, found)
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
    found = reload_viewer()
    if found is None or not isinstance(rule.allows, Scope):
        raise SignInRequired
    organization = _load_organization(str((request.view_args or {})["org"]), found)
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
    locked = organizations.lock_by_slug(slug) if lock and slug is not None else None
    found = reload_viewer()
    if rule.allows is not PUBLIC and found is None:
        raise SignInRequired
    if rule.allows is SIGNED_IN and found is not None:
        _refuse_confined(found, is_proof=rule.proves)
    if isinstance(rule.allows, Scope):
        organization = _load_organization(str(slug), found)
        if organization is None:
            return _lead_elsewhere(str(slug), found)
        _require_way_in(rule, organization, found)
        if lock and organization.id != locked:  # renamed to this slug just now, so nobody holds its lock
            raise Conflict
        loaded["organization"] = organization
        if former := _load_named(organization, loaded):
            return former
        require(current_actor(), rule.allows, loaded.get("project") or loaded.get("team") or organization)
        _load_children(organization, loaded)
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
        ProviderRequired: it has to come through the organization's provider first.
        MembershipEnded: there is no way in any more.
    """
    if found is not None and found.is_confined:
        _refuse_elsewhere(organization, found)
    _refuse_ended(organization, found)
    is_leaving = rule.leads_out and found is not None and not found.is_confined
    if g.came_otherwise and not rule.leads_in and not is_leaving:
        _lead_to_provider(organization, g.member)


def is_kept_out() -> bool:
    """Tell whether whoever asks has yet to come through the organization's provider, on a page that leads in or out."""
    return bool(g.get("came_otherwise"))


def _refuse_elsewhere(organization: Organization, found: Viewer) -> None:
    """Open no organization at the word of another one's provider: every owner may configure one that says anything.

    Raises:
        SignInRequired: the session did not come through the provider of this one.
    """
    if not identities.is_way_into(organization, found.session_id, found.user_id):
        raise SignInRequired


def _refuse_ended(organization: Organization, found: Viewer | None) -> None:
    """Tell somebody whose membership has ended that it has, and when, as far as their session may know of it.

    Raises:
        MembershipEnded: it has.
        SignInRequired: the session was begun at the word of another organization's provider.
    """
    member: Member = g.member
    if member.expires_at is None or not member.has_ended or member.status is not MemberStatus.ACTIVE:
        return
    if found is not None and found.is_confined:
        _refuse_elsewhere(organization, found)
    raise MembershipEnded(organization=organization.name, day=last_day(member.expires_at))


def _lead_to_provider(organization: Organization, member: Member) -> None:
    """Let nobody in who has to come through the organization's provider first; the suspended are told what they are.

    Raises:
        ProviderRequired: they have.
    """
    if member.is_active:
        provider = connections.require_active(organization)
        is_linked = identities.of_user(provider, member.user_id) is not None
        raise ProviderRequired(organization.slug, is_linked=is_linked)


def _load_organization(slug: str, found: Viewer | None) -> Organization | None:
    who = {"user_id": found.user_id, "session_id": found.session_id} if found else _NOBODY
    row = db.session.execute(_ORGANIZATION, {"slug": slug, **who}).one_or_none()
    if row is None:
        return None
    g.organization, g.member, g.came_otherwise = row
    return g.organization  # type: ignore[no-any-return]


_NOBODY: Final = {"user_id": None, "session_id": None}
_ORGANIZATION = (
    select(Organization, Member, came_otherwise(Member, bindparam("session_id")))
    .join(Member, and_(Member.organization_id == Organization.id, Member.user_id == bindparam("user_id")))
    .where(Organization.slug == bindparam("slug"))
)


def _lead_elsewhere(slug: str, found: Viewer | None) -> Response:
    """Lead a member from an address of earlier to the present one.

    Raises:
        SignInRequired: the session came in by an organization's provider, and does not learn whether there is one here.
        NotFound: there is no such address, or none that this person may know of.
    """
    if found is not None and found.is_confined:
        raise SignInRequired
    return _lead_from_former(slug, found)


def _lead_from_former(slug: str, found: Viewer | None) -> Response:
    """Lead a member from an address of earlier to the same page at the present one; forms are sent on as they are.

    Raises:
        NotFound: there is no such address, or none that this person may know of.
    """
    present = slugs.present_slug(slug, found.user_id if found else None)
    if present is None:
        raise NotFound
    return _lead_to(org=present)


def _lead_to(**present: str) -> Response:
    """Lead to the same page under other slugs."""
    path = url_for(request.endpoint or "", **{**(request.view_args or {}), **present})
    query = request.query_string.decode("latin-1")
    return make_response(redirect_to(f"{path}?{query}" if query else path, 308))


def _load_named(organization: Organization, arguments: dict[str, Any]) -> Response | None:
    """Load the team and the project of the address; where one had another slug before, lead to the present one.

    Raises:
        NotFound: there is no such thing, or none that the actor may know of.
    """
    require(current_actor(), Scope.ORG_READ, organization)
    for name in NAMED.keys() & arguments.keys():
        slug, found = arguments[name], slugs.find(NAMED[name], organization, arguments[name])
        if found is None or not _may_see(found):
            raise NotFound
        if found.slug != slug:
            return _lead_to(**{name: found.slug})
        arguments[name] = found
    return None


def _may_see(found: Team | Project) -> bool:
    """Tell whether the actor may know of a team or a project: one they may open, or run."""
    actor = current_actor()
    scopes = (Scope.PROJECT_READ, Scope.PROJECT_CREATE) if isinstance(found, Project) else (Scope.TEAM_READ,)
    return any(decide(actor, scope, found) for scope in scopes)


def _load_children(organization: Organization, arguments: dict[str, Any]) -> None:
    for name in CHILDREN.keys() & arguments.keys():
        parameters = {"organization_id": organization.id, "key": arguments[name]}
        found, team = db.session.scalar(_child(name), parameters), arguments.get("team")
        if found is None or (team is not None and getattr(found, "team_id", team.id) != team.id):
            raise NotFound
        arguments[name] = found


@cache
def _child(name: str) -> Select[tuple[Any]]:
    key = CHILDREN[name]
    model = key.class_
    return select(model).where(model.organization_id == bindparam("organization_id"), key == bindparam("key"))


def _record_refusal(refusal: Forbidden) -> None:
    organization: Organization | None = g.get("organization")
    if organization is None:
        return
    actor = current_actor()

    def record() -> None:
        limit = Limit(f"refusals:{organization.id}:{actor.user_id}", MOST_REFUSALS_NOTED)
        if attempts.count([limit]):
            return
        organizations.lock_by_slug(organization.slug)
        target = Target("page", None, f"{request.method} {request.endpoint}")
        audit.record(actor, Event.ACCESS_REFUSED, target, organization=organization, after={"reason": str(refusal)})

    uow.note(record)


def _touch(found: Viewer | None) -> None:
    """Note, now and then and outside of the view's transaction, that somebody is active."""
    member: Member | None = g.get("member")
    if found is not None and (found.needs_touch or (member and sessions.is_stale(member.last_active_at))):
        uow.note(sessions.touch, found.session_id, member.id if member else None)


def can(scope: str, resource: Organization | Team | Project | None = None) -> bool:
    """Tell templates whether the viewer has a scope on something, or in the organization of the page."""
    asked = resource or g.get("organization")
    return asked is not None and decide(current_actor(), Scope(scope), asked)
