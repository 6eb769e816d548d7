"""Who may import whom: the contracts in pyproject.toml, and where a request may be named."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
OF_THE_REQUEST = {"request", "session", "current_user"}
KNOW_A_REQUEST = {"http", "blueprints"}


def test_imports_keep_the_contracts() -> None:
    # As a process of its own: it reconfigures logging for the process it runs in.
    program = str(Path(sys.executable).with_name("lint-imports"))
    linted = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


def test_only_http_and_blueprints_name_the_request() -> None:
    webapp = ROOT / "webapp"
    outside = [path for path in webapp.rglob("*.py") if path.relative_to(webapp).parts[0] not in KNOW_A_REQUEST]
    named = {str(path.relative_to(ROOT)): names for path in outside if (names := set(request_names(path)))}
    assert not named


def request_names(path: Path) -> Iterator[str]:
    """Yield what the module imports of the request at hand."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module in ("flask", "flask_login"):
            yield from (alias.name for alias in node.names if alias.name in OF_THE_REQUEST)
