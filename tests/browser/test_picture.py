"""The picture in the README. `UPDATE_SCREENSHOTS=1` writes it anew."""

import os
import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.hall import Hall
from tests.browser.scenes import move_in

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "members.png"
MOST_BYTES = 150_000


def test_picture_of_the_members_page_is_small_enough_for_the_readme(hall: Hall, tmp_path: Path) -> None:
    move_in(hall)
    for address in ("mia.holm@example.org", "noa.berg@example.org", "priya.nair@example.com"):
        hall.invite(address)
    page = hall.page(hall.members, hall.owner)
    page.reload()
    expect(page.get_by_role("row", name="Ada Winter")).to_contain_text(re.compile("just now|ago"))
    target = PICTURE if os.environ.get("UPDATE_SCREENSHOTS") == "1" else tmp_path / PICTURE.name
    target.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=target)
    assert target.stat().st_size < MOST_BYTES
