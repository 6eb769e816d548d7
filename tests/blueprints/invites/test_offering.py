"""The tab Invite new people, where there are teams: what can be offered beside a role, by whom, and what is refused."""

from typing import Any

import pytest
from sqlalchemy import delete, select
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.offering import Things, make_things
from tests.support.pages import Page
from tests.support.teams import make_team, team
from tests.support.worlds import Person, post
from webapp.db import db
from webapp.models import Invitation, Role, Team
from webapp.services import offers, teams
from webapp.services.memberships import Terms

FORM = {"emails": "bob@example.org", "role": "member", "lifetime_days": "7"}
FIELDS = ("has_global_access", "teams", "groups")


@pytest.fixture
def things(acme: Acme) -> Things:
    return make_things(acme)


def form(acme: Acme, person: Person) -> Page:
    return Page(acme.browser(person).get(acme.address("members/new")))


def send(acme: Acme, person: Person, /, **fields: Any) -> TestResponse:
    return post(acme.browser(person), acme.address("members/new"), **{**FORM, **fields})


def values(page: Page, name: str, *, checked: bool = False) -> list[str]:
    fields = [field for field in page.named(name) if not checked or "checked" in field.attributes]
    return [field.attributes["value"] for field in fields]


def offered(acme: Acme) -> Terms:
    """Return what the one invitation offers."""
    found: Terms = acme.world.read(lambda: offers.terms_of(db.session.scalars(select(Invitation)).one()))
    return found


def test_page_is_as_before_where_nobody_has_made_a_team(acme: Acme) -> None:
    page = form(acme, acme.owner)
    assert [field.text for field in page.elements if field.tag == "legend"] == ["Role"]
    assert [values(page, name) for name in FIELDS] == [["1"], [], []]
    assert page.named("has_global_access")[0].attributes["type"] == "hidden"
    assert send(acme, acme.owner).status_code == 303
    assert offered(acme) == Terms(Role.MEMBER, True, [], [])


def test_addresses_that_are_left_to_correct_are_offered_the_same_where_there_are_no_teams(acme: Acme) -> None:
    wanted = {name: values(form(acme, acme.owner), name) for name in FIELDS}
    left = Page(send(acme, acme.owner, emails="nope", **wanted))
    assert values(left, "has_global_access") == ["1"]
    assert "They open no project" not in left.text


def test_only_what_somebody_may_give_is_shown(acme: Acme, things: Things) -> None:
    page = form(acme, acme.admin)
    assert (values(page, "has_global_access"), values(page, "has_global_access", checked=True)) == (["1", "0"], ["1"])
    assert (values(page, "teams"), values(page, "groups")) == ([str(things.red)], [str(things.readers)])
    assert "Red: Readers" in page.text
    page = form(acme, acme.manager)
    assert values(page, "teams") == [str(things.blue), str(things.red)]
    assert values(page, "groups") == [str(number) for number in (things.writers, things.leads, things.readers)]
    assert "Synced" not in page.text
    acme.world.policy(acme.slug, members_may_invite=True)
    page = form(acme, acme.member)
    assert [values(page, name) for name in FIELDS] == [["1"], [], []]


def test_whoever_is_restricted_is_offered_no_global_access_to_give(acme: Acme, things: Things) -> None:
    acme.change(acme.admin, has_global_access=False)
    page = form(acme, acme.admin)
    assert values(page, "has_global_access", checked=True) == values(page, "has_global_access") == ["0"]
    with acme.unchanged():
        forged, absent = send(acme, acme.admin, has_global_access="1"), send(acme, acme.admin)
    assert (forged.status_code, absent.status_code) == (422, 422)
    assert "Not a valid choice" in Page(forged).by_id("has_global_access-error").text
    assert "You do not have global access yourself" in Page(absent).by_id("has_global_access-error").text


def test_whoever_is_restricted_and_runs_no_team_invites_without_projects(acme: Acme) -> None:
    acme.change(acme.admin, has_global_access=False)
    page = form(acme, acme.admin)
    [hidden] = page.named("has_global_access")
    assert (hidden.attributes["type"], hidden.attributes["value"]) == ("hidden", "0")
    assert "They open no project until somebody adds them to a team." in page.text
    assert send(acme, acme.admin, has_global_access="0").status_code == 303
    assert offered(acme) == Terms(Role.MEMBER, False, [], [])


def test_chosen_teams_and_groups_are_offered(acme: Acme, things: Things) -> None:
    numbers = {"teams": [things.blue, things.red, things.red], "groups": [things.readers, things.writers]}
    assert send(acme, acme.owner, has_global_access="0", **numbers).status_code == 303
    assert offered(acme) == Terms(Role.MEMBER, False, [things.red, things.blue], sorted(numbers["groups"]))


