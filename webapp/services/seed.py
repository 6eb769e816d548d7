"""Made-up organizations of any size, written in bulk, for trying and for benchmarks.

Nobody in them can sign in except the owner, and no letter to anybody in them leaves.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update

from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import (
    AccountToken,
    EmailAddress,
    LetterState,
    Member,
    MemberStatus,
    MemberWord,
    Organization,
    OutboxMessage,
    Role,
    TokenPurpose,
    User,
    UserKind,
)
from webapp.services import accounts, addresses, audit, first_run, invitations, organizations, seed_teams, slugs
from webapp.services.accounts import RESET_LIFETIME, NewAccount
from webapp.services.audit import Change, Event, Target
from webapp.services.invitations import MAX_LIFETIME_DAYS, Offer
from webapp.services.members import described_as
from webapp.services.memberships import Terms
from webapp.services.seed_teams import insert_all, inserted
from webapp.services.slugs import ORGANIZATION
from webapp.services.tokens import digest, new_token
from webapp.services.words import sort_key, words_of

ROWS_A_STEP = 2_000
INVITATIONS_A_STEP = 500
FIRST_NAMES = (
    "Ada Alan Alma Amara Anton Aylin Barbara Bela Carla Chen Clara Dalia Daniel Edith Elif Emil Esra Farid Fatou Felix "
    "Frida Grace Hana Hugo Ida Ines Ivan Jana Jonas Juri Kamala Karim Lena Leo Linh Lotte Mara Mateo Mia Milan Nadia "
    "Nils Noor Olga Omar Paula Priya Rafael Rosa Samir Sofia Tarik Tessa Tomas Uma Vera Viktor Wanda Yara Zoe"
)
LAST_NAMES = (
    "Abara Adler Bauer Berg Bianchi Blum Brandt Castro Cohen Costa Dahl Diaz Duarte Engel Eriksen Falk Ferrari Fischer "
    "Fontaine Garcia Gruber Haddad Hansen Hoang Horvat Ito Jansen Kaya Keller Khan Klein Kowalski Kraus Lang Laurent "
    "Lind Lopez Maier Marino Meyer Moreau Nakata Novak Nowak Okafor Olsen Ortega Patel Pereira Petrov Quinn Ramos "
    "Rossi Sato Schmid Silva Singh Sommer Tanaka Vogel Weber Winter Wolf Yilmaz Zimmer"
)


@dataclass(frozen=True)
class Seeded:
    """A made-up organization, its owner, and the token of the link by which they choose a password."""

    organization_id: int
    slug: str
    owner_id: int
    owner_email: str
    reset_token: str


def begin(name: str) -> Seeded:
    """Make an organization with an owner, who also administers the instance where nobody has an account yet."""
    slug = slugs.free_slug(ORGANIZATION, name)
    address = addresses.parse(f"owner@{slug}.example.org")
    new = NewAccount("Olivia Owner", address, "")
    if first_run.is_possible():
        user, organization = first_run.set_up(Actor.system(), new, name)
    else:
        user = accounts.create(Actor.system(), new)
        organization, _ = organizations.create(Actor.of(user, ip=None), name, user, address.typed)
    user.password_hash = None
    return Seeded(organization.id, organization.slug, user.id, address.typed, _reset_token(user))


def add_teams(seeded: Seeded, numbers: range) -> None:
    """Make teams, as many as there are numbers."""
    seed_teams.add_teams(organizations.lock(seeded.organization_id), numbers)


def add_projects(seeded: Seeded, numbers: range) -> None:
    """Make projects, each of a team or two; there are teams already."""
    seed_teams.add_projects(organizations.lock(seeded.organization_id), numbers)


def add_groups(seeded: Seeded, numbers: range) -> None:
    """Make access groups of teams that own projects; there are some already."""
    seed_teams.add_groups(organizations.lock(seeded.organization_id), numbers)


def add_members(seeded: Seeded, numbers: range) -> None:
    """Make made-up people members, as many as there are numbers, with the audit entries that say so.

    They are given to the teams and access groups that are there already.
    """
    organization = organizations.lock(seeded.organization_id)
    people = [_person(seeded.slug, number) for number in numbers]
    now = clock.now()
    users = inserted(User, [_user(name, now) for name, _ in people])
    insert_all(EmailAddress, [_address(user, email, now) for user, (_, email) in zip(users, people, strict=True)])
    teams, groups = seed_teams.teams_of(organization), seed_teams.groups_of(organization)
    terms = [seed_teams.terms_for(number, teams, groups) for number in numbers]
    rows = [
        _member(organization, user, name, one, now) for user, (name, _), one in zip(users, people, terms, strict=True)
    ]
    members = inserted(Member, rows)
    seed_teams.put_in(organization, members, rows, terms)
    words = [
        {"organization_id": organization.id, "member_id": member, "word": word}
        for member, person in zip(members, people, strict=True)
        for word in words_of(*person)
    ]
    insert_all(MemberWord, words)
    everything = zip(members, users, people, terms, strict=True)
    joined = [_joined(member, user, person, one) for member, user, person, one in everything]
    audit.record_all(Actor.system(), Event.MEMBER_JOINED, joined, organization=organization)
    created = [_created(user, person) for user, person in zip(users, people, strict=True)]
    audit.record_all(Actor.system(), Event.ACCOUNT_CREATED, created)


def invite(seeded: Seeded, numbers: range) -> None:
    """Make open invitations, as many as there are numbers. Their letters count as sent: they go to nobody."""
    organization = organizations.lock(seeded.organization_id)
    wanted = [addresses.parse(f"guest{number}@{seeded.slug}.example.org") for number in numbers]
    offered = invitations.invite_all(Actor.system(), organization, wanted, Offer(Role.MEMBER, MAX_LIFETIME_DAYS))
    letters = OutboxMessage.id.in_([invitation.letter_id for invitation in offered])
    sent = {"state": LetterState.SENT, "secret": None, "finished_at": clock.now()}
    db.session.execute(update(OutboxMessage).where(letters).values(sent))


def _reset_token(user: User) -> str:
    token, now = new_token(), clock.now()
    db.session.add(
        AccountToken(
            user_id=user.id,
            purpose=TokenPurpose.RESET,
            token_hash=digest(token),
            created_at=now,
            expires_at=now + RESET_LIFETIME,
        )
    )
    return token


def _person(slug: str, number: int) -> tuple[str, str]:
    """Return the made-up name and address of a number; the same each time."""
    firsts, lasts = FIRST_NAMES.split(), LAST_NAMES.split()
    first, last = firsts[number % len(firsts)], lasts[(number // len(firsts) + 37 * number) % len(lasts)]
    return f"{first} {last}", f"{first}.{last}{number}@{slug}.example.org".lower()


def _user(name: str, now: datetime) -> dict[str, Any]:
    return {"name": name, "is_active": True, "kind": UserKind.PERSON, "created_at": now}


def _address(user_id: int, email: str, now: datetime) -> dict[str, Any]:
    return {"user_id": user_id, "address": email, "canonical": email, "is_primary": True, "verified_at": now}


def _member(organization: Organization, user_id: int, name: str, terms: Terms, now: datetime) -> dict[str, Any]:
    return {
        "organization_id": organization.id,
        "user_id": user_id,
        "role": terms.role,
        "has_global_access": terms.has_global_access,
        "status": MemberStatus.ACTIVE,
        "sort_name": sort_key(name),
        "created_at": now,
    }


def _created(user_id: int, person: tuple[str, str]) -> Change:
    name, email = person
    return Change(Target("user", user_id, name), after={"name": name, "email": email})


def _joined(member_id: int, user_id: int, person: tuple[str, str], terms: Terms) -> Change:
    name, email = person
    after = described_as(user_id, email, MemberStatus.ACTIVE, terms)
    return Change(Target("member", member_id, name), after=after)
