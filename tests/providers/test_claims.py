"""What is believed of the claims about a person."""

from typing import Any

import pytest
from flask import jsonify
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.refusals import refusal_of
from tests.support.identity_provider import ABSENT, Browser, HostileProvider, connected, laid_over
from webapp.providers.claims import Claims, merged, read
from webapp.providers.errors import NotBelieved, Reason

MIA = {"sub": "u-1", "email": "mia@example.org", "email_verified": True, "name": "Mia", "groups": ["staff"]}


@pytest.mark.parametrize("said", [ABSENT, False, "false", "true", 1, None, [True], {"is": True}], ids=repr)
def test_A06_only_true_verifies_an_address(said: object) -> None:
    assert read(laid_over(MIA, {"email_verified": said})).email_verified is False


def test_A06_nothing_is_verified_where_there_is_no_address() -> None:
    assert read({**MIA, "email": None}).email_verified is False
    assert read(MIA).email_verified is True


@pytest.mark.parametrize(
    ("token", "userinfo", "email", "is_verified"),
    [
        ({"email": "a@example.org"}, {"email": "b@example.org", "email_verified": True}, "a@example.org", False),
        ({"email_verified": True}, {"email": "b@example.org"}, "b@example.org", False),
        ({"email_verified": False}, {"email": "b@example.org", "email_verified": True}, "b@example.org", True),
        ({"email": "a@example.org", "email_verified": True}, {"email_verified": False}, "a@example.org", True),
        ({}, {}, None, False),
    ],
)
def test_A06_address_and_its_verification_come_from_one_answer(
    token: dict[str, Any], userinfo: dict[str, Any], email: str | None, is_verified: bool
) -> None:
    claims = read({"sub": "u-1", **merged(token, userinfo)})
    assert (claims.email, claims.email_verified) == (email, is_verified)


@pytest.mark.parametrize(
    "sub", [ABSENT, None, "", 1, 1.5, True, ["u-1"], {"u": 1}, "s" * 256, "é" * 128, "a\0", "\0", "\ud800"], ids=repr
)
def test_A16_subject_that_cannot_be_one_is_refused(sub: object) -> None:
    with pytest.raises(NotBelieved) as refused:
        read(laid_over(MIA, {"sub": sub}))
    assert refused.value.reason == Reason.SUBJECT


@pytest.mark.parametrize("sub", [" u-1 ", " ", "U-1", "\u00fc-1", "u\u0308-1", "u\u22121", "s" * 255, "a\nb"], ids=repr)
def test_A16_subject_is_kept_byte_for_byte(sub: str) -> None:
    assert read({"sub": sub}).subject.encode() == sub.encode()


@pytest.mark.parametrize("sub", ["", 1, "s" * 256, "a\0"], ids=repr)
def test_A16_subject_is_refused_before_userinfo_is_asked(theirs: HostileProvider, sub: object) -> None:
    theirs.claims_changes = {"sub": sub}
    assert (refusal_of(theirs).reason, theirs.hits["userinfo"]) == (Reason.SUBJECT, 0)


@given(st.text(alphabet=st.characters(codec=None), max_size=300))
@settings(max_examples=300, deadline=None)
def test_A16_any_text_is_a_subject_as_it_is_or_none(sub: str) -> None:
    try:
        assert read({"sub": sub}).subject == sub
    except NotBelieved:
        assert not sub or "\0" in sub or len(sub.encode("utf-8", "surrogatepass")) > 255 or not is_storable(sub)


def is_storable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


