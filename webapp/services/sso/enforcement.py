"""Requiring single sign-on: whether people of an organization have to come through its provider."""

from webapp import clock
from webapp.models import Enforcement, IdentityProvider, ProviderStatus


def is_required(provider: IdentityProvider) -> bool:
    """Tell whether people have to come through a provider by now; see `access.single_sign_on` for the same of rows."""
    is_wanted = provider.status is ProviderStatus.ACTIVE and provider.enforcement is Enforcement.REQUIRED
    return is_wanted and (provider.required_from is None or provider.required_from <= clock.now())
