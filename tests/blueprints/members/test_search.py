"""Searching members and invitations by the start of any word of a name or an address."""

import pytest

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import Page

PEOPLE = [
    ("Ada Lovelace", "countess@example.net"),
    ("Adele O'Connor-Ådahl", "adele.oconnor+work@example.net"),
    ("Zoë Çelik", "zoe_celik@example.net"),
    ("Łukasz Straße", "lukasz@strasse.example.net"),
    ("王小明", "xiaoming@example.net"),
    ("Percy 100%", "percy@example.net"),
    ("John", "john_smith@example.net"),
    ("𝐁𝐨𝐥𝐝 Man", "bold@example.net"),
]


SEARCHES: list[tuple[str, list[str]]] = [
    ("lovelace", ["Ada Lovelace"]),
    ("  LOVE ", ["Ada Lovelace"]),
    ("countess@example.net", ["Ada Lovelace"]),
    ("velace", []),
    ("ad", ["Ada Lovelace", "Adele O'Connor-Ådahl"]),
    ("love ada", ["Ada Lovelace"]),
    ("ada lovelace countess example net", ["Ada Lovelace"]),
    ("ada nobody", []),
    ("connor", ["Adele O'Connor-Ådahl"]),
    ("o'connor", ["Adele O'Connor-Ådahl"]),
    ("adahl", ["Adele O'Connor-Ådahl"]),
    ("ÅDAHL", ["Adele O'Connor-Ådahl"]),
    ("work", ["Adele O'Connor-Ådahl"]),
    ("zoe", ["Zoë Çelik"]),
    ("ZOË", ["Zoë Çelik"]),
    ("Zoe\u0308", ["Zoë Çelik"]),
    ("çel", ["Zoë Çelik"]),
    ("strasse", ["Łukasz Straße"]),
    ("STRASSE", ["Łukasz Straße"]),
    ("straße", ["Łukasz Straße"]),
    ("łuk", ["Łukasz Straße"]),
    ("王小", ["王小明"]),
    ("小", []),
    ("bold", ["𝐁𝐨𝐥𝐝 Man"]),
    ("ｂｏｌｄ", ["𝐁𝐨𝐥𝐝 Man"]),
    ("100", ["Percy 100%"]),
    ("100%", ["Percy 100%"]),
    ("lov%ce", []),
    ("zoe_", ["Zoë Çelik"]),
    ("smith", ["John"]),
    ("john_smith", ["John"]),
    ("lov_ce", []),
    ("love\x00lace", []),
    ("ada\x00lovelace", ["Ada Lovelace"]),
    ("' or 1=1 --", []),
]


@pytest.fixture
def people(acme: Acme) -> dict[str, int]:
    """Names to the ids of memberships."""
    return dict(zip((name for name, _ in PEOPLE), crowds.join(acme, PEOPLE), strict=True))


def found(acme: Acme, q: str, path: str = "members", kind: str = "member") -> list[int]:
    answer = acme.browser(acme.owner).get(acme.address(path), query_string={"q": q})
    assert answer.status_code == 200
    return Page(answer).rows(kind)


def test_words_are_found_by_their_start(acme: Acme, people: dict[str, int]) -> None:
    names = {number: name for name, number in people.items()}
    results = [(q, sorted(names[number] for number in found(acme, q) if number in names)) for q, _ in SEARCHES]
    assert results == SEARCHES


def test_search_without_a_word_lists_everybody(acme: Acme, people: dict[str, int]) -> None:
    for q in ("", " ", "%", "%%%", "_", "\x00", "*", "()", "@.", "\u202e"):
        assert len(found(acme, q)) == 5 + len(people), q


def test_member_with_several_matches_appears_once(acme: Acme) -> None:
    [number] = crowds.join(acme, [("Anna Annabel Anne", "anna.ann@annex.example.net")])
    assert found(acme, "ann") == [number]
    assert found(acme, "ann anna anne") == [number]


def test_what_was_found_comes_by_the_word_that_matched(acme: Acme) -> None:
    first, second, third = crowds.join(acme, [("Zed Bob", "a@x.net"), ("Amy Bobby", "b@x.net"), ("Bo Zed", "c@x.net")])
    assert found(acme, "bo") == [third, first, second]


def test_no_more_than_five_words_are_looked_at(acme: Acme, people: dict[str, int]) -> None:
    assert found(acme, "ada lovelace countess example net x") == [people["Ada Lovelace"]]


def test_search_text_of_any_length_is_harmless(acme: Acme, people: dict[str, int]) -> None:
    assert found(acme, "a" * 5000) == []
    assert found(acme, "a " * 5000) != []


def test_what_was_typed_stays_in_the_field_and_is_text(acme: Acme) -> None:
    q = '"><script>alert(1)</script>'
    page = Page(acme.browser(acme.owner).get(acme.address("members"), query_string={"q": q}))
    assert [field.attributes["value"] for field in page.named("q")] == [q]
    assert f"Nobody matches “{q}”" in page.text


def test_changed_people_are_found_by_both_name_and_primary_address(acme: Acme) -> None:
    assert found(acme, "olive") == found(acme, "owner") == [acme.member_id(acme.owner)]


def test_invitations_are_found_by_any_word_of_the_address(acme: Acme) -> None:
    first, second = crowds.invite(acme, ["Bob.Builder+site@Works.example.org", "eve@example.org"])
    for q in ("bob", "BUILD", "site", "works", "bob works", "bob.builder+site@works.example.org"):
        assert found(acme, q, "members/pending", "invitation") == [first]
    assert sorted(found(acme, "example", "members/pending", "invitation")) == [first, second]
    for q in ("uilder", "bob eve", "_ob"):
        assert found(acme, q, "members/pending", "invitation") == []
    for q in ("", "%", "\x00"):
        assert found(acme, q, "members/pending", "invitation") == [second, first]


def test_D14_search_finds_nothing_of_another_organization(acme: Acme) -> None:
    crowds.join(acme, PEOPLE, acme.other_slug)
    for q in ("adel", "lovelace", "example net", "王"):
        assert found(acme, q) == []
