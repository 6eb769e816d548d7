"""The teams of an organization: the list, making one, and renaming one, whose old address leads on."""

from flask.testing import FlaskClient

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.teams import Office, fill, make_team, team
from tests.support.worlds import post
from webapp.services import teams

NAMES_REFUSED = {"": "Enter a name.", " \t ": "Enter a name.", "x" * 201: "A name has at most 200 characters."}


def notice(browser: FlaskClient, location: str) -> str:
    return Page(browser.get(location)).by_id("notices").text


def test_teams_are_listed_by_name_with_numbers_up_to_99_and_ones_own_are_marked(acme: Acme) -> None:
    crowd = crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(100)])
    red, bigger, big = make_team(acme, "red", acme.admin), make_team(acme, "Bigger"), make_team(acme, "Big")
    fill(acme, big, crowd[:98])
    fill(acme, bigger, crowd)
    page = Page(acme.browser(acme.admin).get(acme.address("teams")))
    assert page.rows("team") == [big, bigger, red]
    said = [page.by_id(f"team-{number}").text for number in (big, bigger, red)]
    assert said == ["Big 99 0 0", "Bigger 99+ 0 0", "red Yours 2 0 0"]
    assert page.by_id("new-team").attributes["href"] == acme.address("teams/new")


def test_without_teams_the_list_says_what_they_are_for_and_offers_one_to_those_who_may(acme: Acme) -> None:
    for viewer, may in ((acme.member, False), (acme.admin, True)):
        page = Page(acme.browser(viewer).get(acme.address("teams")))
        assert "No teams yet" in page.text
        assert ("New team" in page.text, "new-team" in page.ids) == (may, may)


def test_name_that_is_refused_stays_in_the_form_and_nothing_is_stored(acme: Acme) -> None:
    browser = acme.browser(acme.admin)
    for headers in ({}, PANEL):
        for name, sentence in NAMES_REFUSED.items():
            with acme.unchanged():
                answer = post(browser, acme.address("teams/new"), name=name, headers=headers)
            page = Page(answer)
            assert (answer.status_code, page.by_id("name-error").text) == (422, sentence)
            assert page.by_id("name").attributes["value"] == name.strip()


def test_whoever_makes_a_team_belongs_to_it_and_is_led_to_it(acme: Acme) -> None:
    browser = acme.browser(acme.admin)
    answer = post(browser, acme.address("teams/new"), name="  Night \x07 Shift ")
    assert (answer.status_code, answer.location) == (303, acme.address("teams/night-shift/projects"))
    assert notice(browser, answer.location) == "The team Night Shift is ready. Add its projects and its members."
    rows = Page(browser.get(acme.address("teams/night-shift/members"))).rows("member")
    assert rows == [acme.member_id(acme.admin)]
    assert acme.events()[-2:] == ["team.created", "team.member_added"]
    with acme.unchanged():
        again = Page(answer := post(browser, acme.address("teams/new"), name="night SHIFT", headers=PANEL))
    assert (answer.status_code, again.by_id("name").attributes["value"]) == (422, "night SHIFT")
    assert again.by_id("name-error").text == "night SHIFT exists already. Choose another name."


def test_plain_member_makes_no_team_and_is_told_so(acme: Acme) -> None:
    browser = acme.browser(acme.member)
    with acme.unchanged():
        answers = [browser.get(acme.address("teams/new")), post(browser, acme.address("teams/new"), name="Mine")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert "Your role does not allow this. Nothing was changed." in Page(answers[1]).text
    assert acme.events()[-1] == "access.refused"


def test_address_of_a_team_leads_to_its_projects(office: Office) -> None:
    for path in (office.address(""), office.address("projects")):
        answer = office.acme.browser(office.acme.member).get(path, follow_redirects=True)
        assert (answer.status_code, answer.request.path) == (200, office.address("projects"))


def test_old_address_of_a_renamed_team_leads_on_with_its_query_and_its_form(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    answer = post(browser, office.address("settings"), name="Crimson")
    assert (answer.status_code, answer.location) == (303, acme.address("teams/crimson/settings"))
    assert notice(browser, answer.location) == "The team is called Crimson now."
    led = browser.get(office.address("members?after=a%20b&x=%C3%BC"))
    assert (led.status_code, led.location) == (308, acme.address("teams/crimson/members?after=a%20b&x=%C3%BC"))
    sent = post(browser, office.address("members/add?x=1"), members=str(acme.member_id(acme.owner)))
    assert (sent.status_code, sent.location) == (308, acme.address("teams/crimson/members/add?x=1"))
    post(browser, post(browser, office.address("settings"), name="Scarlet").location, name="Scarlet")
    for old in ("red", "crimson"):
        assert browser.get(acme.address(f"teams/{old}/projects")).location == acme.address("teams/scarlet/projects")
    assert acme.browser(acme.stranger).get(office.address("projects")).status_code == 404


def test_nobody_else_gets_the_old_address_of_a_team(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.owner)
    post(browser, office.address("settings"), name="Crimson")
    answer = post(browser, acme.address("teams/blue/settings"), name="Red")
    assert answer.status_code == 303
    assert answer.location.startswith(acme.address("teams/red-"))
    post(browser, answer.location, name="Blue")
    assert browser.get(office.address("projects")).location == acme.address("teams/crimson/projects")
    post(browser, acme.address("teams/crimson/settings"), name="Red")
    assert acme.world.read(lambda: team(office.red).slug) == "red"


def test_renaming_to_a_refused_name_or_to_the_same_one_stores_nothing(office: Office) -> None:
    acme, browser = office.acme, office.acme.browser(office.acme.admin)
    before = acme.events()
    for name, sentence in NAMES_REFUSED.items():
        with acme.unchanged():
            page = Page(answer := post(browser, office.address("settings"), name=name, headers=PANEL))
        assert (answer.status_code, page.by_id("name-error").text) == (422, sentence)
        assert (page.by_id("name").attributes["value"], page.by_id("page-title").text) == (name.strip(), "Red")
    with acme.unchanged():
        answer = post(browser, office.address("settings"), name="Red")
        assert notice(browser, answer.location) == ""
    assert acme.events() == before


def test_team_of_another_organization_has_the_same_address_there_and_none_here(office: Office) -> None:
    acme = office.acme
    acme.act(acme.stranger, lambda actor, here: teams.create(actor, here, "Green"), acme.other_slug)
    assert acme.browser(acme.stranger).get(f"/orgs/{acme.other_slug}/teams/green/projects").status_code == 200
    assert acme.browser(acme.owner).get(acme.address("teams/green/projects")).status_code == 404
    assert "Green" not in Page(acme.browser(acme.owner).get(acme.address("teams"))).text
