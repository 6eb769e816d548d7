"""Chromium, driven by Playwright: windows that notice every complaint, and axe for accessibility."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, sync_playwright

from tests.support.parts import require_part

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WCAG_2_2_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
# The first is the same browser without windows of its own: it opens pages with a quarter of the work
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# What is preloaded else, stylesheets, is only for rules that are experimental
LOOK = """async tags => {
  const {violations} = await axe.run({
    runOnly: {type: "tag", values: tags}, resultTypes: ["violations"], preload: {assets: ["media"]},
  });
  return violations.flatMap(({id, nodes}) => nodes.map(node => `${id}: ${node.html}\\n    ${node.failureSummary}`));
}"""
TIMEOUT_MILLISECONDS = 30_000

Colours = Literal["light", "dark"]
Device = Literal["desktop", "phone"]
VIEWPORTS: dict[Device, ViewportSize] = {
    "desktop": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}


@dataclass
class Window:
    """One person's browser: its own cookies, one page, and what the page complained of.

    `allowed` holds regular expressions of complaints a test provokes on purpose, such as the console's own line about
    an answer with status 422.
    """

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Note everything `page` complains of from now on."""
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: uncaught {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.location.get('url', '')}: {message.type}: {message.text}")

    @property
    def unexpected(self) -> list[str]:
        """The complaints that no test allowed."""
        return [line for line in self.complaints if not any(re.search(pattern, line) for pattern in self.allowed)]


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Yield the machine's own Chromium; skip where there is none."""
    executable = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    require_part("Chromium", executable, "install your system's package (Debian: chromium-headless-shell)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable)
        yield browser
        browser.close()


class Windows:
    """Opens windows for one test, and closes them all."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._opened: list[Window] = []

    def open(
        self,
        base_url: str | None = None,
        *,
        colours: Colours = "light",
        device: Device = "desktop",
        javascript: bool = True,
    ) -> Window:
        """Open an empty window with no cookies; it looks for paths like "/login" at `base_url`."""
        context = self._browser.new_context(
            base_url=base_url,
            color_scheme=colours,
            viewport=VIEWPORTS[device],
            has_touch=device == "phone",
            is_mobile=device == "phone",
            java_script_enabled=javascript,
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="UTC",
        )
        context.set_default_timeout(TIMEOUT_MILLISECONDS)
        window = Window(context, context.new_page())
        window.watch(window.page)
        context.on("page", window.watch)
        self._opened.append(window)
        return window

    def close(self) -> None:
        """Close every window.

        Raises:
            AssertionError: a page wrote to the console or threw an error that the test did not allow.
        """
        for window in self._opened:
            window.context.close()
        complaints = [line for window in self._opened for line in window.unexpected]
        assert not complaints, "the browser complained:\n" + "\n".join(complaints)


def accessibility_faults(page: Page) -> list[str]:
    """Return what axe finds against WCAG 2.2 AA on the page as it stands: rule, element and advice of each."""
    require_part("axe-core", AXE.is_file(), "run `python build_assets.py --dev`")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(LOOK, WCAG_2_2_AA)
    return found


def scrolls_sideways(page: Page) -> bool:
    """Tell whether something on the page is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
