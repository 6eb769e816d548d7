"""Known networks: from where somebody has signed in before."""

from sqlalchemy import bindparam, exists, select

from webapp import clock
from webapp.db import db
from webapp.models import EmailAddress, KnownNetwork
from webapp.services.attempts import UNKNOWN_NETWORK, network_of

_IS_KNOWN = select(
    exists()
    .where(KnownNetwork.user_id == EmailAddress.user_id)
    .where(EmailAddress.canonical == bindparam("canonical"), EmailAddress.verified_at.is_not(None))
    .where(KnownNetwork.network == bindparam("network"))
)


def is_known(canonical: str, ip: str | None) -> bool:
    """Tell whether the holder of a verified address has signed in from the network of an IP address.

    The same statement runs whether or not anybody holds the address.
    """
    return bool(db.session.scalar(_IS_KNOWN, {"canonical": canonical, "network": network_of(ip)}))


def note_sign_in(user_id: int, ip: str | None) -> bool:
    """Remember from which network a user, whose row the caller has locked, signs in.

    Returns:
        Whether it is a new one, and not the first: then they should be told.
    """
    network = network_of(ip)
    if network == UNKNOWN_NETWORK:
        return False
    known = db.session.get(KnownNetwork, (user_id, network))
    if known is not None:
        known.last_used_at = clock.now()
        return False
    has_others = bool(db.session.scalar(select(exists().where(KnownNetwork.user_id == user_id))))
    db.session.add(KnownNetwork(user_id=user_id, network=network))
    db.session.flush()
    return has_others
