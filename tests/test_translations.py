"""The catalogues: every text of the source is translated, with the same placeholders and the same markup."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages import Catalog, Message
from babel.messages.pofile import read_po

from build_assets import CATALOGUES, compile_catalogues
from webapp.http.languages import DEFAULT, LANGUAGES

ROOT = Path(__file__).parents[1]
FILES = sorted(ROOT.glob(CATALOGUES))
KEPT = re.compile(r"%\(\w+\)[a-z]|</?\w+[^<>]*>")


def language_of(file: Path) -> str:
    return file.parents[1].name


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Every text of the source, found as `make messages` finds it."""
    found = tmp_path_factory.mktemp("texts") / "messages.pot"
    program = str(Path(sys.executable).with_name("pybabel"))
    options = ["--mapping-file", "pyproject.toml", "--keyword", "N_ lazy_gettext", "--output-file", str(found)]
    subprocess.run([program, "--quiet", "extract", *options, "."], cwd=ROOT, check=True)
    with found.open("rb") as text:
        return read_po(text)


@pytest.fixture(params=FILES, ids=language_of)
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    """A committed catalogue."""
    with request.param.open("rb") as text:
        return read_po(text)


def texts(catalogue: Catalog) -> set[tuple[str, ...]]:
    return {tuple(ids(message)) for message in catalogue if message.id}


def ids(message: Message) -> list[str]:
    return [message.id] if isinstance(message.id, str) else list(message.id)


def forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or [""])


def kept(text: str) -> list[str]:
    """Return what a translation may not change."""
    return sorted(KEPT.findall(text))


def test_every_language_but_that_of_the_source_has_a_catalogue() -> None:
    assert {language_of(file) for file in FILES} == set(LANGUAGES) - {DEFAULT}


def test_catalogue_has_the_texts_of_the_source_and_no_others(source: Catalog, catalogue: Catalog) -> None:
    assert texts(source) - texts(catalogue) == set(), "run `make messages`, then translate"
    assert texts(catalogue) - texts(source) == set(), "run `make messages`"
    assert not catalogue.obsolete


def test_every_text_is_translated(catalogue: Catalog) -> None:
    missing = [message.id for message in catalogue if message.id and not all(forms(message))]
    assert missing == []


def test_no_translation_is_a_guess(catalogue: Catalog) -> None:
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


def test_translations_keep_placeholders_and_markup(catalogue: Catalog) -> None:
    for message in catalogue:
        said = ids(message)
        for number, form in enumerate(forms(message)):
            if message.id and form:
                assert kept(form) == kept(said[min(number, len(said) - 1)]), message.id


def test_catalogues_are_compiled_beside_their_source(tmp_path: Path) -> None:
    source = tmp_path / "webapp/translations/de/LC_MESSAGES/messages.po"
    source.parent.mkdir(parents=True)
    source.write_text('msgid ""\nmsgstr ""\n\nmsgid "Members"\nmsgstr "Mitglieder"\n')
    compile_catalogues(tmp_path)
    assert b"Mitglieder" in source.with_suffix(".mo").read_bytes()
