"""Letters about requests and about being added: what they say, where they lead, and that names stay text."""

import re
from email import message_from_bytes, policy

import pytest
from flask import Flask

from tests.mail.letters import queue, require_well_set, settings_of, stored
from webapp.mail.compose import Composer

NAMES = {
    "organization": "Harbour Works",
    "slug": "harbour-works",
    "email": "ned@example.org",
    "requested": "bob@example.org",
}
MEMBERS, REQUESTS = "/orgs/harbour-works/members", "/orgs/harbour-works/members/requests"
ENDED: dict[str, object] = {"approver": "Ada", "role": "admin", "ended_at": "2026-08-01T00:00:00+00:00"}
KINDS = [
    ("request_received", {"suggested_by": ""}, REQUESTS, "asks to join", "you may approve"),
    ("request_received", {"suggested_by": "Mia"}, REQUESTS, "Mia suggests that", "you may approve"),
    ("request_approved", {"approver": "Ada", "role": "admin"}, MEMBERS, "Ada approved", "you suggested somebody"),
    ("request_approved", ENDED, MEMBERS, "belonged to Harbour Works until 31 Jul 2026, so no invitation", "suggested"),
    ("request_rejected", {"is_visitors": True}, None, "our request to join", "somebody asked to join"),
    ("request_rejected", {"is_visitors": False}, None, "hat you suggested", "you suggested somebody"),
    ("added", {"name": "Ned", "actor": "Ada", "role": "admin"}, MEMBERS, "Ada added you", "made you a member"),
    ("added", {"name": "Ned", "actor": "Ada", "role": "admin"}, "/orgs/harbour-works/leave", "the role Admin", "Ada"),
]
HOSTILE = "<b>Eve</b>\r\nBcc: eve@evil.example\u202e https://evil.example/win"


def parts(app: Flask, kind: str, data: dict[str, object]) -> tuple[str, str, str]:
    """Return the subject of a letter, its text, and its HTML, with single spaces."""
    letter = stored(app, queue(app, kind, "ned@example.org", {**NAMES, **data}))
    with app.app_context():
        raw = Composer(app, settings_of(app)).compose(letter).as_bytes()
    message = message_from_bytes(raw, policy=policy.default)
    bodies = [message.get_body((name,)) for name in ("plain", "html")]
    contents = [str(body.get_content()) for body in bodies if body]
    require_well_set(contents[0])
    text, html = (" ".join(content.split()) for content in contents)
    return str(message["Subject"]), text, html


@pytest.mark.parametrize(("kind", "data", "path", "what", "why"), KINDS)
def test_letter_says_what_happened_where_to_go_and_why_it_came(
    app: Flask, kind: str, data: dict[str, object], path: str | None, what: str, why: str
) -> None:
    subject, text, html = parts(app, kind, data)
    assert "Harbour Works" in subject
    for body in (text, html):
        assert what in body
        assert why in body
        assert path is None or f"{settings_of(app).base_url}{path}" in body


@pytest.mark.parametrize("kind", ["request_received", "request_approved", "request_rejected", "added"])
def test_C14_names_are_text_and_lead_nowhere(app: Flask, kind: str) -> None:
    names = dict.fromkeys(("organization", "suggested_by", "approver", "actor", "name"), HOSTILE)
    subject, text, html = parts(app, kind, {**names, "role": "admin", "is_visitors": True})
    assert "\n" not in subject
    assert "<b>" not in html
    for body in (subject, text, html):
        assert not re.search(r"https?://(?!127\.0\.0\.1|localhost)|evil\.example|\u202e", body)


@pytest.mark.parametrize("kind", ["request_received", "request_approved", "request_rejected"])
@pytest.mark.parametrize("is_visitors", [True, False])
def test_C14_address_that_somebody_typed_leads_nowhere(app: Flask, kind: str, is_visitors: bool) -> None:
    said = {"requested": "www.evil.example/verify?x=1@a.co", "suggested_by": "", "approver": "Ada", "role": "admin"}
    for body in parts(app, kind, {**said, "is_visitors": is_visitors}):
        assert "evil.example" not in body
        assert "a.co" not in body


def test_letter_about_a_membership_that_has_ended_does_not_say_that_it_was_approved(app: Flask) -> None:
    assert "approved" not in str(parts(app, "request_approved", ENDED))


def test_address_that_somebody_typed_can_be_read(app: Flask) -> None:
    for body in parts(app, "request_received", {"requested": "bob.b@mail.example.org", "suggested_by": "Mia"}):
        assert "bob[.]b@mail[.]example[.]org" in body
