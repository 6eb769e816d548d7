"""E05: a step that was skipped, left half done or sent again from a tab that stayed open changes nothing."""

from collections.abc import Callable
from functools import cache, partial

import pytest

from tests.support.acme import Acme
from tests.support.dumps import Dump
from tests.support.routes import Request, Route, Routes
from tests.support.tabs import ENDING, Tab
from tests.support.worlds import PASSWORD, Person, World

# Forms that ask nothing: the button is all there is.
BUTTONS = {
    "accounts.end_session",
    "accounts.end_other_sessions",
    "accounts.logout",
    "accounts.send_verification",
    "invites.copy_link",
    "invites.resend",
    "invites.revoke",
    "invites.sign_on",
    "invites.switch",
    "members.restore",
    "members.undo_removal",
    "projects.unarchive",
    "requests.reject",
    "sso.begin_link",
    "sso.check_now",
    "sso.discard",
    "sso.make_codes",
    "sso.recover",
    "sso.sign_in",
}
# What may well be wanted twice, and is limited instead.
AGAIN = {
    "accounts.forgot_password",
    "invites.copy_link",
    "invites.resend",
    "invites.sign_on",
    "sso.begin_link",
    "sso.check_now",
    "sso.make_codes",
    "sso.prove",
    "sso.recover",
    "sso.renew_secret",
    "sso.sign_in",
}
FORMS = {
    "accounts.change_password": {"current_password": PASSWORD, "password": "pale blue lantern orchard"},
    "accounts.reset_password": {"password": "pale blue lantern orchard"},
    "invites.answer": {"accept": "1", "name": "Eve Example", "password": "pale blue lantern orchard"},
    "members.leave": {"confirm": "1"},
    "organizations.update": {"name": "Acme", "slug": "acme", "invitation_lifetime_days": "7"},
}
# What a form of earlier pages does not have, and a choice of none.
OPTIONAL = {"from_date", "last_day", "language", "has_global_access", "teams", "groups"}


def sender(acme: Acme, route: Route) -> Person | None:
    """Return somebody who may send a form."""
    others = {
        "accounts.login": None,
        "accounts.reset_password": None,
        "accounts.verify_email": None,
        "invites.answer": None,
        "invites.sign_on": None,
        "members.leave": acme.admin,
        "requests.create": acme.member,
        "requests.join": None,
        "sso.find_entrance": None,
        "sso.sign_in": None,
    }
    return others.get(route.endpoint, acme.owner)


def forms(routes: Routes) -> list[Route]:
    return [route for route in routes if route.method == "POST"]


def whole(routes: Routes, route: Route) -> Request:
    """Return a request with every field of its form."""
    request = routes.request(route)
    return Request(request.path, FORMS.get(route.endpoint, request.form))


def refuse(dump: Callable[[], Dump], tab: Tab, path: str, forms: list[dict[str, str]]) -> None:
    """Send one form after the other: what is refused is there for the next."""
    before = dump()
    for form in forms:
        answer = tab.browser.post(path, data=tab.form(form))
        assert answer.status_code in (403, 404, 409, 422), (path, form)
    assert dump() == before, path


@pytest.fixture
def tabs(world: World) -> Callable[[Person | None], Tab]:
    """Everybody's browser, by whom it is."""
    return cache(partial(Tab, world))


def test_E05_empty_form_changes_nothing(
    acme: Acme, routes: Routes, tabs: Callable[[Person | None], Tab], dump: Callable[[], Dump]
) -> None:
    for route in forms(routes):
        if route.endpoint not in BUTTONS:
            refuse(dump, tabs(sender(acme, route)), routes.request(route).path, [{}])


def test_E05_form_without_one_of_its_fields_changes_nothing(
    acme: Acme, routes: Routes, tabs: Callable[[Person | None], Tab], dump: Callable[[], Dump]
) -> None:
    for route in forms(routes):
        request = whole(routes, route)
        for left_out in request.form.keys() - OPTIONAL:
            incomplete = (without(request.form, left_out), {**request.form, left_out: ""})
            refused = [form for form in incomplete if not is_choice(left_out, form)]
            refuse(dump, tabs(sender(acme, route)), request.path, refused)


def without(form: dict[str, str], name: str) -> dict[str, str]:
    return {other: value for other, value in form.items() if other != name}


def is_choice(name: str, form: dict[str, str]) -> bool:
    """Tell whether a button is still pressed: it says by its name what it does, whatever its value."""
    return name == "accept" and name in form


@pytest.mark.parametrize("is_same_browser", [True, False])
def test_E05_form_sent_again_from_a_tab_that_stayed_open_changes_nothing(
    world: World, acme: Acme, routes: Routes, tabs: Callable[[Person | None], Tab], is_same_browser: bool
) -> None:
    second_tabs = cache(partial(Tab, world))
    for route in forms(routes):
        if route.endpoint in AGAIN:
            continue
        request, who = whole(routes, route), sender(acme, route)
        first = tabs(who)
        second = first if is_same_browser else second_tabs(who)
        again = second.form(request.form)
        answer = first.browser.post(request.path, data=first.form(request.form))
        is_out = who is not None and "/login" in answer.headers.get("Location", "")
        assert not is_out or route.endpoint in ENDING, f"{route}: signed out"
        before = world.dump(without={"session"})
        assert second.browser.post(request.path, data=again).status_code < 500, route
        assert world.dump(without={"session"}) == before, route
        first.after(route)
        second.after(route)
