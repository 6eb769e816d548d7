"""vestibule invite"""

from functools import partial

import click

from webapp.access.actor import Actor
from webapp.cli.output import application, as_json, organization_of, show_json, show_table
from webapp.db import perform
from webapp.models import Organization, Role, Team
from webapp.services import invitation_batches, organizations, slugs
from webapp.services.invitation_batches import Outcome, Result
from webapp.services.invitations import MAX_LIFETIME_DAYS, MIN_LIFETIME_DAYS, Offer
from webapp.services.memberships import Terms
from webapp.services.slugs import TEAM

SENTENCES = {
    Result.INVITED: "invited",
    Result.MEMBER: "is a member already",
    Result.ENDED: "is a member already, whose membership has ended",
    Result.OPEN: "has an open invitation already",
    Result.MALFORMED: "is not an email address",
    Result.LIMITED: "has had enough invitations for today",
}


@click.command()
@click.argument("email", nargs=-1, required=True)
@click.option("--org", required=True, metavar="SLUG", help="The organization that invites.")
@click.option("--role", default=Role.MEMBER.label, show_default=True, type=click.Choice([role.label for role in Role]))
@click.option(
    "--days",
    type=click.IntRange(MIN_LIFETIME_DAYS, MAX_LIFETIME_DAYS),
    help="How long the invitations live.  [default: as the organization has chosen]",
)
@click.option(
    "--team",
    "teams",
    multiple=True,
    metavar="SLUG",
    help="A team they join, so that they open its projects and have no global access. May be given again.",
)
@as_json
def invite(
    email: tuple[str, ...], org: str, role: str, days: int | None, teams: tuple[str, ...], is_json: bool
) -> None:
    """Invite every EMAIL to an organization; their letters leave with the next round of the mail worker.

    Exit status: 0 when at least one was invited, 1 when none was.
    """
    with application() as app:
        own_domain = app.extensions["vestibule"].mail_domain
        outcomes = perform(partial(_invite, org, email, Role[role.upper()], days, teams, own_domain), write=True)
    if is_json:
        show_json([{"email": outcome.address, "result": outcome.result.value} for outcome in outcomes])
    else:
        show_table(("address", "result"), [(outcome.address, SENTENCES[outcome.result]) for outcome in outcomes])
    if not any(outcome.result is Result.INVITED for outcome in outcomes):
        raise SystemExit(1)


def _invite(
    slug: str, emails: tuple[str, ...], role: Role, days: int | None, teams: tuple[str, ...], own_domain: str
) -> list[Outcome]:
    organizations.lock_by_slug(slug)
    organization = organization_of(slug)
    numbers = [_team(organization, team) for team in dict.fromkeys(teams)]
    terms = Terms(role, has_global_access=not teams, teams=numbers)
    offer = Offer.of(terms, days or organization.invitation_lifetime_days)
    return invitation_batches.invite_each(Actor.system(), organization, "\n".join(emails), offer, own_domain)


def _team(organization: Organization, slug: str) -> int:
    """Return the id of a team by its slug, or by one it had.

    Raises:
        ClickException: there is none.
    """
    team: Team | None = slugs.find(TEAM, organization, slug)
    if team is None:
        raise click.ClickException(f"There is no team {slug}.")
    return team.id
