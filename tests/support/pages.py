"""Pages as a person sees them: their text, their fields, and the elements that HTMX swaps."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from werkzeug.test import TestResponse

VOID = {"br", "hr", "img", "input", "link", "meta", "path"}
UNSEEN = {"head", "script", "style", "template"}
PANEL = {"HX-Request": "true", "HX-Target": "panel"}
RESULTS = {"HX-Request": "true", "HX-Target": "results"}


@dataclass
class Element:
    """An element: its name, its attributes, and the text in it."""

    tag: str
    attributes: dict[str, str]
    pieces: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The id, empty where there is none."""
        return self.attributes.get("id", "")

    @property
    def text(self) -> str:
        """The text in it and in all it holds, with single spaces."""
        return " ".join(" ".join(self.pieces).split())


class Page(HTMLParser):
    """An answer, parsed. `roots` are its outermost elements, `elements` all of them in order."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        self.roots: list[Element] = []
        self.elements: list[Element] = []
        self._everything = Element("", {})
        self._open: list[Element] = [self._everything]
        self.feed(response.get_data(as_text=True))
        self.close()
        assert self._open == [self._everything], f"never closed: {self._open[-1].tag}"

    @property
    def text(self) -> str:
        """Everything a person can read."""
        return self._everything.text

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
            if name != "csrf_token":
                found.setdefault(name, []).append(element.attributes.get("value", ""))
        return found

    def link(self, name: str) -> str | None:
        """Return where the link with this id leads, if there is one."""
        return next((element.attributes["href"] for element in self.elements if element.id == name), None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if len(self._open) == 1:
            self.roots.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that closes itself."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close an element; every one that needs it is closed, and in order."""
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        """Note what is written."""
        if not any(element.tag in UNSEEN for element in self._open):
            for element in self._open:
                element.pieces.append(data)
