"""Sessions that a provider's word alone has begun, and that nothing else vouches for."""

from sqlalchemy import Select, delete, exists, select

from webapp.access.single_sign_on import is_in_use
from webapp.db import db
from webapp.models import Identity, IdentityProvider, Session, SessionIdentity


def end(gone: Select[int]) -> None:
    """Close those that came through some identities, and through none that still counts.

    Args:
        gone: selects the ids of those identities, which count no more.
    """
    through = select(SessionIdentity.session_id).where(SessionIdentity.identity_id.in_(gone))
    through_others = (
        exists()
        .where(SessionIdentity.session_id == Session.id, SessionIdentity.identity_id == Identity.id)
        .where(Identity.id.not_in(gone), Identity.provider_id == IdentityProvider.id, is_in_use(IdentityProvider))
    )
    db.session.execute(
        delete(Session).where(Session.is_confined, Session.id.in_(through), ~through_others),
        execution_options={"synchronize_session": False},
    )
