"""What domains publish, as name servers say it."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.support.name_server import FAILING, REFUSING, SILENT, NameServer, running_name_server
from webapp.db import perform
from webapp.providers.name_servers import NameServersSilent, texts_at

NAME = "_vestibule.corp.example.org"


@pytest.fixture
def server() -> Iterator[NameServer]:
    """A name server that publishes nothing yet."""
    with running_name_server() as running:
        yield running


def test_texts_are_found_whole_and_all_of_them(server: NameServer) -> None:
    server.texts[NAME] = ["one", "x" * 300]
    assert sorted(texts_at(NAME, server.address)) == ["one", "x" * 300]
    assert set(server.asked) == {NAME}


@pytest.mark.parametrize("texts", [{}, {NAME: []}, {"corp.example.org": ["elsewhere"]}])
def test_name_without_texts_has_none(server: NameServer, texts: dict[str, list[str]]) -> None:
    server.texts = texts
    assert texts_at(NAME, server.address) == []


def test_name_that_no_server_can_be_asked_for_has_none(server: NameServer) -> None:
    assert texts_at(".".join(["_vestibule", *["a" * 60] * 4]), server.address) == []
    assert server.asked == []


def test_alias_is_followed(server: NameServer) -> None:
    server.aliases[NAME] = "proofs.example.net"
    server.texts["proofs.example.net"] = ["one"]
    assert texts_at(NAME, server.address) == ["one"]


def test_what_no_datagram_holds_is_asked_for_over_tcp(server: NameServer) -> None:
    server.cut, server.texts[NAME] = True, ["one", *(f"{number:0200}" for number in range(200))]
    assert "one" in texts_at(NAME, server.address)
    assert set(server.hits) == {"udp", "tcp"}


def test_what_is_no_ascii_is_none_of_ours_and_breaks_nothing(server: NameServer) -> None:
    server.texts[NAME] = ["\\255\\000", "one"]
    assert "one" in texts_at(NAME, server.address)


@pytest.mark.parametrize("trouble", [FAILING, REFUSING])
def test_X02_server_that_cannot_say_is_not_one_that_says_no(server: NameServer, trouble: str) -> None:
    server.texts[NAME], server.troubles[NAME] = ["one"], trouble
    with pytest.raises(NameServersSilent):
        texts_at(NAME, server.address)


def test_X02_silent_server_is_given_up(server: NameServer) -> None:
    server.troubles[NAME] = SILENT
    with pytest.raises(NameServersSilent):
        texts_at(NAME, server.address, seconds=0.2)


def test_X09_nothing_is_asked_within_a_transaction(app: Flask, server: NameServer) -> None:
    with app.app_context(), pytest.raises(AssertionError):
        perform(lambda: texts_at(NAME, server.address), write=False)
    assert server.asked == []
