"""Letters about one's own membership: what they say, where they lead, why they came, and that names stay text."""

import re
from email import message_from_bytes, policy

import pytest
from flask import Flask

from tests.mail.letters import queue, require_well_set, settings_of, stored
from webapp.mail.compose import Composer

DATA = {
    "name": "Ned",
    "actor": "Ada Winter",
    "organization": "Harbour Works",
    "slug": "harbour-works",
    "email": "ned@example.org",
    "role": "admin",
}
KINDS = {
    "role_changed": "Ada Winter changed your role in Harbour Works. It is now: Admin.",
    "end_changed": "Ada Winter took the end of your membership of Harbour Works away",
    "suspended": "Ada Winter suspended your membership of Harbour Works.",
    "restored": "Ada Winter restored your membership of Harbour Works, as it was before. Your role is: Admin.",
    "removed": "Ada Winter removed you from Harbour Works.",
}
LEADING_THERE = {"role_changed", "restored", "end_changed"}
HOSTILE = "<b>Eve</b>\r\nBcc: eve@evil.example\u202e https://evil.example/win"


def parts(app: Flask, kind: str, **changes: str) -> tuple[str, str, str]:
    """Return the subject of a letter, its text, and its HTML, with single spaces."""
    letter = stored(app, queue(app, kind, "ned@example.org", {**DATA, **changes}))
    with app.app_context():
        raw = Composer(app, settings_of(app)).compose(letter).as_bytes()
    message = message_from_bytes(raw, policy=policy.default)
    bodies = [message.get_body((name,)) for name in ("plain", "html")]
    contents = [str(body.get_content()) for body in bodies if body]
    require_well_set(contents[0])
    text, html = (" ".join(content.split()) for content in contents)
    return str(message["Subject"]), text, html


@pytest.mark.parametrize("kind", KINDS)
def test_letter_says_who_did_what_where_to_go_and_why_it_came(app: Flask, kind: str) -> None:
    subject, text, html = parts(app, kind)
    assert "Harbour Works" in subject
    for body in (text, html):
        assert KINDS[kind] in body
        assert "because we tell every member of Harbour Works what others change about their membership" in body
        link = f"{settings_of(app).base_url}/orgs/harbour-works/members"
        assert (link in body) is (kind in LEADING_THERE)


@pytest.mark.parametrize("kind", KINDS)
def test_C14_names_are_text_and_lead_nowhere(app: Flask, kind: str) -> None:
    subject, text, html = parts(app, kind, name=HOSTILE, actor=HOSTILE, organization=HOSTILE)
    assert "\n" not in subject
    assert "<b>" not in html
    for body in (subject, text, html):
        assert not re.search(r"https?://(?!127\.0\.0\.1|localhost)|evil\.example|\u202e", body)


def test_letter_names_the_last_day_and_the_one_before(app: Flask) -> None:
    ends = {"expires_at": "2027-03-01T00:00:00+00:00", "earlier_at": "2027-01-01T00:00:00+00:00"}
    subject, text, html = parts(app, "end_changed", **ends)
    assert subject == "Your membership of Harbour Works ends on 28 Feb 2027"
    for body in (text, html):
        assert "28 Feb 2027 is its last day, until midnight UTC. Until now its last day was 31 Dec 2026." in body


def test_letter_to_whom_somebody_adds_names_the_last_day_only_where_there_is_one(app: Flask) -> None:
    sentence = "28 Feb 2027 is the last day of your membership, until midnight UTC."
    for ends, is_said in (({"expires_at": "2027-03-01T00:00:00+00:00"}, True), ({}, False)):
        _subject, text, html = parts(app, "added", **ends)
        assert [sentence in body for body in (text, html)] == [is_said, is_said]
        assert ["last day" in body for body in (text, html)] == [is_said, is_said]