def test_form_of_an_earlier_page_offers_every_project(acme: Acme, things: Things) -> None:
    assert send(acme, acme.owner, teams=[things.red]).status_code == 303
    assert offered(acme) == Terms(Role.MEMBER, True, [things.red], [])


@pytest.mark.parametrize(
    ("who", "field", "what", "sentence"),
    [
        ("admin", "teams", "blue", "You cannot give Blue. Choose again."),
        ("admin", "groups", "leads", "You cannot give Leads. Choose again."),
        ("owner", "groups", "synced", "You cannot give Synced. Choose again."),
        ("owner", "teams", "shadow", "A team you chose is not there any more. Choose again."),
        ("owner", "groups", "none", "An access group you chose is not there any more. Choose again."),
        ("owner", "teams", "letters", "Invalid choice(s): one or more data inputs could not be coerced."),
        ("owner", "groups", "long", "Invalid choice(s): one or more data inputs could not be coerced."),
    ],
)
def test_refused_choice_is_said_beside_its_field_and_nothing_typed_is_lost(
    acme: Acme, things: Things, who: str, field: str, what: str, sentence: str
) -> None:
    others = {"none": 10**17, "letters": "red", "long": 10**18}
    sent = {"emails": "bob@example.org nope", "role": "admin", "has_global_access": "0", "teams": [things.red]}
    sent[field] = [*sent.get(field, []), others.get(what) or getattr(things, what)]
    with acme.unchanged():
        answer = send(acme, getattr(acme, who), **sent)
    assert answer.status_code == 422
    page = Page(answer)
    assert sentence in page.by_id(f"{field}-error").text
    assert page.named("emails")[0].text == "bob@example.org nope"
    assert [values(page, name, checked=True) for name in ("role", "has_global_access")] == [["admin"], ["0"]]
    if what != "letters":
        assert str(things.red) in values(page, "teams", checked=True)


def test_team_removed_since_the_page_was_opened_is_refused(acme: Acme) -> None:
    number = make_team(acme, "Red")
    acme.act(acme.owner, lambda actor, here: teams.remove(actor, here, team(number)))
    with acme.unchanged():
        answer = send(acme, acme.owner, has_global_access="0", teams=[number])
    assert answer.status_code == 422
    page = Page(answer)
    assert "A team you chose is not there any more." in page.by_id("teams-error").text
    assert page.named("emails")[0].text == "bob@example.org"


def test_only_every_project_and_chosen_teams_can_be_chosen(acme: Acme, things: Things) -> None:
    with acme.unchanged():
        answer = send(acme, acme.owner, has_global_access="2")
    assert answer.status_code == 422
    assert "Not a valid choice" in Page(answer).by_id("has_global_access-error").text


@pytest.mark.parametrize("path", ["sealed", "bare"])
def test_address_to_be_corrected_comes_back_with_what_was_offered_and_never_with_more(
    acme: Acme, things: Things, path: str
) -> None:
    chosen = {"role": "admin", "lifetime_days": "20", "has_global_access": "0", "teams": [things.red]}
    answer = send(acme, acme.manager, emails="bob@example.org mia@exampl", groups=[things.readers], **chosen)
    assert answer.status_code == 303
    batch = answer.location.split("&")[-1]
    location = answer.location if path == "sealed" else f"{acme.address('members/new')}?{batch}"
    page = Page(acme.browser(acme.manager).get(location))
    assert page.by_id("emails").text.strip() == "mia@exampl"
    is_sealed = path == "sealed"
    assert values(page, "has_global_access", checked=True) == ["0"]
    assert values(page, "teams", checked=True) == ([str(things.red)] if is_sealed else [])
    assert values(page, "groups", checked=True) == ([str(things.readers)] if is_sealed else [])
    assert values(page, "role", checked=True) == (["admin"] if is_sealed else ["member"])
    assert page.by_id("lifetime_days").attributes["value"] == ("20" if is_sealed else "7")


def test_nothing_to_be_corrected_leaves_an_empty_form(acme: Acme, things: Things) -> None:
    answer = send(acme, acme.manager, has_global_access="0", teams=[things.red])
    page = Page(acme.browser(acme.manager).get(answer.location))
    assert (page.by_id("emails").text.strip(), values(page, "has_global_access", checked=True)) == ("", ["1"])


def test_offer_that_is_kept_stays_as_narrow_where_nothing_is_left_to_choose(acme: Acme, things: Things) -> None:
    kept = send(acme, acme.owner, emails="bob@example.org mia@exampl", has_global_access="0", teams=[things.red])
    acme.world.write(lambda: db.session.execute(delete(Team)))
    page = Page(acme.browser(acme.owner).get(kept.location))
    assert values(page, "has_global_access") == ["0"]
    assert "They open no project until somebody adds them to a team." in page.text
