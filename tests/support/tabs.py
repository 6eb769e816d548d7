"""Browsers that stay open from one form to the next: signing in and fetching a token takes as long as a request."""

from flask.testing import FlaskClient

from tests.support.routes import Route
from tests.support.worlds import Person, World, csrf_token

ENDING = {
    "accounts.change_password",
    "accounts.end_other_sessions",
    "accounts.login",
    "accounts.logout",
    "accounts.reset_password",
    "accounts.verify_email",
    "invites.answer",
    "invites.switch",
}
"""After these somebody may be signed out, or be somebody else."""


class Tab:
    """Somebody's browser, and the CSRF token of its forms.

    Args:
        world: where.
        person: who is signed in, if anybody.
    """

    def __init__(self, world: World, person: Person | None = None) -> None:
        self._world, self._person = world, person
        self._open()

    def _open(self) -> None:
        self.browser: FlaskClient = self._world.browser(self._person)
        self.token = csrf_token(self.browser)

    def form(self, fields: dict[str, str]) -> dict[str, str]:
        """Return fields with the token."""
        return {**fields, "csrf_token": self.token}

    def after(self, route: Route) -> None:
        """Be signed in again after a form, without what it left to be said."""
        if route.endpoint in ENDING:
            self._open()
        else:
            with self.browser.session_transaction() as cookie:
                cookie.pop("_flashes", None)
