"""What a route says of who may use it; `guard` asks."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeVar

from flask import Flask
from flask.typing import ResponseReturnValue

from webapp.access.roles import Scope

Asks = Callable[..., Callable[[], object]]
AlsoLocks = Callable[[], Collection[int]]
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
    also_locks: AlsoLocks | None = None


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


def also_locks(others: AlsoLocks) -> Callable[[View], View]:
    """Declare of a view, above `access`, which other organizations it may change.

    Args:
        others: returns their ids; their locks are taken together with that of its own, in ascending id, and the view is
            called with the ids as `held`.
    """

    def declare(view: View) -> View:
        view.__dict__["rule"] = replace(view.__dict__["rule"], also_locks=others)
        return view

    return declare


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
