"""How a sign-in is refused: for which reason, and how far it got."""

import pytest

from tests.support.identity_provider import Browser, HostileProvider, connected
from webapp.providers.base import Provider
from webapp.providers.errors import ProviderError, Reason


def refusal_of(theirs: HostileProvider, ours: Provider | None = None) -> ProviderError:
    """Sign in, which fails; return how."""
    with pytest.raises(ProviderError) as refused:
        Browser(ours or connected(theirs), theirs).sign_in()
    return refused.value


def assert_refused(theirs: HostileProvider, reason: Reason, *, tokens: int = 1, userinfo: int = 0) -> None:
    """Sign in, which fails for this reason; the token endpoint and userinfo were asked so often and not once more."""
    error = refusal_of(theirs)
    assert (error.reason, theirs.hits["token"], theirs.hits["userinfo"]) == (reason, tokens, userinfo)
