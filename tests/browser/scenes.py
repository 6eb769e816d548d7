"""A furnished organization: people of all roles, invitations in every state, and teams with projects and a group."""

from datetime import timedelta

from sqlalchemy import select, update

from tests.browser.hall import Hall, open_letter
from tests.support.worlds import Invited, Person
from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import Invitation, Member, MemberStatus, Organization, OutboxMessage, Role, User
from webapp.services import access_groups, invitations, members, projects, teams
from webapp.services.access_groups import Contents
from webapp.services.invitation_links import Link

PEOPLE = (
    ("Ben Okafor", "ben.okafor@example.com", Role.ADMIN, timedelta(hours=1)),
    ("Clara Lindqvist", "clara@example.com", Role.MANAGER, timedelta(minutes=24)),
    ("Daniel Kim", "daniel.kim@example.com", Role.MEMBER, timedelta(hours=3)),
    ("Elena Petrova", "elena@example.org", Role.MEMBER, timedelta(days=1)),
    ("Farid Haddad", "farid.haddad@example.com", Role.ADMIN, timedelta(days=2)),
    ("Grace Tanaka", "grace@example.org", Role.MEMBER, timedelta(days=6)),
    ("Hugo Marín", "hugo.marin@example.com", Role.MEMBER, None),
)
SUSPENDED = "Grace Tanaka"
RESTRICTED = ("Daniel Kim", "Elena Petrova")
TEAMS = ("Dock", "Quay of the western harbour and its many cranes", "Tide")
PROJECTS = ("Berth plan", "Crane-telemetry-of-the-western-quay-and-its-dashboards", "Tide tables 2019")
FAILED = "The mail server at mail.example.org refused the address: 550 5.1.1 No such mailbox"
LONG_ADDRESS = "maximiliana.von-der-heide-oberhausen.research@a-rather-long-name-of-a-company.example.org"


def move_in(hall: Hall) -> dict[str, Person]:
    """Let seven people join the owner; return them by name."""
    found = {hall.owner.name: hall.owner}
    for name, email, role, ago in PEOPLE:
        found[name] = hall.world.person(name, email)
        status = MemberStatus.SUSPENDED if name == SUSPENDED else MemberStatus.ACTIVE
        member_id = hall.world.member(hall.slug, found[name], role, status)
        active_at = clock.now() - ago if ago else None
        change = update(Member).where(Member.id == member_id).values(last_active_at=active_at)
        hall.world.write(db.session.execute, change)
    return found


def expire(hall: Hall, invited: Invited) -> None:
    """Let an invitation have run out yesterday."""
    then = clock.now() - timedelta(days=1)
    _change(hall, invited, expires_at=then)


def decline(hall: Hall, invited: Invited) -> None:
    """Turn an invitation down, as somebody with the link."""
    hall.world.write(lambda: invitations.decline(Actor.visitor(None), _link(invited)))


def revoke(hall: Hall, invited: Invited) -> None:
    """Take an invitation back, as the system."""

    def step() -> None:
        found = db.session.get_one(Invitation, invited.id)
        invitations.revoke(Actor.system(), _organization(invited), found)

    hall.world.write(step)


def accept(hall: Hall, invited: Invited, person: Person) -> None:
    """Accept an invitation as a person who has an account with its address."""
    hall.world.write(lambda: invitations.accept(Actor.system(), _link(invited), person.user_id))


def invite_all_sorts(hall: Hall) -> None:
    """Invite people whose invitations wait, ran out, were declined, or could not be mailed."""
    decline(hall, hall.invite("noa@example.org"))
    expire(hall, hall.invite("omar@example.org", role=Role.ADMIN))
    bounced = hall.invite("priya@example.org")
    hall.invite(LONG_ADDRESS, role=Role.MANAGER)
    hall.invite("mia.holm@example.org", days=30)
    open_letter(hall.page(), "mia.holm@example.org", "invited you")
    letter = update(OutboxMessage).where(OutboxMessage.to_address == bounced.email)
    hall.world.write(db.session.execute, letter.values(state="failed", last_error=FAILED))


def form_teams(hall: Hall, people: dict[str, Person]) -> int:
    """Make three teams with projects, and an access group for those who reach nothing else; return its id."""

    def step() -> int:
        here = db.session.scalars(select(Organization).where(Organization.slug == hall.slug)).one()
        found = {name: members.of_user(here, person.user_id) for name, person in people.items()}
        crew = {name: member for name, member in found.items() if member is not None}
        ada = Actor.of(db.session.get_one(User, hall.owner.user_id), ip=None, member=crew[hall.owner.name])
        for name in RESTRICTED:
            crew[name].has_global_access = False
        dock, quay, _tide = (teams.create(ada, here, name) for name in TEAMS)
        owned = [projects.create(ada, here, dock, name) for name in PROJECTS]
        teams.put_in(ada, here, dock, [crew[name] for name in ("Ben Okafor", "Daniel Kim", "Hugo Marín")])
        projects.set_teams(ada, here, owned[0], [dock, quay])
        projects.archive(ada, here, owned[-1])
        held = frozenset(project.id for project in owned[:2]), frozenset(crew[name].id for name in RESTRICTED)
        return access_groups.create(ada, here, dock, Contents("Night shift", Role.ADMIN, *held)).id

    found: int = hall.world.write(step)
    return found


def _link(invited: Invited) -> Link:
    return Link(invited.id, _organization(invited).id, invited.token)


def _organization(invited: Invited) -> Organization:
    return db.session.get_one(Organization, db.session.get_one(Invitation, invited.id).organization_id)


def _change(hall: Hall, invited: Invited, **values: object) -> None:
    change = update(Invitation).where(Invitation.id == invited.id).values(**values)
    hall.world.write(db.session.execute, change)
