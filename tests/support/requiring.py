"""Requiring single sign-on: the form that does, and what is in force."""

from datetime import datetime

from tests.support.acme import Acme
from tests.support.sso import Desk
from webapp.db import db
from webapp.models import Enforcement, IdentityProvider

REQUIRED = {"enforcement": "required", "from_date": ""}


def policy(acme: Acme, desk: Desk) -> tuple[Enforcement, datetime | None]:
    """Return whether it is required, and from when on."""

    def read() -> tuple[Enforcement, datetime | None]:
        provider = db.session.get_one(IdentityProvider, desk.provider_id)
        return provider.enforcement, provider.required_from

    found: tuple[Enforcement, datetime | None] = acme.world.read(read)
    return found
