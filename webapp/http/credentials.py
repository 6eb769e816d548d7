"""Checking who somebody is, outside of any transaction and within the limits of attempts."""

from collections.abc import Sequence

from webapp.errors import InvalidPassword, TooManyAttempts, WrongCredentials
from webapp.http import session, uow
from webapp.http.forms import Form
from webapp.models import User
from webapp.services import accounts, addresses, attempts, networks, passwords
from webapp.services.attempts import Limit


def count_attempt(limits: Sequence[Limit]) -> None:
    """Count an attempt, whatever comes of it.

    Raises:
        TooManyAttempts: it is one too many.
    """
    if refusal := uow.write(attempts.count, limits):
        raise refusal


def check_with_new_password(
    form: Form, *, known: Sequence[str] = (), known_fields: Sequence[str] = (), limits: Sequence[Limit] = ()
) -> bool:
    """Check a form and the new password in it, and tell whether they will do.

    All that is wrong stands beside the fields at once. To estimate how soon a password is guessed takes a while, so it
    is counted where strangers may ask for it.

    Args:
        form: as it was sent; its field `password` is the new password.
        known: words an attacker would try first.
        known_fields: names of fields of the form that hold more such words, where they are right themselves.
        limits: what a password that is estimated counts against.

    Raises:
        TooManyAttempts: it is one too many.
    """
    is_right: bool = form.validate()
    if form.password.errors:
        return False
    count_attempt(limits)
    typed = [form[name].data for name in known_fields if not form[name].errors]
    try:
        passwords.check_new(form.password.data, [*known, *typed])
    except InvalidPassword as error:
        form.show(error)
        return False
    return is_right


def require_credentials(email: str, password: str) -> User:
    """Return the user with this verified address and this password.

    Known and unknown addresses take the same time.

    Raises:
        TooManyAttempts: the address or the network had too many.
        WrongCredentials: they do not belong together, or the account is inactive.
    """
    canonical = addresses.parse(email).canonical
    if refusal := uow.write(_count_sign_in, canonical):
        raise refusal
    account = uow.read(accounts.with_verified_address, canonical)
    is_right = passwords.verify(password, account.user.password_hash if account else None)
    if account is None or not is_right or not account.user.is_active:
        uow.write(accounts.refuse_sign_in, session.current_actor(), canonical)
        raise WrongCredentials
    return account.user


def _count_sign_in(canonical: str) -> TooManyAttempts | None:
    ip = session.client_ip()
    is_known = networks.is_known(canonical, ip)
    return attempts.count(attempts.limits_of("sign-in", ip, canonical, is_known_network=is_known))
