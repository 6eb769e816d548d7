"""X04, X06: what is too large is refused before it is read, and a list that is too long as a whole."""

import json
from collections.abc import Callable
from io import RawIOBase
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.datastructures import MultiDict
from werkzeug.test import EnvironBuilder, encode_multipart

from tests.support.acme import Acme
from tests.support.dumps import Dump
from tests.support.pages import Page
from tests.support.routes import Routes
from tests.support.worlds import World, csrf_token, post
from webapp.http.limits import MAX_BYTES_OF_LISTS, MAX_FORM_PARTS, PLAIN_FORM
from webapp.services.invitation_batches import MAX_ADDRESSES

TEN_MEGABYTES = 10 * 1024 * 1024
KINDS = [PLAIN_FORM, "multipart/form-data; boundary=x", "application/json", "text/plain", ""]
BOUNDARY = "between-two-fields"
OFFER = {"role": "member", "lifetime_days": "7"}


class LongBody(RawIOBase):
    """A body of ten million zeros that counts how many of them were asked for."""

    def __init__(self) -> None:
        self.read_bytes = 0

    def seek(self, _offset: int, whence: int = 0) -> int:
        """Say how long it is, and go nowhere."""
        return TEN_MEGABYTES if whence else 0

    def tell(self) -> int:
        """Stand at the beginning."""
        return 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.read_bytes += len(buffer)
        buffer[:] = b"0" * len(buffer)
        return len(buffer)


def test_X04_ten_megabytes_are_refused_at_every_address_before_they_are_read(
    world: World, acme: Acme, routes: Routes, dump: Callable[[], Dump]
) -> None:
    browsers = world.browser(acme.owner), world.browser()
    for route in routes:
        if route.method == "POST":
            path = routes.request(route).path
            before = dump()
            for browser, kind in product(browsers, KINDS):
                body = LongBody()
                answer = browser.post(path, input_stream=body, content_length=TEN_MEGABYTES, content_type=kind)
                assert answer.status_code in (403, 413), (route, kind)
                assert body.read_bytes <= MAX_BYTES_OF_LISTS, (route, kind)
            assert dump() == before, route


def test_X04_form_that_breaks_off_is_refused_with_all_that_came_of_it(world: World, acme: Acme) -> None:
    browser = world.browser(acme.owner)
    fields = {**OFFER, "emails": "ira@example.org", "csrf_token": csrf_token(browser)}
    cut_off = urlencode({**fields, "more": "x" * 100}).encode()[:-50]
    at_gunicorn = {"wsgi.input_terminated": True, "CONTENT_LENGTH": str(len(cut_off) + 50)}
    with acme.unchanged():
        answer = browser.post(
            acme.address("members/new"), data=cut_off, content_type=PLAIN_FORM, environ_overrides=at_gunicorn
        )
        assert answer.status_code == 400
    whole = {**at_gunicorn, "CONTENT_LENGTH": str(len(cut_off))}
    sent = browser.post(acme.address("members/new"), data=cut_off, content_type=PLAIN_FORM, environ_overrides=whole)
    assert sent.status_code == 303


def many_fields(number: int, name: str) -> list[tuple[str, str]]:
    return [(name.format(index), "x") for index in range(number)]


def encoded(kind: str, fields: list[tuple[str, str]]) -> bytes:
    """Return fields as a form of this kind has them."""
    if kind == PLAIN_FORM:
        return urlencode(fields).encode()
    return encode_multipart(MultiDict(fields), BOUNDARY)[1]


def joined(kind: str, own: list[tuple[str, str]], many: bytes) -> dict[str, Any]:
    """Return the arguments of a POST of a few fields, and of many more that are encoded already."""
    if kind == PLAIN_FORM:
        return {"data": encoded(kind, own) + b"&" + many, "content_type": kind}
    few = encoded(kind, own).removesuffix(f"\r\n--{BOUNDARY}--\r\n".encode())
    return {"data": few + many, "content_type": f'{kind}; boundary="{BOUNDARY}"'}


