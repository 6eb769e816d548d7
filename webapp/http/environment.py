"""Jinja's environment, as the application uses it."""

from collections.abc import Mapping, MutableMapping
from typing import Any

from flask.templating import Environment as FlaskEnvironment


class Environment(FlaskEnvironment):
    """Gives each template the globals as they are when it is loaded, in one plain dictionary.

    All globals are there before the first template is loaded. Jinja would look each of them up through a chain of
    mappings, for every template and every import of a macro.
    """

    def make_globals(self, d: Mapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}
