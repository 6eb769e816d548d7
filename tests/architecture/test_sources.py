"""What a module may touch: the clock, the request, HTMX's headers and other servers have one place each."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WEBAPP = ROOT / "webapp"
SOURCES = sorted(WEBAPP.rglob("*.py"))
MIGRATIONS = sorted((ROOT / "migrations" / "versions").glob("*.py"))
OF_THE_CLOCK = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
OF_THE_REQUEST = {"flask.request", "flask.session", "flask_login.current_user", "flask.g"}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` of an attribute, as far as it is one."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def reads_of_the_clock(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        name = dotted(node)
        if isinstance(node, ast.Attribute) and any(name == read or name.endswith(f".{read}") for read in OF_THE_CLOCK):
            yield name


def mentions_of_the_request(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and dotted(node) in OF_THE_REQUEST:
            yield dotted(node)
        if isinstance(node, ast.ImportFrom):
            yield from OF_THE_REQUEST & {f"{node.module}.{alias.name}" for alias in node.names}


def headers_of_the_request(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and dotted(node) == "request.headers":
            yield ast.unparse(node)


def imports_inside_functions(tree: ast.Module) -> Iterator[str]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (ast.unparse(n) for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom))


def unescaped_markup(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and dotted(node).rpartition(".")[2] == "Markup":
            yield dotted(node)


def addresses_from_the_host_of_the_request(tree: ast.Module) -> Iterator[str]:
    """A proxy or whoever sends the request chooses the host: addresses begin with `settings().base_url`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "_external":
            yield ast.unparse(node)


def outbound_clients(tree: ast.Module) -> Iterator[str]:
    """What asks other servers has limits, and does not go where it is sent: one module knows how."""
    clients = {"http.client", "urllib.request", "requests", "httpx", "urllib3", "aiohttp"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in clients)
        if isinstance(node, ast.ImportFrom) and (
            node.module in clients or clients & {f"{node.module}.{alias.name}" for alias in node.names}
        ):
            yield str(node.module)


RULES: list[tuple[Callable[[ast.Module], Iterator[str]], Callable[[str], bool]]] = [
    (reads_of_the_clock, lambda path: path == "clock.py"),
    (mentions_of_the_request, lambda path: path.startswith(("http/", "blueprints/"))),
    (headers_of_the_request, lambda path: path == "http/htmx.py"),
    (imports_inside_functions, lambda path: False),
    (unescaped_markup, lambda path: path == "http/templating.py"),
    (addresses_from_the_host_of_the_request, lambda path: False),
    (outbound_clients, lambda path: path == "providers/http.py"),
]


@pytest.mark.parametrize(("find", "may"), RULES, ids=[find.__name__ for find, _ in RULES])
def test_only_its_place_touches_it(find: Callable[[ast.Module], Iterator[str]], may: Callable[[str], bool]) -> None:
    paths = [path for path in SOURCES if not may(str(path.relative_to(WEBAPP)))]
    found = {str(path.relative_to(ROOT)): names for path in paths if (names := list(find(tree_of(path))))}
    assert found == {}


@pytest.mark.parametrize(
    ("find", "source"),
    [
        (reads_of_the_clock, "import datetime\ndatetime.datetime.now()"),
        (reads_of_the_clock, "from datetime import datetime\nx = datetime.utcnow"),
        (mentions_of_the_request, "from flask import request as r"),
        (mentions_of_the_request, "import flask\nflask.session['x']"),
        (headers_of_the_request, "request.headers.get('HX-Request')"),
        (imports_inside_functions, "def f():\n    import os"),
        (unescaped_markup, "markupsafe.Markup('<b>')"),
        (addresses_from_the_host_of_the_request, "url_for('x', _external=True)"),
        (outbound_clients, "import requests"),
        (outbound_clients, "from urllib import request"),
        (outbound_clients, "from http.client import HTTPConnection"),
    ],
)
def test_the_rules_see_what_they_look_for(find: Callable[[ast.Module], Iterator[str]], source: str) -> None:
    assert list(find(ast.parse(source)))


def test_migrations_stand_on_their_own() -> None:
    assert MIGRATIONS
    for path in MIGRATIONS:
        imported = {
            alias.name for node in ast.walk(tree_of(path)) if isinstance(node, ast.Import) for alias in node.names
        }
        imported |= {str(node.module) for node in ast.walk(tree_of(path)) if isinstance(node, ast.ImportFrom)}
        assert not [name for name in imported if name.partition(".")[0] == "webapp"], path