@pytest.mark.parametrize(
    "changes",
    [
        {"email": ["mia@example.org", "theo@example.org"]},
        {"email": {"address": "mia@example.org"}},
        {"email": 7},
        {"email": True},
        {"email": "m" * 255},
        {"email": "mia@example.org\r\nBcc: theo@example.org"},
        {"email": "mia@example.org\0"},
        {"email": "mia\ud800@example.org"},
        {"name": "M" * 201},
        {"name": "M" * 200_000},
        {"name": ["Mia"]},
        {"name": {"first": {"second": {"third": "Mia"}}}},
        {"name": "Mia\nSommer"},
        {"groups": "staff"},
        {"groups": {"staff": True}},
        {"groups": [f"group {number}" for number in range(10_000)]},
        {"groups": ["staff", 7]},
        {"groups": ["staff", ["desk"]]},
        {"groups": ["staff", ""]},
        {"groups": ["staff", None]},
        {"groups": ["g" * 201]},
        {"groups": ["a\0"]},
    ],
    ids=lambda changes: repr(changes)[:40],
)
def test_A17_claim_of_another_type_or_size_is_refused(theirs: HostileProvider, changes: dict[str, Any]) -> None:
    with pytest.raises(NotBelieved) as refused:
        read({**MIA, **changes})
    assert refused.value.reason == Reason.CLAIMS
    theirs.replies["userinfo"] = lambda: jsonify({**MIA, **changes})
    assert isinstance(refusal_of(theirs), NotBelieved)


def test_A17_name_of_a_megabyte_is_not_even_read(theirs: HostileProvider) -> None:
    theirs.userinfo_changes = {"name": "M" * 1_000_000}
    assert refusal_of(theirs).reason == Reason.TOO_LARGE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=10,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys((*MIA, "hd", "tid"), JSON)))
@settings(max_examples=500, deadline=None)
def test_A17_whatever_is_said_is_read_or_refused(said: dict[str, Any]) -> None:
    try:
        claims = read(said)
    except NotBelieved:
        return
    assert isinstance(claims.subject, str)
    assert isinstance(claims.email, str | None)
    assert isinstance(claims.email_verified, bool)
    assert isinstance(claims.groups, tuple | None)


def test_groups_that_are_absent_are_not_empty() -> None:
    assert read({"sub": "u-1"}) == Claims("u-1")
    assert read({"sub": "u-1", "groups": []}).groups == ()
    assert read({"sub": "u-1", "groups": ["b", "a", "b"]}).groups == ("b", "a")


@pytest.mark.parametrize(
    ("said", "read_as"), [("", None), (None, None), ("  ", None), (" Mia ", "Mia"), ("山田　太郎", "山田　太郎")]
)
def test_name_is_one_line_or_nothing(said: object, read_as: str | None) -> None:
    assert read({"sub": "u-1", "name": said}).name == read_as


def test_groups_of_userinfo_count_where_the_token_has_none(theirs: HostileProvider) -> None:
    assert Browser(connected(theirs), theirs).sign_in().claims.groups == ("staff", "desk")
    theirs.claims_changes = {"groups": []}
    assert Browser(connected(theirs), theirs).sign_in().claims.groups == ()


def test_texts_are_what_is_said_of_the_person_in_texts() -> None:
    said = {**MIA, "roles": ["a", "b", "a"], "department": " Care ", "none": [], "iss": "x", "nonce": "n", "acr": "1"}
    assert read(said).texts == {
        "sub": ("u-1",),
        "email": ("mia@example.org",),
        "name": ("Mia",),
        "groups": ("staff",),
        "roles": ("a", "b"),
        "department": ("Care",),
        "none": (),
    }


@pytest.mark.parametrize(
    "value", [None, "", 1, True, {"a": "b"}, [["a"]], ["a", ""], ["a", None], 1_001 * ["a"], "x" * 201, "a\0"], ids=repr
)
def test_A17_what_is_no_text_is_as_if_it_were_not_said(value: object) -> None:
    assert "roles" not in read({**MIA, "roles": value}).texts
    assert read({**MIA, "x" * 101: "a"}).texts.keys() == read(MIA).texts.keys()


def test_A06_address_that_is_not_verified_is_no_text_of_the_person() -> None:
    assert "email" not in read({**MIA, "email_verified": "true"}).texts
