"""vestibule sso: a way in when the provider gives none."""

import pytest

from tests.support.acme import Acme
from tests.support.commands import Command
from tests.support.sso import connection
from webapp.models import Enforcement


def require(acme: Acme, enforcement: Enforcement) -> None:
    def change() -> None:
        connection(acme.organization(), "https://id.example.org").enforcement = enforcement

    acme.world.write(change)


def test_A22_bypass_says_until_when_and_tells_owners(acme: Acme, vestibule: Command) -> None:
    require(acme, Enforcement.REQUIRED)
    ran = vestibule("sso", "bypass", acme.slug, "--for", "45m")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("Members of acme come in with their passwords until ")
    assert acme.events()[-1] == "sso.bypassed"
    assert len(acme.world.letters("sso_bypassed")) == 1
    again = vestibule("sso", "bypass", acme.slug)
    assert (again.status, "nothing to bypass" in again.err) == (1, True)


@pytest.mark.parametrize("typed", ["", "30", "0m", "-5m", "25h", "1d", "1 h"])
def test_time_that_is_none_is_refused(acme: Acme, vestibule: Command, typed: str) -> None:
    require(acme, Enforcement.REQUIRED)
    with acme.unchanged():
        ran = vestibule("sso", "bypass", acme.slug, "--for", typed)
    assert (ran.status, "a day at most" in ran.err) == (2, True)
