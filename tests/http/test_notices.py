"""Notices wait in the cookie, whatever they say and however many they are; browsers take it all the same."""

from hashlib import shake_128

import pytest
from flask import Flask, Response, flash, get_flashed_messages, session

from webapp.http.notices import MOST_BYTES, say_with_undo

MOST_OF_A_COOKIE = 4_093


def kept(app: Flask, *sentences: str, has_undo: bool = False) -> tuple[int, list[object]]:
    """Say notices to somebody signed in; return how large the cookie is and what is said on the page that follows."""
    with app.test_request_context():
        session["token"] = "t" * 43
        for sentence in sentences:
            say_with_undo(sentence, "/undo") if has_undo else flash(sentence)
        response = Response()
        app.session_interface.save_session(app, session, response)
        [cookie] = response.headers.getlist("Set-Cookie")
    with app.test_request_context(headers={"Cookie": cookie.partition(";")[0]}):
        assert session["token"] == "t" * 43
        return len(cookie), list(get_flashed_messages())


def words(number: int) -> str:
    """Return text that nothing makes smaller."""
    drawn = shake_128(str(number).encode()).digest(2 * number)
    return "".join(chr(0x4E00 + int.from_bytes(drawn[place : place + 2]) % 8_000) for place in range(0, 2 * number, 2))


@pytest.mark.parametrize("has_undo", [False, True])
def test_X04_notice_that_is_too_long_is_cut_and_nobody_is_signed_out(app: Flask, has_undo: bool) -> None:
    size, said = kept(app, words(5_000), has_undo=has_undo)
    assert MOST_BYTES // 8 < size <= MOST_OF_A_COOKIE
    [message] = said
    shown = message if isinstance(message, dict) else {"sentence": message, "undo": None}
    assert str(shown["sentence"]).endswith("…")
    assert shown["undo"] == ("/undo" if has_undo else None)


def test_X04_of_too_many_notices_the_first_are_said(app: Flask) -> None:
    sentences = [words(number) for number in range(150, 190)]
    size, said = kept(app, *sentences)
    assert size <= MOST_OF_A_COOKIE
    assert 0 < len(said) < len(sentences)
    assert said == sentences[: len(said)]


def test_notices_that_fit_are_said_whole(app: Flask) -> None:
    assert kept(app, "a" * 3_000, "Done.")[1] == ["a" * 3_000, "Done."]
