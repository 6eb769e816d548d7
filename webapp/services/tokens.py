"""Tokens that are mailed or kept in a cookie: 256 random bits, of which the database keeps only the hash."""

import hashlib
import secrets


def new_token() -> str:
    """Return a new token, safe in addresses."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return what the database keeps of a token: the hex SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()


def digest_of_copied(token: str) -> str:
    """Return what the database keeps of the token of a copied link: the hex SHA3-256.

    Whoever looks for `digest` alone, as versions before copied links do, cannot take it for a mailed one.
    """
    return hashlib.sha3_256(token.encode()).hexdigest()
