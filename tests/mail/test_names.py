"""C14: a name is text, never a link and never a disguise."""

import pytest

from webapp.mail.names import defanged


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("https://evil.example/win", "https[:]//evil[.]example/win"),
        ("www.evil.co.uk", "www[.]evil[.]co[.]uk"),
        ("write to eve@evil.example", "write to eve@evil[.]example"),
        ("evil。example", "evil[.]example"),
        ("evil.\u200bexample", "evil[.]example"),
        ("Ada\r\nBcc: eve@evil.example", "Ada Bcc: eve@evil[.]example"),
        ("Ada\u2028\x00\x1b[1mLovelace", "Ada [1mLovelace"),
        ("\u202eecalevoL adA", "ecalevoL adA"),
        ("\u2066Ada\u2069 \u200fLovelace\ufeff", "Ada Lovelace"),
    ],
)
def test_c14_name_is_made_harmless(name: str, shown: str) -> None:
    assert defanged(name) == shown


@pytest.mark.parametrize(
    "name", ["J.R.R. Tolkien", "Größe & Söhne 🎉", "Dr. Ada", "می\u200cخواهم", "Wait...", "O'Brien, Inc."]
)
def test_ordinary_name_stays_as_it_is(name: str) -> None:
    assert defanged(name) == name