MANY = [
    (kind, encoded(kind, many_fields(10_000, name)))
    for kind in (PLAIN_FORM, "multipart/form-data")
    for name in ("x{}", "x", "emails", "csrf_token")
]


def test_X04_ten_thousand_fields_are_refused_at_every_address(
    world: World, acme: Acme, routes: Routes, dump: Callable[[], Dump]
) -> None:
    browser = world.browser(acme.owner)
    token = csrf_token(browser)
    for route in routes:
        if route.method == "POST":
            request = routes.request(route)
            own = [*request.form.items(), ("csrf_token", token)]
            before = dump()
            for kind, many in MANY:
                assert browser.post(request.path, **joined(kind, own, many)).status_code == 413, (route, kind)
            assert dump() == before, route


@pytest.mark.parametrize("kind", [PLAIN_FORM, "multipart/form-data"])
def test_fields_that_are_encoded_apart_are_one_form(kind: str) -> None:
    """What the test above sends is what a browser would."""
    own, many = [("a", "1"), ("csrf_token", "2")], many_fields(3, "x{}")
    sent = EnvironBuilder(method="POST", **joined(kind, own, encoded(kind, many))).get_request()
    assert list(sent.form.items(multi=True)) == [*own, *many]


def test_X04_as_many_fields_as_are_taken_are_read(acme: Acme) -> None:
    fields = {**dict(many_fields(MAX_FORM_PARTS - 4, "x{}")), "emails": "mia@example.org", **OFFER}
    assert post(acme.browser(acme.owner), acme.address("members/new"), **fields).status_code == 303


def test_X04_deep_json_is_not_even_parsed(world: World, acme: Acme, routes: Routes) -> None:
    deep = "[" * 30_000 + "]" * 30_000
    browser = world.browser(acme.owner)
    headers = {"X-CSRFToken": csrf_token(browser)}
    for body in (deep, json.dumps({"emails": "mia@example.org", **OFFER})):
        with acme.unchanged():
            answer = browser.post(
                acme.address("members/new"), data=body, content_type="application/json", headers=headers
            )
        assert answer.status_code == 422


def invite(acme: Acme, emails: str) -> Any:
    return post(acme.browser(acme.owner), acme.address("members/new"), emails=emails, **OFFER)


@pytest.mark.parametrize(
    ("emails", "status"),
    [
        ("\n".join(f"guest{number}@example.org" for number in range(10_001)), 422),
        ("\n".join(f"guest{number}@example.org" for number in range(MAX_ADDRESSES + 1)), 422),
        ("x" * 1_000_000, 422),
        ("a@" * 500_000, 422),
        ("," * 1_000_000, 422),
        ("mia@example.org\n" * 70_000, 413),
    ],
    ids=["10,001 rows", "one row too many", "a megabyte", "a megabyte of signs", "a megabyte of commas", "more"],
)
def test_X06_list_that_is_too_long_is_refused_as_a_whole(acme: Acme, emails: str, status: int) -> None:
    with acme.unchanged():
        answer = invite(acme, emails)
    assert answer.status_code == status
    assert "invitation.sent" not in acme.events()


def test_X06_address_given_a_thousand_times_gets_one_letter(acme: Acme) -> None:
    emails = "\n".join("Mia@example.org" if number % 2 else "mia@EXAMPLE.org" for number in range(1_000))
    assert invite(acme, emails).status_code == 303
    assert [letter.to_address for letter in acme.world.letters("invitation")] == ["mia@EXAMPLE.org"]
    assert acme.events().count("invitation.sent") == 1


def test_X06_every_row_has_its_result(acme: Acme) -> None:
    rows = [f"guest{number}@example.org" for number in range(MAX_ADDRESSES - 2)]
    browser = acme.browser(acme.owner)
    emails = "\n".join([*rows, acme.member.email, "no-address"])
    answer = post(browser, acme.address("members/new"), emails=emails, **OFFER)
    assert answer.status_code == 303
    assert len(acme.world.letters("invitation")) == len(rows)
    text = Page(browser.get(answer.location)).text
    assert [shown for shown in (rows[0], rows[-1], acme.member.email, "no-address") if shown not in text] == []
