"""Mail workers killed at every point of the conversation with the mail server: no letter is lost, none leaves twice on
purpose, and one that did arrive twice lets nobody in twice."""

import logging
import random
import signal
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from aiosmtpd.smtp import SMTP
from sqlalchemy import insert, select

from tests.mail.letters import worker_of
from tests.support import crowds
from tests.support.commands import Copied
from tests.support.ledger import Ledger
from tests.support.settings import environment_for
from tests.support.sizes import Figures, short_and_long
from tests.support.smtp import Letter, SmtpSink
from tests.support.sso import connection
from tests.support.workers import Processes
from tests.support.worlds import Person, World, post
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import Identity, Member, Organization, Role, User
from webapp.services import invitation_batches, members
from webapp.services.invitations import Offer
from webapp.services.sso import disabling
from webapp.services.sso.errands import BATCH

# Between the last two, the server has the letter and the worker has not noted it yet: only there may a copy be extra.
POINTS = ("connection", "EHLO", "MAIL", "RCPT", "DATA", "taken", "acknowledged")
DOUBLING = POINTS[-2:]
MOST_LETTERS_A_LIFE = 8
END_SECONDS = 60
A_DAY = timedelta(days=1)


class Dangerous(SMTP):
    """A conversation that says where it is."""

    async def smtp_EHLO(self, hostname: str) -> None:
        self.event_handler.at("EHLO")
        await super().smtp_EHLO(hostname)

    async def smtp_MAIL(self, arg: str | None) -> None:
        self.event_handler.at("MAIL")
        await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        self.event_handler.at("RCPT")
        await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:
        self.event_handler.at("DATA")
        taken = len(self.event_handler.letters)
        await super().smtp_DATA(arg)
        if len(self.event_handler.letters) > taken:
            self.event_handler.at("acknowledged")


class DangerousSink(SmtpSink):
    """A mail server that kills whoever talks to it, once, at a point named beforehand."""

    conversation = Dangerous
    victim: Copied | None = None
    point = ""
    letters_before = 0

    def threaten(self, victim: Copied, point: str, after: int) -> None:
        """Kill `victim` when it comes to `point`, having handed over so many letters before."""
        connections_too = 0 if point in ("connection", "EHLO") else after
        self.letters_before = len(self.letters) + connections_too
        self.point, self.victim = point, victim

    def at(self, point: str) -> None:
        """Kill whoever has come to the point where they shall die."""
        if self.victim and point == self.point and len(self.letters) >= self.letters_before:
            self.victim.kill()
            self.victim = None

    def _protocol(self) -> SMTP:
        self.at("connection")
        return super()._protocol()

    async def handle_DATA(self, *conversation: object) -> str:
        answer = await super().handle_DATA(*conversation)  # type: ignore[arg-type]
        self.at("taken")
        return answer


@pytest.fixture
def smtp_sink() -> Iterator[DangerousSink]:
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # it is surprised by the dead
    with DangerousSink() as sink:
        yield sink


@pytest.fixture
def environment(database_url: str, tmp_path: Path, smtp_sink: DangerousSink) -> dict[str, str]:
    return environment_for(
        database_url,
        tmp_path,
        mail_server=smtp_sink.host,
        mail_port=smtp_sink.port,
        mail_security="none",
    )


@pytest.fixture
def processes(environment: dict[str, str], tmp_path: Path) -> Iterator[Processes]:
    started = Processes(environment, tmp_path / "workers.log")
    yield started
    started.end()


def invite(world: World, owner: Person, emails: list[str]) -> None:
    """Invite everybody in one go, as the page does."""

    def step() -> None:
        user = db.session.get_one(User, owner.user_id)
        organization = db.session.scalars(select(Organization)).one()
        actor = Actor.of(user, ip=None, member=members.of_user(organization, user.id))
        invitation_batches.invite_all(actor, organization, "\n".join(emails), Offer(Role.MEMBER, 7))

    world.write(step)


def by_recipient(letters: list[Letter]) -> dict[str, list[Letter]]:
    """Sort letters by whom they went to."""
    found: dict[str, list[Letter]] = defaultdict(list)
    for letter in letters:
        found[letter.recipients[0]].append(letter)
    return found


