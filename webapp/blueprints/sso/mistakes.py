"""What goes wrong while single sign-on is set up: it is said on the form on which it is mended."""

from collections.abc import Mapping
from typing import Any, Final

from flask import Response, g, url_for
from flask_babel import gettext as _

from webapp.access.actor import Actor
from webapp.errors import N_
from webapp.http import session, sso, uow
from webapp.http.htmx import go
from webapp.http.session import current_actor
from webapp.models import FlowPurpose, IdentityProvider, Organization, ProviderStatus
from webapp.providers.errors import OtherIssuer, ProviderError, Reason
from webapp.providers.words import WORDS
from webapp.services import members, organizations
from webapp.services.sso import connections
from webapp.services.sso.errors import FlowNotYours
from webapp.services.sso.flows import Flow

_ISSUER: Final = (
    Reason.ADDRESS,
    Reason.PLAIN_HTTP,
    Reason.PRIVATE_ADDRESS,
    Reason.REDIRECT,
    Reason.NOT_FOUND,
    Reason.CERTIFICATE,
    Reason.DISCOVERY,
    Reason.DISCOVERY_ISSUER,
    Reason.METHODS,
    Reason.ALGORITHMS,
    Reason.UNREACHABLE,
    Reason.TIMEOUT,
    Reason.FAILING,
    Reason.NOT_JSON,
    Reason.TOO_LARGE,
)
# The fields that a mistake may be in; one that is in none of them is said above the form.
FIELDS: Final[Mapping[Reason, tuple[str, ...]]] = {
    **dict.fromkeys(_ISSUER, ("issuer",)),
    Reason.CLIENT: ("client_id", "client_secret"),
    Reason.NOT_IN_ORGANIZATION: ("option_hosted_domain", "option_tenant", "option_organization"),
    Reason.OPTIONS: ("option_hosted_domain", "option_tenant", "option_organization"),
}
BOTH = N_("You entered %(entered)s, but the provider calls itself %(said)s. Enter it exactly as it is written there.")


def led_back(flow: Flow, error: ProviderError) -> Response | None:
    """Lead whoever proves a draft back to its form, which says what was wrong; nobody else.

    An issuer that the provider writes with a slash at the end, or without, is tried that way without a question, but
    once: one that says now this and now that would lead a browser around in circles.
    """
    viewer = session.viewer()
    if flow.purpose is not FlowPurpose.SETUP or flow.renews or viewer is None or viewer.user_id != flow.user_id:
        return None
    said = error.said if isinstance(error, OtherIssuer) else None
    is_near = said is not None and connections.is_respelled(flow.connected.issuer, said)
    if said is not None and is_near and not flow.secrets.is_respelled:
        return uow.write(_depart_again, flow, said)
    uow.write(_note, flow, error.reason, said)
    return go(url_for("sso.setup", org=flow.organization_slug))


def show(form: Any, draft: IdentityProvider) -> None:
    """Say on the form of a draft why it could not be proven, beside the fields that it may be about."""
    if draft.probe_problem not in list(Reason):
        return
    reason = Reason(draft.probe_problem)
    sentence = _(BOTH, said=draft.problem_said, entered=_entered(draft)) if draft.problem_said else _(WORDS[reason])
    fields = [form[name] for name in FIELDS.get(reason, ()) if name in form]
    for field in fields:
        field.errors = [*field.errors, sentence]
    if not fields:
        form.form_errors.append(sentence)


def _entered(draft: IdentityProvider) -> str:
    return draft.issuer or connections.host_of(draft)


def _note(flow: Flow, reason: Reason, said: str | None) -> None:
    actor, organization, draft = _draft_of(flow)
    connections.note_mistake(actor, organization, draft, reason.value, said)


def _depart_again(flow: Flow, issuer: str) -> Response:
    actor, organization, draft = _draft_of(flow)
    connections.respell(actor, organization, draft, issuer)
    return sso.depart(draft, FlowPurpose.SETUP, flow.next, is_respelled=True)


def _draft_of(flow: Flow) -> tuple[Actor, Organization, IdentityProvider]:
    """Return a draft with whoever proves it, who is still signed in here; their membership is read under the lock.

    Raises:
        FlowNotYours: somebody else is, or nobody.
    """
    organization = organizations.lock(flow.organization_id)
    draft = connections.current(organization, flow.connected.id, flow.provider_version, ProviderStatus.DRAFT)
    viewer = session.reload_viewer()
    if viewer is None or viewer.user_id != flow.user_id:
        raise FlowNotYours
    g.member = members.of_user(organization, viewer.user_id)
    return current_actor(), organization, draft
