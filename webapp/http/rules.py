"""What a route says of who may use it; `guard` asks."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypedDict, TypeVar, Unpack

from flask import Flask
from flask.typing import ResponseReturnValue

from webapp.access.roles import Scope

Asks = Callable[..., Callable[[], object]]
AlsoLocks = Callable[[], Collection[int]]
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


class Audience(Enum):
    """Who may use a route that is not for members alone; some of them speak of an organization all the same."""

    PUBLIC = "anybody"
    SIGNED_IN = "anybody signed in"
    SOFTWARE = "anybody, and nobody asks who, so that it answers when the database does not"


PUBLIC: Final = Audience.PUBLIC
SIGNED_IN: Final = Audience.SIGNED_IN
SOFTWARE: Final = Audience.SOFTWARE


class Manner(TypedDict, total=False):
    """How a route is answered, beside who may use it; see `access`."""

    own_transactions: bool
    previews: bool
    finds: bool
    turns_back: bool
    leads_in: bool
    leads_out: bool
    proves: bool
    asks: Asks
    also_locks: AlsoLocks


@dataclass(frozen=True)
class Rule:
    """Who may use a route, and which transactions it has; see `access`."""

    allows: Scope | Audience
    own_transactions: bool = False
    previews: bool = False
    finds: bool = False
    turns_back: bool = False
    leads_in: bool = False
    leads_out: bool = False
    proves: bool = False
    asks: Asks | None = None
    also_locks: AlsoLocks | None = None


class UndeclaredRoute(Exception):
    """A route says nothing of who may use it; the application does not start."""


class ScopeUnasked(Exception):
    """A route declares a scope that nobody would ask for; the application does not start."""


def access(allows: Scope | Audience, **manner: Unpack[Manner]) -> Callable[[View], View]:
    """Declare who may use a view.

    Args:
        allows: a scope on what the address names last of an organization, a team and a project; or an audience.
        **manner: nothing of it is so where it is left out.

            own_transactions: the view hashes or waits and therefore opens its transactions with `uow.read` and
                `uow.write`.
            previews: a request that only asks, without `confirm`, may make the change to see what it does: then it is
                answered again, in a writing transaction that keeps nothing.
            finds: its form has a button that only looks for people: such a POST reads, and holds nobody up.
            turns_back: the question it asks has a button that leads back to its form, filled in: such a POST reads too.
            leads_in: it is on the way to the organization's provider, and therefore open to whoever has yet to come
                through that.
            leads_out: it takes nothing but one's own membership away, and is therefore open to them too; not at a
                provider's word alone.
            proves: it leads to a way of one's own to prove who one is, and is therefore open at a provider's word alone
                to whoever has no password.
            asks: what the view wants to know of the world outside: called behind the same guard, in a reading
                transaction, it returns a step that is taken while none is open. The view is then called with what that
                found, as `told`.
            also_locks: returns the ids of other organizations that it may change; their locks are taken together with
                that of its own, in ascending id, and the view is called with the ids as `held`.

    Raises:
        ScopeUnasked: a scope together with `own_transactions`.
    """

    if manner.get("own_transactions") and isinstance(allows, Scope):
        raise ScopeUnasked("a scope is asked for inside the transaction of the view, so it cannot open its own")

    def declare(view: View) -> View:
        view.__dict__["rule"] = Rule(allows, **manner)
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
