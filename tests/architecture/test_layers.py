"""Who may import whom: the contracts in pyproject.toml, and where a request may be named."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]
OF_THE_REQUEST = {"request", "session", "current_user"}
KNOW_A_REQUEST = {"http", "blueprints"}


def test_imports_keep_the_contracts(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == 0, capsys.readouterr().out


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
