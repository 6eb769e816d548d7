"""The same address answers a page, or only the part of it that HTMX is about to swap."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.pages import PANEL, RESULTS, Page
from tests.support.worlds import post

PANELS = ["members", "members?q=o", "members/pending", "members/pending?q=b", "members/new", "audit"]
PANELS += ["members?role=owner&status=active&sort=-joined", "members/removed"]
LISTS = ["members", "members?q=o", "members?q=nobody", "members/pending", "members/pending?q=b"]
LISTS += ["members?role=owner&status=active&sort=-joined", "members/removed"]


@pytest.fixture
def stopped_clock() -> Iterator[None]:
    """Two answers say the same of how long ago something was."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


@pytest.fixture
def owner(acme: Acme) -> FlaskClient:
    acme.world.invite(acme.slug, acme.owner, "bob@example.org")
    return acme.browser(acme.owner)


def test_panel_is_one_element_and_the_notices_travel_out_of_band(acme: Acme, owner: FlaskClient) -> None:
    for path in PANELS:
        answer = owner.get(acme.address(path), headers=PANEL)
        panel, notices = Page(answer).roots
        assert (answer.status_code, panel.id, panel.attributes.get("hx-swap-oob")) == (200, "panel", None), path
        assert (notices.id, "hx-swap-oob" in notices.attributes) == ("notices", True), path


def test_results_are_one_element_and_the_notices_travel_out_of_band(acme: Acme, owner: FlaskClient) -> None:
    for path in LISTS:
        answer = owner.get(acme.address(path), headers=RESULTS)
        results, notices = Page(answer).roots
        assert (answer.status_code, results.id, results.attributes.get("hx-swap-oob")) == (200, "results", None), path
        assert (notices.id, "hx-swap-oob" in notices.attributes) == ("notices", True), path


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HX-Target": "panel"},
        {"HX-Request": "true"},
        {"HX-Request": "true", "HX-Target": "elsewhere"},
        {"HX-Request": "true", "HX-Target": "Panel"},
        {"HX-Request": "false", "HX-Target": "panel"},
        {**PANEL, "HX-History-Restore-Request": "true"},
    ],
    ids=str,
)
def test_everything_else_gets_the_whole_page(acme: Acme, owner: FlaskClient, headers: dict[str, str]) -> None:
    for path in PANELS:
        answer = owner.get(acme.address(path), headers=headers)
        page = Page(answer)
        assert (answer.status_code, [root.tag for root in page.roots]) == (200, ["html"]), path
        assert page.ids.count("panel") == page.ids.count("notices") == 1, path


def test_caches_keep_pages_and_fragments_apart_and_keep_neither(acme: Acme, owner: FlaskClient) -> None:
    for path in PANELS:
        for headers in ({}, PANEL, RESULTS):
            answer = owner.get(acme.address(path), headers=headers)
            assert {"HX-Request", "HX-Target"} <= set(answer.headers["Vary"].replace(" ", "").split(",")), path
            assert answer.headers["Cache-Control"] == "no-store", path


@pytest.mark.usefixtures("stopped_clock")
def test_page_holds_the_very_panel_that_is_swapped(acme: Acme, owner: FlaskClient) -> None:
    for path in PANELS:
        whole, part = (Page(owner.get(acme.address(path), headers=headers)) for headers in ({}, PANEL))
        assert part.by_id("panel").text == whole.by_id("panel").text, path


@pytest.mark.usefixtures("stopped_clock")
def test_panel_holds_the_very_results_that_are_swapped(acme: Acme, owner: FlaskClient) -> None:
    for path in LISTS:
        panel, part = (Page(owner.get(acme.address(path), headers=headers)) for headers in (PANEL, RESULTS))
        assert part.by_id("results").text == panel.by_id("results").text, path


def test_ids_are_unique(acme: Acme, owner: FlaskClient) -> None:
    for path in PANELS:
        ids = Page(owner.get(acme.address(path))).ids
        assert sorted(ids) == sorted(set(ids)), path


def test_change_under_htmx_goes_303_to_the_list_and_its_notice_comes_once(acme: Acme, owner: FlaskClient) -> None:
    form = {"emails": "eve@example.org", "role": "member", "lifetime_days": "7"}
    answer = post(owner, acme.address("members/new"), headers=PANEL, **form)
    assert answer.status_code == 303
    first, second = (Page(owner.get(answer.location, headers=PANEL)) for _ in range(2))
    assert first.by_id("notices").text == "1 person is invited."
    assert second.by_id("notices").text == ""


def test_notice_survives_an_answer_that_does_not_show_it(acme: Acme, owner: FlaskClient) -> None:
    form = {"emails": "eve@example.org", "role": "member", "lifetime_days": "7"}
    post(owner, acme.address("members/new"), headers=PANEL, **form)
    owner.get("/healthz")
    owner.post(acme.address("members/new"), data=form, headers=PANEL)
    assert Page(owner.get(acme.address("members"))).by_id("notices").text == "1 person is invited."


def test_signed_out_person_is_sent_to_sign_in_as_a_whole(acme: Acme) -> None:
    answer = acme.browser().get(acme.address("members"), headers=PANEL)
    assert (answer.status_code, answer.headers["HX-Redirect"], answer.get_data()) == (401, "/login", b"")


def test_refusal_under_htmx_is_one_message(acme: Acme) -> None:
    answer = acme.browser(acme.member).get(acme.address("audit"), headers=PANEL)
    assert answer.status_code == 403
    assert len(Page(answer).roots) == 1
    assert "Your role does not allow this." in Page(answer).text
