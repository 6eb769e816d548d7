"""What the variable parts of an address may be. Anything else is an address that does not exist."""

from werkzeug.routing import IntegerConverter, Map, UnicodeConverter


class Text(UnicodeConverter):
    """A word of an address, without the one character that PostgreSQL cannot store."""

    def __init__(self, map: Map) -> None:
        super().__init__(map)
        self.regex = r"[^/\x00]+"


class Id(IntegerConverter):
    """A number that an id can be: at most 18 digits, so that it fits into 64 bits."""

    regex = r"\d{1,18}"


CONVERTERS = {"default": Text, "int": Id}
