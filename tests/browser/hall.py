"""What people of one made-up organization do in their browsers."""

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from playwright.sync_api import Locator, Page, TimeoutError

from tests.support.browser import Window, Windows
from tests.support.visitor import session_cookie
from tests.support.worlds import Invited, Person, World

LETTER_SECONDS = 60
LOOK_MILLISECONDS = 250
"""For how long to look into the mailbox each time; the worker looks every second."""


@dataclass
class Hall:
    """The organization "Harbour Works", and windows in which its people look at the server."""

    url: str
    windows: Windows
    world: World
    slug: str = field(default="harbour-works", init=False)

    @cached_property
    def owner(self) -> Person:
        """The owner; asking for them makes the organization."""
        person = self.world.person("Ada Winter", "ada@example.com")
        self.slug = self.world.organization("Harbour Works", person)
        return person

    @property
    def members(self) -> str:
        """The path of the Members tab."""
        return f"/orgs/{self.slug}/members"

    def invite(self, email: str, **more: Any) -> Invited:
        """Invite an address as the owner."""
        return self.world.invite(self.slug, self.owner, email, **more)

    def window(
        self,
        path: str = "",
        person: Person | None = None,
        *,
        refusal: str = "",
        is_hasty: bool = False,
        **options: Any,
    ) -> Window:
        """Open a window, on a path if given.

        Args:
            path: what to open.
            person: who is signed in there.
            refusal: the status, or a pattern of statuses, that the test provokes; the console may mention it.
            is_hasty: whether they may ask before the last answer is there: htmx mentions what it calls off for that.
            options: what else `Windows.open` takes.
        """
        window = self.windows.open(self.url, **options)
        if refusal:
            window.allowed += [f"status of {refusal}", f"Response Status Error Code {refusal}"]
        if is_hasty:
            window.allowed += ["htmx:sendAbort", "htmx:afterRequest"]
        if person is not None:
            cookie = {"name": "vestibule", "value": session_cookie(self.world, person), "url": self.url}
            window.context.add_cookies([cookie])  # type: ignore[list-item]
        if path:
            window.page.goto(path)
        return window

    def page(self, path: str = "", person: Person | None = None, **options: Any) -> Page:
        """Open a window like `window` and return its page."""
        return self.window(path, person, **options).page


def tab(page: Page, name: str) -> Locator:
    """Return the link of a tab, whatever number stands in it."""
    return page.locator("#tabs").get_by_role("link", name=name)


def open_letter(page: Page, address: str, subject: str) -> None:
    """Read the newest letter with this subject to an address in the demo mailbox, as soon as it is there."""
    letter = page.get_by_role("link", name=subject).filter(has_text=f"To {address}").first
    until = time.monotonic() + LETTER_SECONDS
    while time.monotonic() < until:
        page.goto("/demo/mailbox")
        try:
            letter.wait_for(timeout=LOOK_MILLISECONDS)
        except TimeoutError:
            continue
        letter.click()
        return
    raise AssertionError(f"no letter “{subject}” to {address} arrived")
