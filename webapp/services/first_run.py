"""First run: the one link that makes the first owner."""

import hashlib
import hmac

from sqlalchemy import select, update

from webapp import clock
from webapp.access.actor import Actor
from webapp.db import changes_one_row, db
from webapp.errors import AlreadySetUp, LinkNotValid
from webapp.models import Instance, Organization, User
from webapp.services import accounts, organizations
from webapp.services.accounts import NewAccount


def setup_token(secret_key: str) -> str:
    """Return the token of the set-up link: the same each time for a secret key, and stored nowhere."""
    return hmac.new(secret_key.encode(), b"vestibule set-up link", hashlib.sha256).hexdigest()


def is_possible() -> bool:
    """Tell whether nobody has an account yet."""
    return db.session.scalar(select(Instance.set_up_at)) is None and db.session.scalar(select(User.id).limit(1)) is None


def require_token(token: str, secret_key: str) -> None:
    """Go on only with the set-up link of an instance that nobody has set up.

    Raises:
        LinkNotValid: another token.
        AlreadySetUp: somebody has an account already.
    """
    if not hmac.compare_digest(token.encode(), setup_token(secret_key).encode()):
        raise LinkNotValid
    if not is_possible():
        raise AlreadySetUp


def set_up(actor: Actor, owner: NewAccount, organization_name: str) -> tuple[User, Organization]:
    """Make the first user, who administers the instance, and their organization. Works once.

    Raises:
        AlreadySetUp: somebody else was first, also by a moment.
    """
    first = update(Instance).where(Instance.set_up_at.is_(None)).values(set_up_at=clock.now())
    if not changes_one_row(first) or db.session.scalar(select(User.id).limit(1)) is not None:
        raise AlreadySetUp
    user = accounts.create(actor, owner, is_administrator=True)
    signed_in = Actor.of(user, ip=actor.ip)
    organization, _ = organizations.create(signed_in, organization_name, user, owner.address.typed)
    return user, organization
