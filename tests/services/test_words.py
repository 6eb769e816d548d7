"""Words by which people are found, and keys by which lists are sorted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.services.words import MAX_WORD_CHARACTERS, MAX_WORDS, fold, sort_key, words_of


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Ada LOVELACE ", "ada lovelace"),
        ("Zoë Ångström", "zoe angstrom"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("ＡＤＡ", "ada"),
        ("𝑨𝑑𝑎", "ada"),
        ("Ελένη", "ελενη"),
        ("例え", "例え"),
        ("", ""),
    ],
)
def test_folding_takes_case_and_accents_away(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_words_are_those_of_the_name_and_of_the_address_once_each() -> None:
    found = words_of("Ada King, Countess of Lovelace", "ada.king+hall@example.org")
    assert found == ["ada", "king", "countess", "of", "lovelace", "hall", "example", "org"]


def test_composed_and_decomposed_names_have_the_same_words() -> None:
    assert words_of("Zo\u00eb") == words_of("Zoe\u0308") == ["zoe"]


def test_long_texts_keep_within_the_limits() -> None:
    found = words_of(" ".join(f"{number}{'x' * 100}" for number in range(100)))
    assert len(found) == MAX_WORDS
    assert {len(word) for word in found} == {MAX_WORD_CHARACTERS}


def test_text_without_words_has_none() -> None:
    assert words_of("", "--- !", "\x00") == []


def test_lists_sort_without_case_and_accents() -> None:
    names = ["Zoë", "ångström", "Ada", "bo", "Ärger"]
    assert sorted(names, key=sort_key) == ["Ada", "ångström", "Ärger", "bo", "Zoë"]


@settings(deadline=None)
@given(st.text())
def test_any_text_gives_words_that_are_their_own_words(text: str) -> None:
    found = words_of(text)
    assert len(found) == len(set(found))
    for word in found:
        assert word == word.strip() != ""
        assert "\x00" not in word


@settings(deadline=None)
@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert len(sort_key(text)) <= 200
