"""vestibule access: who may do what on a project, why, and what would turn the answer."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import click

from webapp.access import grants, sentences
from webapp.access.grants import Decision, Path
from webapp.access.opposite import Opposite, opposite_of
from webapp.access.roles import LOWEST_LEVEL, Scope
from webapp.cli.output import application, as_json, organization_of, printable, show_json
from webapp.db import perform
from webapp.errors import InvalidAddress
from webapp.models import Organization, Project, User
from webapp.queries import organizations, people
from webapp.services import accounts, addresses, projects, slugs
from webapp.services.projects import MOST_NAMED
from webapp.services.slugs import PROJECT


class Unknown(click.ClickException):
    """There is nothing to decide about."""

    exit_code = 2


@dataclass(frozen=True)
class Answer:
    """A decision, and about whom and what it was made; `is_verified` tells whether they have verified the address."""

    user: User
    is_address_proven: bool
    organization: Organization
    project: Project
    teams: Sequence[str]
    decision: Decision


@click.command()
@click.argument("email", metavar="EMAIL")
@click.argument("project", metavar="[ORG/]PROJECT")
@click.option(
    "--scope",
    default=Scope.PROJECT_READ.value,
    show_default=True,
    type=click.Choice([scope.value for scope in LOWEST_LEVEL]),
)
@as_json
def access(email: str, project: str, scope: str, is_json: bool) -> None:
    """Say whether the user with EMAIL has a scope on PROJECT (a slug), why, and what would turn it.

    EMAIL is an address they have verified, or the one with which they alone stand in the list of members: so those are
    found whom only a provider has named. A member of ORG comes before somebody who has verified it and is no member;
    what is printed says where the address is unproven, with --json as is_address_proven. PROJECT may be the whole name
    too, where one project has it. ORG (a slug) is needed where the user belongs to several organizations.

    Exit status: 0 allowed, 1 refused, 2 there is no such user, organization or project, or more than one.
    """
    org, _, slug = project.rpartition("/")
    with application():
        answer = perform(partial(_answer, email, slug, org or None, Scope(scope)), write=False)
    if is_json:
        show_json(_facts(answer))
    else:
        for line in _lines(answer):
            click.echo(printable(line))
    if not answer.decision.is_allowed:
        raise SystemExit(1)


def _answer(email: str, asked: str, org: str | None, scope: Scope) -> Answer:
    named = _organization_called(org) if org else None
    user, is_verified = _user_of(email, named)
    organization = named or _only_organization_of(user)
    project = _project_of(organization, asked)
    teams = [team.name for team in projects.teams_of(project)]
    return Answer(user, is_verified, organization, project, teams, grants.explain(user.id, project, scope))


def _user_of(email: str, organization: Organization | None) -> tuple[User, bool]:
    """Return who is meant by an address, and whether they have verified it: members come before everybody else."""
    try:
        canonical = addresses.parse(email).canonical
    except InvalidAddress as error:
        raise Unknown(f"{email} is not an email address.") from error
    account = accounts.with_verified_address(canonical)
    if account and people.is_member(account.user, organization):
        return account.user, True
    found = people.listed_as(canonical, organization)
    if len(found) > 1:
        raise Unknown(f"Several members are listed with {email}, and none of them has verified it.")
    if found:
        return found[0], False
    if account:
        return account.user, True
    where = f" in {organization.slug}" if organization else ""
    raise Unknown(f"Nobody has {email} as a verified address, and no member is listed with it{where}.")


def _project_of(organization: Organization, asked: str) -> Project:
    """Return the project that has a slug, or had it, or else the one that has a name."""
    project: Project | None = slugs.find(PROJECT, organization, asked)
    if project is not None:
        return project
    found = projects.called(organization, asked)
    if not found:
        raise Unknown(
            f"There is no project {asked} in {organization.slug}. Say its slug, which is its name in addresses."
        )
    if len(found) > 1:
        listed = ", ".join(project.slug for project in found[:MOST_NAMED])
        listed += " and others" if len(found) > MOST_NAMED else ""
        raise Unknown(f"Several projects are called {asked}. Say the slug of one: {listed}.")
    return found[0]


def _organization_called(slug: str) -> Organization:
    try:
        return organization_of(slug)
    except click.ClickException as error:
        raise Unknown(error.message) from error


def _only_organization_of(user: User) -> Organization:
    found = organizations.with_member(user.id)
    if not found:
        raise Unknown(f"{printable(user.name)} belongs to no organization.")
    if len(found) > 1:
        slugs = ", ".join(organization.slug for organization in found)
        raise Unknown(f"{printable(user.name)} belongs to several organizations: say ORG/PROJECT. They are {slugs}.")
    return found[0]


def _lines(answer: Answer) -> Iterator[str]:
    decision = answer.decision
    verdict = "has" if decision.is_allowed else "does not have"
    yield f"{answer.user.name} {verdict} {decision.scope} on {answer.project.name} ({answer.organization.slug})."
    if not answer.is_address_proven:
        yield "  they have not verified this address"
    yield from (f"  grant: {sentences.path(path)}" for path in decision.paths)
    yield from (f"  blocker: {sentences.blocker(kind)}" for kind in decision.blockers)
    yield from (f"  opinion: {sentences.opinion(opinion)}" for opinion in decision.opinions)
    for heading, listed in sentences.opposite(opposite_of(decision), answer.teams):
        yield str(heading)
        yield from (f"  {sentence}" for sentence in listed)


def _facts(answer: Answer) -> dict[str, Any]:
    decision = answer.decision
    return {
        "allowed": decision.is_allowed,
        "user_id": answer.user.id,
        "is_address_proven": answer.is_address_proven,
        "organization": answer.organization.slug,
        "project": answer.project.slug,
        "scope": decision.scope.value,
        "level": decision.level and decision.level.label,
        "grants": [_grant(path) for path in decision.paths],
        "blockers": list(decision.blockers),
        "opinions": [asdict(opinion) for opinion in decision.opinions],
        "opposite": _turned(opposite_of(decision), answer.teams),
    }


def _turned(opposite: Opposite, teams: Sequence[str]) -> dict[str, Any]:
    return {
        "allowed": opposite.answer,
        "grants": [_grant(path) for path in opposite.paths],
        "blockers": list(opposite.blockers),
        "opinions": [asdict(opinion) for opinion in opposite.opinions],
        "missing": opposite.missing and opposite.missing.label,
        "highest": opposite.highest and opposite.highest.label,
        "is_member": opposite.is_member,
        "giving": [str(way) for way in sentences.ways(opposite, teams)],
    }


def _grant(path: Path) -> dict[str, Any]:
    return asdict(path) | {"level": path.level.label}
