"""The browser of the tests notices what a person would suffer from."""

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Windows, accessibility_faults, scrolls_sideways

PAGE = (
    "<!doctype html><html lang=en><title>Hall</title><meta name=viewport content='width=device-width'><main>{}</main>"
)


@pytest.mark.parametrize("fault", ["<script>console.error('torn')</script>", "<script>throw Error('torn')</script>"])
def test_a_complaint_fails_the_test_unless_it_is_allowed(browser: Browser, fault: str) -> None:
    windows = Windows(browser)
    window = windows.open()
    window.page.set_content(PAGE.format(fault))
    with pytest.raises(AssertionError, match="torn"):
        windows.close()
    window.allowed.append("torn")
    assert window.unexpected == []


def test_axe_finds_what_stands_out_too_little(windows: Windows) -> None:
    page = windows.open().page
    page.set_content(PAGE.format("<h1>Hall</h1><p style='color:#bbb;background:#fff'>faint"))
    assert "color-contrast" in accessibility_faults(page)[0]
    page.set_content(PAGE.format("<h1>Hall</h1><p style='color:#000;background:#fff'>plain"))
    assert accessibility_faults(page) == []


def test_phone_in_the_dark(windows: Windows) -> None:
    page = windows.open(colours="dark", device="phone").page
    page.set_content(PAGE.format("<p style='width:600px'>wide"))
    assert scrolls_sideways(page)
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
