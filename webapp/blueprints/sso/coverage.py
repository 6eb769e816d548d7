"""Who is linked with the provider and who is not yet, whom requiring it would keep out, and reminding these."""

from typing import Final

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.access.roles import Scope
from webapp.blueprints.sso import bp
from webapp.errors import NotFound
from webapp.http.choices import EVERYTHING, numbers_of
from webapp.http.htmx import go, respond
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import Organization
from webapp.queries.enforcement import outside_of
from webapp.queries.numbers import shown
from webapp.queries.sso import coverage_of, unlinked_of
from webapp.services.sso import connections, reminders
from webapp.services.sso.enforcement import is_required
from webapp.services.sso.reminders import MOST_COUNTED, Reminded, Whom

# The page of each list, from which its people are reminded; the page that requires single sign-on sends `enforcing`.
PAGES: Final = {Whom.UNLINKED: "sso.unlinked", Whom.OUTSIDE: "sso.outside", Whom.REFUSED: "sso.rehearsal"}


@bp.get("/orgs/<org>/sso/unlinked")
@access(Scope.SSO_ADMIN)
def unlinked(organization: Organization) -> Response:
    """List the active members who are not linked."""
    provider = connections.require_active(organization)
    q, after = request.args.get("q", ""), request.args.get("after", "")
    return respond(
        "sso/unlinked.html",
        {"panel": "sso/_unlinked.html", "results": "sso/_unlinked_rows.html"},
        page=unlinked_of(provider, q=q, after=after),
        coverage=coverage_of(provider),
        host=connections.host_of(provider),
        asked={"q": q or None},
        q=q,
        after=after or None,
    )


@bp.get("/orgs/<org>/sso/outside")
@access(Scope.SSO_ADMIN)
def outside(organization: Organization) -> Response:
    """List whom requiring the provider would keep out now."""
    provider = connections.require_active(organization)
    return respond(
        "sso/outside.html",
        {"panel": "sso/_outside_page.html", "results": "sso/_outside_rows.html"},
        page=outside_of(provider, after=request.args.get("after", "")),
        is_required=is_required(provider),
        host=connections.host_of(provider),
    )


@bp.post("/orgs/<org>/sso/remind")
@access(Scope.SSO_ADMIN)
def remind(organization: Organization) -> Response:
    """Remind one member, or all of a list."""
    provider = connections.require_active(organization)
    chosen, is_for_all = numbers_of("member"), request.form.get("all") == EVERYTHING
    whom = request.form.get("whom", Whom.UNLINKED)
    if whom not in PAGES or (not is_for_all and len(chosen) != 1):
        raise NotFound
    actor, meant = current_actor(), Whom(whom)
    if is_for_all:
        found = reminders.remind_all(actor, organization, provider, meant)
        said = _said_of_all(found.people)
    else:
        found = reminders.remind(actor, organization, provider, meant, chosen[0])
        said = ngettext("%(num)s person is reminded by email.", "%(num)s people are reminded by email.", found.people)
    if found.people:
        flash(" ".join([said, *_said_of_others(found)]), "success")
    else:
        others = _said_of_others(found) or [_("Nobody on the list is left who needs it.")]
        flash(" ".join([_("Nobody was reminded."), *others]), "info")
    page = "sso.enforcing" if "enforcing" in request.form else PAGES[meant]
    return go(url_for(page, org=organization.slug))


def _said_of_others(found: Reminded) -> list[str]:
    """Say of whom no reminder leaves why, each reason with how many they are."""
    sentences = []
    if found.had_one:
        people = shown(found.had_one, MOST_COUNTED)
        sentences.append(
            ngettext(
                "%(people)s had a reminder today already.",
                "%(people)s had a reminder today already.",
                found.had_one,
                people=people,
            )
        )
    if found.unproven:
        people = shown(found.unproven, MOST_COUNTED)
        sentences.append(
            ngettext(
                "%(people)s has not verified their address.",
                "%(people)s have not verified their address.",
                found.unproven,
                people=people,
            )
        )
    return sentences


def _said_of_all(number: int) -> str:
    if number == MOST_COUNTED:
        return str(_("Reminders leave soon, to %(num)s people and more: whoever links before gets none.", num=number))
    said: str = ngettext(
        "A reminder leaves soon, to %(num)s person.",
        "Reminders leave soon, to %(num)s people at most: whoever links before gets none.",
        number,
    )
    return said
