"""E05: a step that was skipped, left half done or sent again from a tab that stayed open changes nothing."""

import pytest

from tests.support.acme import Acme
from tests.support.routes import Request, Route, Routes
from tests.support.worlds import PASSWORD, Person, World, csrf_token

# Forms that ask nothing: the button is all there is.
BUTTONS = {
    "accounts.end_session",
    "accounts.end_other_sessions",
    "accounts.logout",
    "accounts.send_verification",
    "invites.copy_link",
    "invites.resend",
    "invites.revoke",
    "invites.switch",
    "members.restore",
    "members.undo_removal",
    "projects.unarchive",
    "requests.reject",
    "sso.begin_link",
    "sso.sign_in",
}
# What may well be wanted twice, and is limited instead.
AGAIN = {
    "accounts.forgot_password",
    "invites.copy_link",
    "invites.resend",
    "sso.begin_link",
    "sso.prove",
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
OPTIONAL = {"language", "has_global_access", "teams", "groups"}


def sender(acme: Acme, route: Route) -> Person | None:
    """Return somebody who may send a form."""
    others = {
        "accounts.login": None,
        "accounts.reset_password": None,
        "accounts.verify_email": None,
        "invites.answer": None,
        "members.leave": acme.admin,
        "requests.create": acme.member,
        "requests.join": None,
        "sso.sign_in": None,
    }
    return others.get(route.endpoint, acme.owner)


def forms(routes: Routes) -> list[Route]:
    return [route for route in routes if route.method == "POST"]


def whole(routes: Routes, route: Route) -> Request:
    """Return a request with every field of its form."""
    request = routes.request(route)
    return Request(request.path, FORMS.get(route.endpoint, request.form))


def refuse(world: World, who: Person | None, request: Request, form: dict[str, str]) -> None:
    browser = world.browser(who)
    data = {**form, "csrf_token": csrf_token(browser)}
    before = world.dump()
    answer = browser.post(request.path, data=data)
    assert answer.status_code in (403, 404, 409, 422), (request.path, form)
    assert world.dump() == before, (request.path, form)


def test_E05_empty_form_changes_nothing(world: World, acme: Acme, routes: Routes) -> None:
    for route in forms(routes):
        if route.endpoint not in BUTTONS:
            refuse(world, sender(acme, route), routes.request(route), {})


def test_E05_form_without_one_of_its_fields_changes_nothing(world: World, acme: Acme, routes: Routes) -> None:
    for route in forms(routes):
        for left_out in whole(routes, route).form.keys() - OPTIONAL:
            request = whole(routes, route)
            for form in (without(request.form, left_out), {**request.form, left_out: ""}):
                if not is_choice(left_out, form):
                    refuse(world, sender(acme, route), request, form)


def without(form: dict[str, str], name: str) -> dict[str, str]:
    return {other: value for other, value in form.items() if other != name}


def is_choice(name: str, form: dict[str, str]) -> bool:
    """Tell whether a button is still pressed: it says by its name what it does, whatever its value."""
    return name == "accept" and name in form


@pytest.mark.parametrize("is_same_browser", [True, False])
def test_E05_form_sent_again_from_a_tab_that_stayed_open_changes_nothing(
    world: World, acme: Acme, routes: Routes, is_same_browser: bool
) -> None:
    for route in forms(routes):
        if route.endpoint in AGAIN:
            continue
        request, who = whole(routes, route), sender(acme, route)
        first = world.browser(who)
        second = first if is_same_browser else world.browser(who)
        data, again = ({**request.form, "csrf_token": csrf_token(browser)} for browser in (first, second))
        first.post(request.path, data=data)
        before = world.dump(without={"session"})
        assert second.post(request.path, data=again).status_code < 500, route
        assert world.dump(without={"session"}) == before, route