def assert_joins_once(world: World, copies: list[Letter]) -> None:
    """Every copy of a letter holds the same link, and it lets one person in."""
    [link] = {link for letter in copies for link in letter.links if "/invitations/" in link}
    path = "/invitations/" + link.rpartition("/")[2]
    email = copies[0].recipients[0]
    mia = world.browser(world.person(email.partition("@")[0], email))
    answers = [post(mia, path, accept="1").status_code for _ in copies]
    assert answers == [303] * len(copies), "the second click arrives where the first one did"


@pytest.mark.parametrize(("number", "kills"), short_and_long((20, 7), (1000, 200)))
def test_R01_killed_workers_lose_no_letter(
    world: World,
    smtp_sink: DangerousSink,
    processes: Processes,
    number: int,
    kills: int,
    figures: Figures,
) -> None:
    owner = world.person("Ada Winter", "ada@example.com")
    world.organization("Harbour Works", owner)
    emails = [f"guest{guest}@example.org" for guest in range(number)]
    invite(world, owner, emails)
    died = die_at_points(smtp_sink, processes, number, kills)
    with time_machine.travel(datetime.now(UTC) + A_DAY):
        assert worker_of(world.app).run_once() == 0
    ledger = Ledger(world.app.extensions["vestibule"].database_url)
    copies = by_recipient(smtp_sink.letters)
    ids = {email: {str(letter.message["Message-ID"]) for letter in letters} for email, letters in copies.items()}
    doubled = [letters for letters in copies.values() if len(letters) > 1]
    assert ledger.count("outbox_message", state="sent") == number
    assert sorted(copies) == sorted(emails)
    assert {len(found) for found in ids.values()} == {1}
    assert len(set.union(*ids.values())) == number
    assert len(smtp_sink.letters) <= number + sum(died[point] for point in DOUBLING)
    for letters in doubled:
        assert_joins_once(world, letters)
    assert ledger.count("member") == 1 + len(doubled) == 1 + ledger.count("invitation", status="accepted")
    figures(letters=number, kills=died.total(), lost=0, copies=len(smtp_sink.letters), doubled=len(doubled), **died)


def test_R01_killed_workers_tell_everybody_once_that_single_sign_on_is_off(
    world: World, smtp_sink: DangerousSink, processes: Processes
) -> None:
    owner = world.person("Ada Winter", "ada@example.com")
    world.organization("Harbour Works", owner)
    people = [(f"Guest {guest}", f"guest{guest}@example.org") for guest in range(BATCH + 10)]

    def switch_off() -> None:
        organization = db.session.scalars(select(Organization)).one()
        numbers = crowds.add(organization.id, people)
        provider = connection(organization, "https://id.example.org")
        of = {"organization_id": organization.id, "provider_id": provider.id, "claims": {}}
        users = db.session.scalars(select(Member.user_id).where(Member.id.in_(numbers)))
        db.session.execute(insert(Identity), [{**of, "user_id": user, "subject": str(user)} for user in users])
        member = members.of_user(organization, owner.user_id)
        actor = Actor.of(db.session.get_one(User, owner.user_id), ip=None, member=member, is_fresh=True)
        disabling.disable(actor, organization, provider)

    world.write(switch_off)
    died = die_at_points(smtp_sink, processes, 20, 3)  # the first batch is written by then, and the second is not
    processes.start()
    smtp_sink.wait_for(len(people) - died.total())
    with time_machine.travel(datetime.now(UTC) + A_DAY):
        assert worker_of(world.app).run_once() == 0
    ledger = Ledger(world.app.extensions["vestibule"].database_url)
    assert ledger.count("outbox_message", state="sent") == len(people)
    assert ledger.count("sso_errand") == 0
    assert sorted(by_recipient(smtp_sink.letters)) == sorted(address for _name, address in people)


def die_at_points(sink: DangerousSink, processes: Processes, number: int, kills: int) -> Counter[str]:
    """Let workers die one after another, each point in turn; return how many died where."""
    source, died = random.Random(number), Counter[str]()  # noqa: S311  (when to die is no secret)
    pause = max(1, 2 * (number - kills) // kills)
    for life in range(kills):
        point = POINTS[life % len(POINTS)]
        process = processes.start()
        sink.threaten(process, point, source.randrange(min(pause, MOST_LETTERS_A_LIFE)))
        assert process.wait(END_SECONDS) == -signal.SIGKILL
        died[point] += 1
    return died
