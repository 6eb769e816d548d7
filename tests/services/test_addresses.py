"""Email addresses: what counts as one, how a pasted list falls apart, and that nothing turns into another address."""

import sys
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.errors import DomainWithoutDot, InvalidAddress
from webapp.services.addresses import Address, parse, parse_new, split

TO_ASCII: list[Callable[[str], str]] = [str.lower, str.casefold, lambda text: unicodedata.normalize("NFKC", text)]
IGNORED_IN_DOMAINS = ["\u00ad", "\u034f", "\u200b", "\u2060", "\ufe0f", "\U000e0100", "\u180b", "\u1160"]
DOTS_IN_DOMAINS = ["\u3002", "\uff0e", "\uff61"]


def become_ascii() -> list[str]:
    """Return the characters outside of ASCII that one of the usual mappings turns into ASCII."""
    characters = map(chr, range(0x80, sys.maxunicode + 1))
    return [c for c in characters if any(mapped.isascii() for mapped in (to_ascii(c) for to_ascii in TO_ASCII))]


def canonical_of(text: str) -> str | None:
    try:
        return parse(text).canonical
    except InvalidAddress:
        return None


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  Ada.Lovelace@Example.ORG \n", "ada.lovelace@example.org"),
        ("ada+hall@example.org", "ada+hall@example.org"),
        ("o'hara_%=?{}!@example.org", "o'hara_%=?{}!@example.org"),
        ("ada@sub.example.co.uk", "ada@sub.example.co.uk"),
        ("ada@intranet", "ada@intranet"),
        ("ada@exämple.org", "ada@xn--exmple-cua.org"),
        ("ada@EXÄMPLE.org", "ada@xn--exmple-cua.org"),
        ("ada@XN--EXMPLE-CUA.org", "ada@xn--exmple-cua.org"),
        ("ada@faß.de", "ada@xn--fa-hia.de"),
        ("ada@例え.jp", "ada@xn--r8jz45g.jp"),
        (f"{'a' * 64}@example.org", f"{'a' * 64}@example.org"),
    ],
)
def test_address_is_kept_as_typed_beside_its_canonical_form(typed: str, canonical: str) -> None:
    assert parse(typed) == Address(typed.strip(), canonical)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@@example.org",
        "ada@mia@example.org",
        "ada..l@example.org",
        ".ada@example.org",
        "ada.@example.org",
        "ada@example..org",
        "ada@-example.org",
        "ada@exa_mple.org",
        "ada@example.org.",
        "ada@[127.0.0.1]",
        "ada@localhost",
        '"a b"@example.org',
        "(me)ada@example.org",
        "Ada <ada@example.org>",
        "<ada@example.org>",
        "mailto:ada@example.org,mia@example.org",
        "ädä@example.org",
        "ada@xn--a.org",
        f"{'a' * 65}@example.org",
        f"ada@{'a' * 64}.org",
        f"ada@{'.'.join(['a' * 60] * 5)}.org",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddress):
        parse(text)


@pytest.mark.parametrize(
    "text", ["ada@example.org,mia@example.org", "ada@example.org mia@example.org", "ada@example.org;mia@example.org"]
)
def test_F01_two_addresses_are_not_one(text: str) -> None:
    with pytest.raises(InvalidAddress):
        parse(text)


def test_F02_no_character_becomes_ascii_in_an_address() -> None:
    characters = become_ascii()
    assert len(characters) > 1380
    local_parts = [c for c in characters if canonical_of(f"a{c}da@example.org")]
    domains = [c for c in characters if (found := canonical_of(f"ada@exa{c}mple.org")) and "xn--" not in found]
    assert (local_parts, domains) == ([], [])


@pytest.mark.parametrize("character", IGNORED_IN_DOMAINS + DOTS_IN_DOMAINS)
def test_F02_no_character_vanishes_from_a_domain(character: str) -> None:
    for domain in (f"exa{character}mple.org", f"example{character}org", f"exä{character}mple.org", f"xn--{character}a"):
        assert canonical_of(f"ada@{domain}") is None


@settings(deadline=None)
@given(st.text(min_size=1, max_size=3), st.text(max_size=2))
def test_F02_canonical_form_of_ascii_belongs_to_ascii_alone(inside: str, after: str) -> None:
    typed = f"ada@exa{inside}mple{after}.org"
    found = canonical_of(typed)
    if found is not None and "xn--" not in found:
        assert found == typed.strip().lower()
        assert typed.strip().isascii()


