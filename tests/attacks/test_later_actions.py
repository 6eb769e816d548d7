"""D08: what decides over making something decides over every later action on it, whoever made it."""

from collections.abc import Callable

import pytest

from tests.support.acme import Acme
from tests.support.routes import Route, Routes
from tests.support.worlds import Person, csrf_token
from webapp.models import InvitationStatus, MemberStatus, Role

CHANGES_OF_OFFERS = {"invites.copy_link", "invites.resend", "invites.revoke"}
ENDED = (InvitationStatus.ACCEPTED, InvitationStatus.DECLINED, InvitationStatus.REVOKED)


def changes_with(routes: Routes, *parts: str) -> list[Route]:
    """Return the routes of changes whose addresses hold one of these parts."""
    return [route for route in routes if route.method == "POST" and route.rule.arguments & set(parts)]


def refuse(acme: Acme, who: Person, path: str, status: int, **fields: str) -> None:
    """Send a change, which must be refused with `status` and change nothing; a member's refusal is audited."""
    browser = acme.world.browser(who)
    form = {"confirm": "1", **fields, "csrf_token": csrf_token(browser)}
    with acme.unchanged():
        answer = browser.post(path, data=form)
    assert answer.status_code == status, path
    if status == 403:
        assert acme.events()[-1] == "access.refused", path


def test_changes_of_offers_are_known(routes: Routes) -> None:
    found = {route.endpoint for route in changes_with(routes, "invitation")}
    assert found == CHANGES_OF_OFFERS | {"requests.approve", "requests.reject"}


@pytest.mark.parametrize("ended", [None, *ENDED])
def test_D08_who_may_not_make_an_offer_does_nothing_with_it_later(
    acme: Acme, routes: Routes, ended: InvitationStatus | None
) -> None:
    offered = acme.world.invite(acme.slug, acme.owner, "olga@example.org", Role.OWNER)
    if ended:
        acme.close(offered, ended)
    for route in changes_with(routes, "invitation"):
        path = acme.address(f"invitations/{offered.id}/{route.rule.rule.rpartition('/')[2]}")
        for who, status in ((acme.admin, 403), (acme.member, 403), (acme.stranger, 404)):
            refuse(acme, who, path, status, role="member")


def test_D08_who_may_not_make_an_owner_does_nothing_to_one_later(acme: Acme, routes: Routes) -> None:
    second = acme.world.person("Otis Owner", "otis@example.com")
    acme.world.member(acme.slug, second, Role.OWNER)
    removed = removed_owner(acme)
    for route in changes_with(routes, "member", "removed"):
        if "team" in route.rule.arguments:  # who runs a team decides who is in it, whatever their roles
            continue
        numbers = {"member": acme.member_id(second), "removed": removed}
        [part] = route.rule.arguments - {"org"}
        action = route.rule.rule.partition(f":{part}>")[2]
        for who, status in ((acme.manager, 403), (acme.admin, 403), (acme.stranger, 404)):
            refuse(acme, who, acme.address(f"members/{numbers[part]}{action}"), status, role="member")


def removed_owner(acme: Acme) -> int:
    third = acme.world.person("Ove Owner", "ove@example.com")
    acme.world.member(acme.slug, third, Role.OWNER)
    number = acme.member_id(third)
    browser = acme.world.browser(acme.owner)
    form = {"confirm": "1", "csrf_token": csrf_token(browser)}
    assert browser.post(acme.address(f"members/{number}/remove"), data=form).status_code == 303
    return number


LOSSES: dict[str, tuple[int, Callable[[Acme], None]]] = {
    "demoted": (403, lambda acme: acme.change(acme.owner, role=Role.MEMBER)),
    "suspended": (404, lambda acme: acme.change(acme.owner, status=MemberStatus.SUSPENDED)),
    "removed": (404, lambda acme: acme.remove(acme.owner)),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_D08_who_lost_the_right_has_none_over_what_they_made(acme: Acme, routes: Routes, loss: str) -> None:
    """Acme's owner made everything that the routes are about."""
    changes = changes_with(routes, "invitation", "member", "removed")
    requests = [routes.request(route) for route in changes]
    status, lose = LOSSES[loss]
    lose(acme)
    for request in requests:
        refuse(acme, acme.owner, request.path, status, **request.form)


@pytest.mark.parametrize("loss", LOSSES)
def test_D08_lists_and_files_are_closed_with_the_right(acme: Acme, routes: Routes, loss: str) -> None:
    acme.world.invite(acme.slug, acme.owner, "zoe@example.org")
    browser, (status, lose) = acme.browser(acme.owner), LOSSES[loss]
    lose(acme)
    for page in ("members/pending.csv", "members/new", "members/requests", "members/removed", "audit", "audit.csv"):
        assert browser.get(acme.address(page)).status_code == status, page
    assert browser.get(acme.address("members/pending")).status_code == (200 if status == 403 else 404)
