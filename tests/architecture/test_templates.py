"""Templates: they compile, they leave code and style to files of their own, and they work without a script."""

import re
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import StrictUndefined

TEMPLATES = Path(__file__).parents[2] / "webapp" / "templates"
PAGES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html") if "mail" not in path.parts)
LETTERS = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("mail/*"))
NOT_IN_PAGES = {
    "inline style": r"\sstyle\s*=|<style\b",
    "inline script": r"<script\b(?![^>]*\ssrc=)",
    "event handler": r"\son[a-z]+\s*=",
    "hx-on": r"hx-on\b",
    "expression in a value": r"\bjs:|javascript:",
    "trigger filter": r"hx-trigger=\"[^\"]*\[",
    "inherited boost": r"hx-boost|hx-disinherit|hx-inherit",
    "unescaped text": r"\|\s*safe\b|\bMarkup\b|autoescape\s+false",
    "host of the request": r"\b_external\b",
    "another server": r"(?:src|href|action)=\"(?:https?:)?//",
    "browser's own checks off": r"\bnovalidate\b",
}
TAG = re.compile(r"<[a-z][^<>]*?(?:\{\{.*?\}\}[^<>]*?|\{%.*?%\}[^<>]*?)*>", re.DOTALL)


def test_there_are_pages_and_letters() -> None:
    assert len(PAGES) > 20
    assert len(LETTERS) > 5


@pytest.mark.parametrize("name", PAGES + LETTERS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_template_compiles_and_forgives_no_missing_name(app: Flask, name: str) -> None:
    app.jinja_env.get_template(name)
    assert app.jinja_env.undefined is StrictUndefined


@pytest.mark.parametrize("name", PAGES)
def test_E07_page_holds_no_code_and_no_style(name: str) -> None:
    source = (TEMPLATES / name).read_text("utf-8")
    found = [what for what, pattern in NOT_IN_PAGES.items() if re.search(pattern, source, re.IGNORECASE)]
    assert found == []


@pytest.mark.parametrize("name", LETTERS)
def test_C14_letter_escapes_everything(name: str) -> None:
    source = (TEMPLATES / name).read_text("utf-8")
    assert not re.search(NOT_IN_PAGES["unescaped text"], source)
    assert not re.search(r"<(?:img|script|link|iframe)\b", source)


@pytest.mark.parametrize("name", PAGES)
def test_what_htmx_does_works_without_it(name: str) -> None:
    """A link leads where it swaps from, and a form is sent where it posts to; only `hidden` helpers differ."""
    for tag in TAG.findall((TEMPLATES / name).read_text("utf-8")):
        if "hx-get=" in tag and " hidden" not in tag:
            assert re.search(r"\s(?:href|action)=", tag), tag
        if "hx-post=" in tag:
            assert re.search(r"\saction=", tag), tag