@pytest.mark.parametrize("place", ["{}ada@example.org", "ada{}@example.org", "ada@{}example.org", "ada@exa{}mple.org"])
@pytest.mark.parametrize(
    "injected",
    ["\r\nBcc: mia@example.org\r\n", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028", "\x1b[31m", "\u202e", '"', "<", " "],
)
def test_F03_nothing_of_a_header_fits_into_an_address(place: str, injected: str) -> None:
    text = place.format(injected)
    assert canonical_of(text) is None or text.strip() == "ada@example.org"


@settings(deadline=None, max_examples=300)
@given(st.text() | st.from_regex(r"[^@]{0,20}@[^@]{0,20}\Z") | st.emails())
def test_F03_any_text_is_refused_or_one_plain_address(text: str) -> None:
    try:
        address = parse(text)
    except InvalidAddress:
        return
    assert address.canonical.isascii()
    assert address.canonical.isprintable()
    assert address.canonical == address.canonical.lower()
    assert address.canonical.count("@") == 1
    assert len(address.typed) <= 254
    assert not set(address.typed) & set(' \t\r\n",;<>()')
    assert parse(address.canonical).canonical == address.canonical


@pytest.mark.parametrize(
    ("typed", "bucket"),
    [
        ("ada@example.org", "ada@example.org"),
        ("Ada+Hall+2@example.org", "ada@example.org"),
        ("a.da@example.org", "a.da@example.org"),
    ],
)
def test_F04_tags_are_other_addresses_of_one_mailbox(typed: str, bucket: str) -> None:
    assert parse(typed).bucket == bucket


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (" ,;\r\n<>,\t", []),
        ("a@example.org", ["a@example.org"]),
        ("a@example.org,b@example.org, c@example.org", ["a@example.org", "b@example.org", "c@example.org"]),
        ("a@example.org;b@example.org\nc@example.org\r\n", ["a@example.org", "b@example.org", "c@example.org"]),
        ("a@example.org  b@example.org\tc@example.org", ["a@example.org", "b@example.org", "c@example.org"]),
        ("Ada Lovelace <a@example.org>", ["a@example.org"]),
        ("Ada <a@example.org>, Bo <b@example.org>", ["a@example.org", "b@example.org"]),
        ("Ada <a@example.org> Bo <b@example.org>", ["a@example.org", "b@example.org"]),
        ("a@example.org Bo <b@example.org>", ["a@example.org", "b@example.org"]),
        ('"Lovelace, Ada" <a@example.org>; b@example.org', ["a@example.org", "b@example.org"]),
        ('"a@example.org" <b@example.org>', ["b@example.org"]),
        ('"a@example.org","b@example.org"', ["a@example.org", "b@example.org"]),
        ("< a@example.org >", ["a@example.org"]),
        ("Bo (Sales) <b@example.org>", ["b@example.org"]),
        ('"no end <a@example.org>', ["a@example.org"]),
        ("<a@example.org", ["a@example.org"]),
        ("not an address, a@example.org", ["not", "an", "address", "a@example.org"]),
        ("a@example.org a@example.org", ["a@example.org", "a@example.org"]),
    ],
)
def test_pasted_list_falls_into_its_addresses(text: str, found: list[str]) -> None:
    assert split(text) == found


@pytest.mark.parametrize("separator", [", ", ";", "\n", "\r\n", " "])
@pytest.mark.parametrize("form", ["{}", "<{}>", "Ada Lovelace <{}>", '"Lovelace, Ada" <{}>'])
def test_a_thousand_addresses_are_a_thousand(separator: str, form: str) -> None:
    addresses = [f"person{number}@example.org" for number in range(1000)]
    assert split(separator.join(map(form.format, addresses))) == addresses


@settings(deadline=None)
@given(
    st.lists(st.emails(domains=st.just("example.org")).filter(lambda email: not set(email) & set(',;<>" '))),
    st.sampled_from([",", " ; ", "\n", "\t", "\u2028"]),
)
def test_no_address_of_a_list_is_lost(emails: list[str], separator: str) -> None:
    assert split(separator.join(emails)) == emails


@settings(deadline=None)
@given(st.text(alphabet=st.characters() | st.sampled_from('<>",;@ \n')))
def test_any_text_falls_into_pieces_of_itself(text: str) -> None:
    for piece in split(text):
        assert piece in text
        assert piece == piece.strip() != ""


@pytest.mark.parametrize("text", ["ada@example.org", "ada@intranet", "Ada@INTRANET"])
def test_new_address_needs_a_dot_but_for_the_domain_that_letters_come_from(text: str) -> None:
    assert parse_new(text, "intranet") == parse(text)


def test_new_address_of_another_domain_without_a_dot_is_refused() -> None:
    with pytest.raises(DomainWithoutDot):
        parse_new("ada@nowhere", "intranet")
