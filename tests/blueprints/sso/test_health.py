"""What the page of single sign-on says of whether the connection works, checking now, and references of failures."""

import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.certificates import make_certificate
from tests.support.identity_provider import running_provider
from tests.support.rounds import silence
from tests.support.server import reserved_port
from tests.support.sso import Desk, at_provider, signed_in_as
from tests.support.worlds import World, post
from webapp import clock
from webapp.blueprints.sso.health import NOT_BELIEVED, SAYS_NO, SET_UP_WRONGLY, SILENT, Trouble
from webapp.db import db
from webapp.http import sso
from webapp.models import AuditEntry, IdentityProvider, Role
from webapp.providers.errors import Reason
from webapp.providers.words import WORDS
from webapp.services.audit import Event

PATIENCE_SECONDS = 3  # a provider that answers must be heard on a machine with much to do
STRANGERS = 4
"""Questions at once to connections that have not answered soon before, all together."""
REFERENCE = re.compile(r'this reference: <span class="code">([0-9a-f]{12})<')
TELLING = [
    (Reason.TIMEOUT, SILENT),
    (Reason.FAILING, SILENT),
    (Reason.NOT_IN_ORGANIZATION, SAYS_NO),
    (Reason.CERTIFICATE, SET_UP_WRONGLY),
    (Reason.CLIENT, SET_UP_WRONGLY),
    (Reason.DISCOVERY_ISSUER, SET_UP_WRONGLY),
    (Reason.SECRET, SET_UP_WRONGLY),
    (Reason.KEYS, NOT_BELIEVED),
]


@pytest.fixture
def impatient(app: Flask) -> Iterator[None]:
    """Let providers be waited for shortly."""
    patient = app.extensions[sso.SURROUNDINGS]
    app.extensions[sso.SURROUNDINGS] = replace(patient, network=replace(patient.network, seconds=PATIENCE_SECONDS))
    yield
    app.extensions[sso.SURROUNDINGS] = patient


def health_on(browser: FlaskClient, desk: Desk) -> str:
    """Return what the page says of the connection."""
    page = browser.get(desk.address("").rstrip("/"))
    assert page.status_code == 200
    return " ".join(page.text.partition('id="health"')[2].partition("</form>")[0].split())


def check(browser: FlaskClient, desk: Desk) -> TestResponse:
    return post(browser, desk.address("check"))


def refusals(acme: Acme) -> list[AuditEntry]:
    return [entry for entry in acme.entries() if entry.event == Event.SSO_REFUSED]


# ---- what the page says ----


def test_page_says_when_it_was_checked_last(acme: Acme, desk: Desk) -> None:
    browser = acme.browser(acme.owner)
    assert "Not checked yet" in health_on(browser, desk)
    desk.set(probed_at=clock.now())
    assert "It works" in health_on(browser, desk)
    assert "last checked: <time" in health_on(browser, desk)


@pytest.mark.parametrize(("reason", "trouble"), TELLING, ids=[reason.value for reason, _trouble in TELLING])
def test_page_tells_no_from_silence_and_from_what_is_set_up_wrongly(
    acme: Acme, desk: Desk, reason: Reason, trouble: Trouble
) -> None:
    desk.set(probed_at=clock.now(), probe_problem=reason.value)
    said = health_on(acme.browser(acme.owner), desk)
    assert "It works" not in said
    for words in (trouble.what, trouble.advice, WORDS[reason]):
        assert words in said


def test_reason_of_another_version_is_shown_without_words(acme: Acme, desk: Desk) -> None:
    desk.set(probed_at=clock.now(), probe_problem="of_the_future")
    assert SET_UP_WRONGLY.what in health_on(acme.browser(acme.owner), desk)


# ---- checking now ----


