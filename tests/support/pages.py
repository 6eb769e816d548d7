"""Pages as a browser reads them and a person sees them: their text, fields, and the elements that HTMX swaps."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode
from werkzeug.test import TestResponse

UNSEEN = {"head", "script", "style", "template"}
AROUND_A_FRAGMENT = {"html", "head", "body"}
PANEL = {"HX-Request": "true", "HX-Target": "panel"}
RESULTS = {"HX-Request": "true", "HX-Target": "results"}


class Element:
    """An element: its name, its attributes, and the text in it."""

    def __init__(self, node: LexborNode) -> None:
        self._node = node
        self.tag = str(node.tag)
        self.attributes = {name: value or "" for name, value in node.attributes.items()}

    @property
    def id(self) -> str:
        """The id, empty where there is none."""
        return self.attributes.get("id", "")

    @property
    def text(self) -> str:
        """The text in it and in all it holds, with single spaces."""
        return _text(self._node)


def _text(node: LexborNode) -> str:
    return " ".join(" ".join(_pieces(node)).split())


def _pieces(node: LexborNode) -> Iterator[str]:
    for child in node.iter(include_text=True):
        if child.is_text_node:
            yield child.text_content or ""
        elif child.tag not in UNSEEN:
            yield from _pieces(child)


class Page:
    """An answer, parsed. `roots` are its outermost elements, `elements` all of them in order."""

    def __init__(self, response: TestResponse) -> None:
        written = response.get_data(as_text=True)
        self._is_whole = written.lstrip().lower().startswith("<!doctype")
        self._tree = LexborHTMLParser(written)

    @cached_property
    def elements(self) -> list[Element]:
        """All elements, in order."""
        nodes = self._tree.root.traverse() if self._tree.root else ()
        return [Element(node) for node in nodes if self._is_whole or node.tag not in AROUND_A_FRAGMENT]

    @property
    def roots(self) -> list[Element]:
        """The outermost elements."""
        return self.elements[:1] if self._is_whole else [Element(node) for node in self._tree.css("body > *")]

    @property
    def text(self) -> str:
        """Everything a person can read."""
        return _text(self._tree.root) if self._tree.root else ""

    @property
    def ids(self) -> list[str]:
        """The ids of all elements, in order."""
        return [element.id for element in self.elements if element.id]

    def by_id(self, name: str) -> Element:
        """Return the one element with this id."""
        [found] = [element for element in self.elements if element.id == name]
        return found

    def rows(self, kind: str) -> list[int]:
        """Return the numbers of the list's rows, such as 7 of `member-7`."""
        return [int(name.removeprefix(f"{kind}-")) for name in self.ids if name.startswith(f"{kind}-")]

    def named(self, name: str) -> list[Element]:
        """Return the form fields and buttons of this name."""
        return [element for element in self.elements if element.attributes.get("name") == name]

    def checked(self, name: str) -> list[str]:
        """Return the values of the boxes or cards of this name that are ticked, in order."""
        return [element.attributes["value"] for element in self.named(name) if "checked" in element.attributes]

    def answer(self) -> dict[str, Any]:
        """Return what the question in the panel sends when somebody says yes to it, but for the CSRF token."""
        panel, found = self.elements.index(self.by_id("panel")), dict[str, Any]()
        for element in self.elements[panel:]:
            name = element.attributes.get("name", "csrf_token")
            if name not in ("csrf_token", "back"):
                found.setdefault(name, []).append(element.attributes.get("value", ""))
        return found

    def cancel(self) -> dict[str, Any]:
        """Return what the question sends when somebody goes back to the form, but for the CSRF token."""
        [button] = self.named("back")
        return {name: value for name, value in self.answer().items() if name != "confirm"} | {
            "back": button.attributes["value"]
        }

    def link(self, name: str) -> str | None:
        """Return where the link with this id leads, if there is one."""
        return next((element.attributes["href"] for element in self.elements if element.id == name), None)
