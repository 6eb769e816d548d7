"""Every route of the application, with something that exists in each variable part of its address."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from flask import url_for
from sqlalchemy import delete, func, select, update
from werkzeug.routing import Rule

from tests.support import asking
from tests.support.acme import Acme
from tests.support.settings import SECRET_KEY
from tests.support.sso import connection
from tests.support.unproven import unproven
from tests.support.worlds import PASSWORD, Invited, Person, password_hash
from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.http.settings import settings
from webapp.mail.deliver import Worker
from webapp.mail.demo_mailbox import DemoMailbox
from webapp.models import (
    Enforcement,
    IdentityProvider,
    Invitation,
    InvitationStatus,
    Member,
    Organization,
    ProviderStatus,
    Role,
    Session,
    SsoDomain,
)
from webapp.services import (
    access_groups,
    accounts,
    addresses,
    members,
    outbox,
    projects,
    removals,
    sessions,
    teams,
)
from webapp.services.access_groups import Contents
from webapp.services.accounts import NewAccount
from webapp.services.first_run import setup_token
from webapp.services.memberships import Terms
from webapp.services.sso import connections, domains, enforcement, identities, mappings
from webapp.services.sso.enforcement import EnforcementPolicy
from webapp.services.sso.identities import Said

PROVEN = "proven.example.org"
ASKED_BY_PEOPLE = {"GET", "POST"}


@dataclass(frozen=True)
class Route:
    """One rule with one of its methods."""

    rule: Rule
    method: str

    @property
    def endpoint(self) -> str:
        """The name of the view."""
        return str(self.rule.endpoint)

    def __str__(self) -> str:
        return f"{self.method:4} {self.rule.rule}"


@dataclass(frozen=True)
class Request:
    """An address with everything in it, and what its form holds."""

    path: str
    form: dict[str, str]


class Place:
    """A team with a project, an access group and a member, and a project of another team: each is about one request."""

    def __init__(self, acme: Acme, number: int) -> None:
        ids, self.arguments = acme.act(acme.owner, lambda actor, here: _made_at_once(actor, here, number))
        contents = {"name": f"Named {number}", "level": "member", "projects": ids["project"], "members": ids["member"]}
        self.forms: dict[str, dict[str, str]] = {
            "teams.settings": {"name": f"Renamed {number}"},
            "teams.remove": {"name": f"Team {number}", "confirm": "1"},
            "teams.add": {"members": ids["outside"]},
            "teams.take_out": {"confirm": "1"},
            "groups.new": contents,
            "groups.update": contents,
            "groups.remove": {"confirm": "1"},
            "projects.new": {"name": f"New {number}"},
            "projects.add": {"project": ids["other"]},
            "projects.update": {"name": f"Renamed {number}", "teams": ids["team"]},
            "projects.archive": {"confirm": "1"},
            "projects.remove": {"confirm": "1"},
        }


def _made_at_once(actor: Actor, here: Organization, number: int) -> tuple[dict[str, str], dict[str, Any]]:
    """Make all of a place in one transaction; return its ids as forms hold them, and what its addresses hold."""
    new = NewAccount("Jo Joined", addresses.parse(f"joined-team{number}@example.org"), password_hash())
    user = accounts.create(Actor.system(), new)
    member = members.add(Actor.system(), here, user, new.address.typed, Terms(Role.MEMBER))
    team, elsewhere = (teams.create(actor, here, f"{kind} {number}") for kind in ("Team", "Elsewhere"))
    teams.put_in(actor, here, team, [member])
    project = projects.create(actor, here, team, f"Project {number}")
    projects.set_teams(actor, here, project, [team, elsewhere])
    other = projects.create(actor, here, elsewhere, f"Other {number}")
    contents = Contents(f"Group {number}", Role.MEMBER, frozenset({project.id}), frozenset({member.id}))
    group = access_groups.create(actor, here, team, contents)
    outside = select(func.max(Member.id)).where(Member.organization_id == here.id, Member.id < member.id)
    numbers = {"team": team.id, "project": project.id, "other": other.id, "member": member.id}
    numbers["outside"] = db.session.scalars(outside).one()
    ids = {name: str(value) for name, value in numbers.items()}
    return ids, {"team": team.slug, "project": project.slug, "group": group.id, "member": member.id}


class Routes:
    """The routes of Acme's application. Each request is about things made for it alone, so that none spoils another.

    `invited` is somebody with an account whose open invitation the links of invitations are about.

    Args:
        acme: where.
        places: what is there already to make requests about; more are made when they are used up.
    """

    def __init__(self, acme: Acme, places: Sequence[Place] = ()) -> None:
        self.acme = acme
        self._ready = list(places)
        self._world = acme.world
        self._numbers = count(1)
        self._place: Place | None = None
        self.invited: Person = self._world.person("Ivy Invited", "ivy@example.org")

    def __iter__(self) -> Iterator[Route]:
        """Yield every route that people ask for."""
        rules = sorted(self._world.app.url_map.iter_rules(), key=lambda rule: rule.rule)
        return (Route(rule, method) for rule in rules for method in sorted(ASKED_BY_PEOPLE & (rule.methods or set())))

    def request(self, route: Route) -> Request:
        """Return a request that would succeed for somebody who may."""
        self._place = self._new_place() if {"team", "project"} & route.rule.arguments else None
        if route.endpoint.startswith("sso.") or route.endpoint == "invites.sign_on":
            self.acme.act(self.acme.owner, lambda actor, here: self._prepare_single_sign_on(actor, here, route))
        arguments = {name: self._argument(route, name) for name in route.rule.arguments}
        with self._world.app.test_request_context():
            return Request(url_for(route.endpoint, **arguments), self._form(route) if route.method == "POST" else {})

    def _new_place(self) -> Place:
        return self._ready.pop() if self._ready else Place(self.acme, next(self._numbers))

    def _argument(self, route: Route, name: str) -> Any:
        if self._place is not None and name in self._place.arguments:
            return self._place.arguments[name]
        if route.endpoint == "accounts.verify_email":
            return self._verification_token()
        if name == "token":
            family = route.endpoint.partition(".")[0]
            return {"setup": self._setup_token, "accounts": self._reset_token, "invites": self._invitation_token}[
                family
            ]()
        made: dict[str, Any] = {
            "org": lambda: self.acme.slug,
            "slug": lambda: self._joinable() if route.endpoint == "requests.join" else self.acme.slug,
            "state": lambda: "nowhere",
            "provider": lambda: 1,
            "mapping": self._mapping,
            "invitation": lambda: self._waiting(route, f"guest{next(self._numbers)}@example.org"),
            "member": lambda: self._linked() if route.endpoint == "sso.take_away" else self._joined(),
            "removed": self._removed,
            "key": self._demo_letter,
            "session_id": self._session,
            "filename": lambda: "css/theme.css",
        }
        return made[name]()

    def _form(self, route: Route) -> dict[str, str]:
        address = f"form{next(self._numbers)}@example.org"
        forms = {
            "accounts.forgot_password": {"email": address},
            "accounts.verify_email": {"password": PASSWORD},
            "accounts.update": {"name": f"Nora Number {next(self._numbers)}", "language": ""},
            "organizations.create": {"name": "Lakeside Clinic"},
            "organizations.update": {"name": "Acme", "slug": self.acme.slug, "invitation_lifetime_days": "7"},
            "invites.create": {"emails": address, "role": "member", "lifetime_days": "7"},
            "invites.answer": {"decline": "1"},
            "requests.approve": {"role": "member"},
            "requests.create": {"email": address},
            "requests.join": {"email": address},
            "members.update": {"role": "admin", "has_global_access": "1"},
            "teams.new": {"name": address},
            **(self._place.forms if self._place else {}),
            "members.suspend": {"confirm": "1"},
            "members.end": {"last_day": (clock.now().date() + timedelta(days=90)).isoformat(), "confirm": "1"},
            "members.remove": {"confirm": "1"},
            "sso.choose": {"kind": "oidc"},
            "sso.prove": {
                "kind": "oidc",
                "issuer": "https://id.example.org",
                "client_id": "vestibule",
                "client_secret": "a secret of the provider's",
            },
            "sso.disable": {"confirm": "1"},
            "sso.enforce": {"enforcement": "optional", "from_date": ""},
            "sso.unlink": {"confirm": "1"},
            "sso.take_away": {"confirm": "1"},
            "sso.find_entrance": {"email": address},
            "sso.check_domain": {"domain": PROVEN},
            "sso.renew_secret": {"client_secret": "another secret of the provider's"},
            "sso.remove_mapping": {"confirm": "1"},
            "sso.save_policy": {
                "joining": "allowed",
                "domains": "corp.example.org",
                "default_role": "member",
                "verification_days": "14",
            },
        }
        made = {
            "additions.create": lambda: {"email": self._acquaintance(), "role": "member"},
            "sso.remind": lambda: {"member": self._joined()},
            "sso.add_mapping": lambda: {"claim": "groups", "value": address, "group": str(self._group())},
            "members.bulk": lambda: {"action": "suspend", "ids": self._joined(), "confirm": "1"},
            "members.pending_bulk": lambda: {"action": "revoke", "ids": self._pending(), "confirm": "1"},
        }
        return made[route.endpoint]() if route.endpoint in made else forms.get(route.endpoint, {})

    def _prepare_single_sign_on(self, actor: Actor, here: Organization, route: Route) -> None:
        """Let Acme have a connection in use, a draft where one is proven, and people to unlink."""
        provider = connections.active_of(here) or connection(here, "https://id.example.org")
        db.session.execute(delete(IdentityProvider).where(IdentityProvider.status == ProviderStatus.DRAFT))
        if route.endpoint == "sso.check_now":
            provider.issuer, provider.probe_problem = "https://127.0.0.1", "private_address"
        if route.endpoint in ("sso.prove", "sso.discard"):
            connections.choose_kind(actor, here, "oidc")
        if route.endpoint == "sso.check_domain" and all(record.domain != PROVEN for record in domains.records_of(here)):
            proven = SsoDomain(organization_id=here.id, domain=PROVEN, token="0" * 64, proven_at=clock.now())
            db.session.add(proven)
        enforcement.put(provider, EnforcementPolicy(Enforcement.OFF))
        if route.endpoint == "sso.rehearsal":
            until = clock.now() + timedelta(days=7)
            enforcement.put(provider, EnforcementPolicy(Enforcement.REQUIRED, until), rehearsed_since=clock.now())
        if route.endpoint == "sso.unlink":
            people = (self.acme.owner, self.acme.manager, self.acme.admin, self.acme.member)
            for person in people:
                if identities.of_user(provider, person.user_id) is None:
                    identities.add(provider, person.user_id, Said(f"user {person.user_id}"))

    def _group(self) -> int:
        """Return the id of an access group."""
        return int(self._new_place().arguments["group"])

    def _mapping(self) -> int:
        """Return the id of a mapping that fills an access group."""
        mapping = mappings.ClaimMapping("groups", f"value {next(self._numbers)}", self._group())
        return int(self.acme.act(self.acme.owner, lambda actor, here: mappings.add(actor, here, mapping).id))

    def _invite(self, email: str) -> Invited:
        return self._world.invite(self.acme.slug, self.acme.owner, email)

    def _pending(self) -> str:
        """Return the id of an invitation."""
        return str(self._invite(f"pending{next(self._numbers)}@example.org").id)

    def _waiting(self, route: Route, email: str) -> int:
        """Return a request where the route answers one, else an invitation."""
        is_request = route.endpoint.startswith("requests.")
        return asking.ask(self.acme, email) if is_request else self._invite(email).id

    def _joinable(self) -> str:
        self._world.policy(self.acme.slug, join_requests_allowed=True)
        return self.acme.slug

    def _acquaintance(self) -> str:
        """Return an address of somebody whom Acme's people meet in another organization."""
        email = f"known{next(self._numbers)}@example.org"
        slug = self._world.organization("Nearby", self._world.person("Nell Nearby", email))
        for person in (self.acme.owner, self.acme.manager):
            self._world.member(slug, person, Role.MEMBER)
        return email

    def _join(self) -> Person:
        person = self._world.person("Jo Joined", f"joined{next(self._numbers)}@example.org")
        self._world.member(self.acme.slug, person, Role.MEMBER)
        return person

    def _joined(self) -> str:
        """Return the id of a member who has just come."""
        return str(self.acme.member_id(self._join()))

    def _linked(self) -> str:
        """Return the id of a member who has just come, and is linked."""
        person = self._join()

        def link(_actor: Actor, here: Organization) -> None:
            identities.add(connections.require_active(here), person.user_id, Said(f"user {person.user_id}"))

        self.acme.act(self.acme.owner, link)
        return str(self.acme.member_id(person))

    def _removed(self) -> int:
        person = self._join()
        return self.acme.act(self.acme.owner, lambda actor, organization: self._remove(actor, organization, person))

    def _remove(self, actor: Actor, organization: Organization, person: Person) -> int:
        member = members.of_user(organization, person.user_id)
        assert member
        return removals.remove(actor, organization, member).member_id

    def _invitation_token(self) -> str:
        def close_earlier() -> None:
            earlier = Invitation.canonical == self.invited.email
            revoked = {"status": InvitationStatus.REVOKED, "closed_at": clock.now()}
            db.session.execute(update(Invitation).where(earlier).values(revoked))

        self._world.write(close_earlier)
        return self._invite(self.invited.email).token

    def _reset_token(self) -> str:
        self._world.write(accounts.request_reset, Actor.system(), addresses.parse(self.acme.member.email))
        letter = self._world.letters("password_reset")[-1]
        return str(self._world.read(lambda: db.vault.open(outbox.seal_name(letter), letter.secret or "")))

    def _verification_token(self) -> str:
        return unproven(self._world, f"unproven{next(self._numbers)}@example.org")[1]

    def _session(self) -> int:
        """Return a session of Acme's owner, made for this request."""

        def begin() -> int:
            sessions.begin(self.acme.owner.user_id, ip="127.0.0.1", user_agent="tests")
            return db.session.scalars(select(func.max(Session.id))).one()

        return int(self._world.write(begin))

    def _setup_token(self) -> str:
        return setup_token(SECRET_KEY)

    def _demo_letter(self) -> str:
        with self._world.app.app_context():
            mailbox = DemoMailbox(settings().data_dir)
        self._invite(f"guest{next(self._numbers)}@example.org")
        Worker(self._world.app, mailbox).run_once()
        return mailbox.newest()[0].key