def test_owner_checks_at_once(acme: Acme, desk: Desk) -> None:
    browser = acme.browser(acme.owner)
    answer = check(browser, desk)
    assert (answer.status_code, answer.location) == (303, f"/orgs/{acme.slug}/sso")
    assert (desk.theirs.hits["discovery"], desk.theirs.hits["jwks"]) == (1, 1)
    page = browser.get(answer.location).text
    assert "Your provider answers, and has what signing in needs." in page
    assert "It works" in page
    desk.theirs.replies["discovery"] = lambda: Response("", 503)
    page = browser.get(check(browser, desk).location).text
    assert "Signing in does not work at present. The page says why." in page
    assert SILENT.what in page
    assert [letter.kind for letter in acme.world.letters()] == ["sso_does_not_work"]


def test_X09_check_holds_no_transaction_while_the_provider_is_waited_for(world: World, acme: Acme, desk: Desk) -> None:
    """Another change of the organization, which needs its lock, is made meanwhile."""
    asked, over = threading.Event(), threading.Event()

    def wait() -> Response:
        asked.set()
        over.wait(60)
        return Response("", 500)

    desk.theirs.replies["discovery"] = wait
    browser = acme.browser(acme.owner)
    checking = threading.Thread(target=check, args=(browser, desk))
    checking.start()
    assert asked.wait(60)
    acme.change(acme.member, role=Role.ADMIN)
    over.set()
    checking.join()
    assert SILENT.what in health_on(browser, desk)


def test_X02_connection_that_was_not_asked_is_not_said_to_fail(world: World, acme: Acme, desk: Desk) -> None:
    """Others keep all places: that says nothing of this provider, and no owner gets a letter about it."""
    browser, patience = acme.browser(acme.owner), world.app.extensions[sso.SURROUNDINGS].patience
    with ExitStack() as stack, acme.unchanged("attempts"):
        for number in range(STRANGERS):
            stack.enter_context(patience.one_more(f"stranger {number}"))
        assert post(browser, desk.address("check")).status_code == 303
        assert "was not asked: too many wait" in browser.get(desk.address("").rstrip("/")).text
    assert desk.theirs.hits == {}


def test_checks_are_limited(acme: Acme, desk: Desk) -> None:
    browser = acme.browser(acme.owner)
    answers = [check(browser, desk).status_code for _ in range(11)]
    assert answers == [303] * 10 + [429]
    assert desk.theirs.hits["discovery"] == 10


@pytest.mark.parametrize(("who", "status"), [("stranger", 404), ("member", 403), ("manager", 403), ("suspended", 404)])
def test_who_may_not_asks_nobody(acme: Acme, desk: Desk, who: str, status: int) -> None:
    browser = acme.browser(getattr(acme, who))
    with acme.unchanged():
        assert check(browser, desk).status_code == status
    assert desk.theirs.hits.total() == 0


def test_there_is_nothing_to_check_where_nothing_is_in_use(acme: Acme, desk: Desk) -> None:
    desk.set(status="disabled")
    with acme.unchanged():
        assert check(acme.browser(acme.owner), desk).status_code == 404


def test_check_begun_before_the_connection_was_switched_off_stores_nothing(acme: Acme, desk: Desk) -> None:
    def switched_off() -> Response:
        desk.set(status="disabled")
        return Response("", 500)

    desk.theirs.replies["discovery"] = switched_off
    assert check(acme.browser(acme.owner), desk).status_code == 303
    assert acme.world.read(lambda: db.session.get_one(IdentityProvider, desk.provider_id).probed_at) is None
    assert acme.world.letters() == []


# ---- when it breaks ----


@contextmanager
def away(how: str, folder: Path) -> Iterator[str]:
    """Give the address of a provider that is away."""
    with ExitStack() as running:
        if how == "stalls":
            yield running.enter_context(silence())
        elif how == "fails":
            theirs = running.enter_context(running_provider())
            theirs.replies["discovery"] = lambda: Response("", 500)
            yield theirs.issuer
        elif how == "has a bad certificate":
            yield running.enter_context(_badly_certified(folder))
        else:
            yield f"http://127.0.0.1:{running.enter_context(reserved_port())}"


