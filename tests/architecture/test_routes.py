"""Every route declares who may use it, and nothing starts before that."""

import pytest
from flask import Flask

from webapp.access.roles import Scope
from webapp.http.rules import PUBLIC, Rule, ScopeUnasked, UndeclaredRoute, access, refuse_undeclared, rule_of


@pytest.fixture
def app(fresh_app: Flask) -> Flask:
    """An application that its tests may change."""
    return fresh_app


def undeclared() -> str:
    return "open to everybody"


def test_application_with_an_undeclared_route_does_not_start(app: Flask) -> None:
    app.add_url_rule("/undeclared", "undeclared", undeclared)
    with pytest.raises(UndeclaredRoute, match="undeclared declares no access rule"):
        refuse_undeclared(app)


def test_undeclared_route_that_came_later_answers_nobody(app: Flask) -> None:
    app.add_url_rule("/undeclared", "undeclared", undeclared)
    answer = app.test_client().get("/undeclared")
    assert answer.status_code == 500
    assert "open to everybody" not in answer.text


def test_every_route_has_a_rule(app: Flask) -> None:
    for route in app.url_map.iter_rules():
        assert isinstance(rule_of(app, route.endpoint), Rule)


def test_route_of_an_organization_asks_for_a_scope(app: Flask) -> None:
    for route in app.url_map.iter_rules():
        is_scope = isinstance(rule_of(app, route.endpoint).allows, Scope)
        assert is_scope == ("org" in route.arguments), route
        assert not (is_scope and rule_of(app, route.endpoint).own_transactions), route


def test_scope_cannot_be_asked_for_outside_of_the_view_s_transaction() -> None:
    with pytest.raises(ScopeUnasked):
        access(Scope.MEMBER_READ, own_transactions=True)


def test_declaring_leaves_the_view_as_it_is() -> None:
    def view() -> str:
        return "open to everybody"

    assert access(PUBLIC)(view)() == "open to everybody"


def test_changes_are_posts_and_nothing_else(app: Flask) -> None:
    for route in app.url_map.iter_rules():
        assert (route.methods or set()) <= {"GET", "HEAD", "OPTIONS", "POST"}, route
