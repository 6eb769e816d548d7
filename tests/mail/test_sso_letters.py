"""Letters about single sign-on: what they say, where they lead, and why they came."""

import pytest
from flask import Flask

from tests.mail.test_request_letters import parts
from webapp.mail.names import defanged
from webapp.providers.words import WORDS

SAID = {"name": "Mia", "organization": "Harbour Works", "slug": "harbour-works", "provider": "id.example.org"}
POLICY = {"actor": "Olive Owner", "what": "required"}
REHEARSAL = {"what": "soon", "people": 2, "has_owner": False, "begins_at": "2026-03-01T00:00:00+00:00"}
TAKEN = {"actor": "Olive Owner"}
KINDS = [
    ("sso_enforced", POLICY, "/orgs/harbour-works/audit", "from now on members"),
    (
        "sso_enforced",
        {**POLICY, "what": "later", "begins_at": "2026-03-01T00:00:00+00:00"},
        "/orgs/harbour-works/audit",
        "2026",
    ),
    ("sso_enforced", {**POLICY, "what": "off"}, "/orgs/harbour-works/audit", "no longer requires"),
    ("sso_bypassed", {"until_at": "2026-03-01T00:00:00+00:00"}, "/orgs/harbour-works/audit", "required again"),
    (
        "sso_required_soon",
        {"begins_at": "2026-03-01T00:00:00+00:00", "is_linked": False},
        "/orgs/harbour-works/sso/link",
        "link it before that day",
    ),
    (
        "sso_required_soon",
        {"begins_at": "2026-03-01T00:00:00+00:00", "is_linked": True},
        "/orgs/harbour-works/sso/login",
        "is linked already",
    ),
    ("sso_rehearsal", REHEARSAL, "/orgs/harbour-works/sso/enforce", "2 active members are not linked"),
    ("sso_rehearsal", {**REHEARSAL, "what": "required"}, "/orgs/harbour-works/sso/enforce", "The rehearsal is over"),
    ("sso_rehearsal", {**REHEARSAL, "what": "kept"}, "/orgs/harbour-works/sso/enforce", "it stays optional"),
    ("sso_recovery", {"actor": "Olive Owner", "what": "made"}, "/orgs/harbour-works/audit", "Those before do not work"),
    (
        "sso_recovery",
        {"actor": "Olive", "what": "used", "until_at": "2026-03-01T00:00:00+00:00", "codes_left": 9},
        "/orgs/harbour-works/audit",
        "9 codes are left",
    ),
    ("sso_linked", {}, "/account/", "Whoever signs in there as you"),
    ("sso_unlinked", {}, "/account/", "You sign in with your password"),
    ("sso_taken_away", {**TAKEN, "has_password": True}, "/orgs/harbour-works/sso/link", "choose a new one first"),
    ("sso_taken_away", {**TAKEN, "has_password": False}, "/forgot-password", "choose one, and link your account again"),
    (
        "sso_taken_away",
        {**TAKEN, "has_password": True, "token": "a-token"},
        "/verify-email/a-token",
        "sign in with it and your password",
    ),
    ("sso_taken_away", {**TAKEN, "has_password": False, "token": "a"}, "/verify-email/a", "choose one there"),
    ("sso_disabled", {"has_password": True}, "/login", "with your email address and your password"),
    ("sso_disabled", {"has_password": False}, "/forgot-password", "you get a link to choose one"),
    (
        "sso_does_not_work",
        {"why": "The provider did not answer in time."},
        "/orgs/harbour-works/sso",
        "The provider did not answer in time.",
    ),
    ("sso_domain", {"domain": "corp.example.com", "what": "missing"}, "/orgs/harbour-works/sso", "within three days"),
    ("sso_domain", {"domain": "corp.example.com", "what": "lost"}, "/orgs/harbour-works/sso", "was missing for days"),
    ("sso_domain", {"domain": "corp.example.com", "what": "handed_over"}, "/orgs/harbour-works/sso", "handed over"),
    ("sso_named", {"email": "mia@example.org"}, "/account/", "so they were not let in"),
    ("sso_works_again", {}, "/orgs/harbour-works/sso", "people can sign in through it"),
    ("sso_invalidated", {"is_required": True}, "/orgs/harbour-works/sso/login", "you reach nothing of it"),
    ("sso_invalidated", {"is_required": False}, "/orgs/harbour-works/sso/login", "stays as it is"),
    ("sso_replaced", {"has_password": True}, "/orgs/harbour-works/sso/link", "link your account there"),
    ("sso_replaced", {"has_password": False}, "/forgot-password", "You have no password yet"),
    (
        "sso_replaced",
        {"has_password": True, "token": "a-token"},
        "/verify-email/a-token",
        "sign in with it and your password, and link your account",
    ),
    (
        "sso_replaced",
        {"has_password": False, "token": "a-token"},
        "/verify-email/a-token",
        "choose one there, and link your account then",
    ),
    ("sso_disabled", {"has_password": False, "token": "a-token"}, "/verify-email/a-token", "choose a password there"),
    ("sso_link_reminder", {"is_linked": False}, "/orgs/harbour-works/sso/link", "is not linked with it yet"),
    (
        "sso_link_reminder",
        {"is_linked": False, "bound_to": "gAAAAAB-x_=="},
        "/orgs/harbour-works/sso/link?for=gAAAAAB-x_==",
        "is not linked with it yet",
    ),
    ("sso_link_reminder", {"is_linked": True}, "/orgs/harbour-works/sso/login", "is linked already"),
    ("sso_link_refused", {"is_theirs": True}, "/account/", "with another account here than yours"),
    ("sso_link_refused", {"is_theirs": False}, "/account/", "that is linked with somebody else here, or was before"),
    ("sso_link_refused", {"is_theirs": False, "is_second": True}, "/account/", "than the one it is linked with"),
    (
        "sso_joined",
        {"person": "Mia Sommer", "claimed": "mia@example.org"},
        "/orgs/harbour-works/members",
        "Nobody had invited them",
    ),
]


@pytest.mark.parametrize(("kind", "data", "path", "what"), KINDS)
def test_letter_says_what_happened_and_where_to_go(
    app: Flask, kind: str, data: dict[str, object], path: str, what: str
) -> None:
    _subject, text, html = parts(app, kind, {**SAID, **data})
    for body in (text, html):
        assert what in body
        assert path in body
        assert "This email came because" in body


@pytest.mark.parametrize(("kind", "data"), [(kind, data) for kind, data, _path, _what in KINDS])
def test_C14_names_are_text_and_lead_nowhere(app: Flask, kind: str, data: dict[str, object]) -> None:
    hostile = "<b>Eve</b>\r\nBcc: eve@evil.example https://evil.example/win"
    of_strangers = ("name", "organization", "provider", "person", "claimed", "actor", "domain")
    names = {**data, **dict.fromkeys(of_strangers, hostile)}
    subject, text, html = parts(app, kind, {**SAID, **names})
    assert "<b>" not in html
    for said in (subject, text, html):
        assert "evil.example" not in said
        assert "evil[.]example" in said


@pytest.mark.parametrize("words", WORDS.values(), ids=[reason.value for reason in WORDS])
def test_why_a_connection_does_not_work_reaches_the_letter_as_it_is(words: str) -> None:
    """Else it would not be found in the catalogue."""
    assert defanged(words) == words