@contextmanager
def _badly_certified(folder: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(folder).chain_file)
    server = make_server("127.0.0.1", 0, Flask("nobody"), threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


AWAY = {
    "refuses": ("does not answer", Reason.UNREACHABLE),
    "stalls": ("does not answer", Reason.TIMEOUT),
    "fails": ("does not answer", Reason.FAILING),
    "has a bad certificate": ("is set up wrongly", Reason.CERTIFICATE),
}


@pytest.mark.parametrize("how", AWAY)
def test_R19_only_new_sign_ins_of_that_organization_fail_and_the_page_says_how(
    world: World, acme: Acme, desk: Desk, impatient: None, tmp_path: Path, how: str
) -> None:
    sentence, reason = AWAY[how]
    desk.know(acme.member)
    inside = world.browser()
    assert desk.sign_in(inside).status_code == 303
    with running_provider() as other, away(how, tmp_path) as address:
        elsewhere = Desk(acme, other, acme.other_slug)
        elsewhere.know(acme.stranger)
        desk.set(issuer=address, version=2)
        browser = world.browser()
        page = browser.get(post(browser, desk.address("login")).location)
        assert page.status_code in (502, 503)
        assert sentence in page.text
        assert WORDS[reason] in page.text
        assert signed_in_as(browser) is None
        assert inside.get(acme.address("members")).status_code == 200
        assert elsewhere.sign_in(browser).status_code == 303
        assert signed_in_as(browser) == acme.stranger.name
        check(acme.browser(acme.owner), desk)
        assert WORDS[reason] in health_on(acme.browser(acme.owner), desk)


# ---- references ----


def reference_on(page: str) -> str:
    found = REFERENCE.search(" ".join(page.split()))
    assert found, page
    return found[1]


@pytest.mark.parametrize("endpoint", ["discovery", "token"])
def test_reference_on_the_page_is_in_the_log_and_in_the_audit_log(
    world: World, acme: Acme, desk: Desk, caplog: pytest.LogCaptureFixture, endpoint: str
) -> None:
    """On the way there as on the way back."""
    desk.theirs.replies[endpoint] = lambda: Response("", 500)
    browser = world.browser()
    left = browser.get(post(browser, desk.address("login")).location)
    if endpoint == "token":
        left = browser.get(at_provider(left.headers["Refresh"].partition("url=")[2]))
    reference = reference_on(left.text)
    [entry] = refusals(acme)
    assert (entry.after or {})["reference"] == reference
    assert (entry.after or {})["reason"] == WORDS[Reason.FAILING]
    [line] = [record for record in caplog.records if record.name == "webapp.blueprints.sso.ways"]
    assert (line.__dict__["request_id"], line.__dict__["reason"]) == (reference, "failing")
    assert line.__dict__["connection"] == desk.provider_id
    audit = acme.browser(acme.owner).get(acme.address("audit")).text
    assert reference in audit


def test_refusal_of_a_person_has_a_reference_too(
    world: World, acme: Acme, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    reference = reference_on(desk.sign_in(world.browser()).text)
    assert [(entry.after or {})["reference"] for entry in refusals(acme)] == [reference]
    [line] = [record for record in caplog.records if record.name == "webapp.blueprints.sso.ways"]
    assert (line.__dict__["request_id"], line.__dict__["error"]) == (reference, "NotInvited")


def test_way_that_nobody_began_here_has_a_reference_that_the_log_knows(
    world: World, acme: Acme, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    page = acme.browser(acme.owner).get(f"/sso/callback/{desk.provider_id}?state=made-up&code=made-up")
    reference = reference_on(page.text)
    [line] = [record for record in caplog.records if record.name == "webapp.blueprints.sso.ways"]
    assert (line.__dict__["request_id"], line.__dict__["error"]) == (reference, "FlowNotYours")
    assert "made-up" not in str(line.__dict__)
