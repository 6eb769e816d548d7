"""`make bench`: the pages over made-up organizations, beside a bare Flask view on the same server in the same run.

The server is gunicorn with `benchmarks.wsgi` in sync workers, each of which answers one request at a time; it is not
`vestibule serve`.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from html import unescape
from itertools import cycle, islice
from pathlib import Path

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import select

from benchmarks import access, load, memory, statements
from benchmarks.load import Rate
from benchmarks.seed import COMMON_WORDS, UNKNOWN_WORD, Seeded, organization_of
from tests.support.databases import postgres_server
from tests.support.server import Server, free_port, stop, wait_until_ready
from tests.support.settings import environment_for
from tests.support.visitor import Answer, Visitor
from webapp import create_app, schema
from webapp import db as database
from webapp.access.actor import Actor
from webapp.config import Settings
from webapp.db import db
from webapp.models import Organization, OutboxMessage, Role
from webapp.services import addresses, invitations, outbox
from webapp.services.invitations import Offer

SIZES = (100, 10_000, 100_000)
FRAGMENT = {"HX-Request": "true", "HX-Target": "panel"}
WORKERS = 2
LIST_PAGES = 100
NEXT_PAGE = re.compile(r'id="page-next"[^>]* href="([^"]+)"')
ONE_BY_ONE = 100
AT_ONCE = 1000
ACCEPTED = 30
TURNS = 3
PASSWORD = "correct horse battery staple"  # noqa: S105  (of people who do not exist)
HEAD = f"{'':<34}{'requests/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'statements':>12}{'of bare':>9}"


def main() -> None:
    """Print a table for each database."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--seconds", type=int, default=5, help="how long each page is loaded")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="members of the organizations")
    parser.add_argument("--people", type=int, default=1_000_000, help="the largest organization whose access is asked")
    parser.add_argument("--access-only", action="store_true", help="leave the pages out")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("make bench needs wrk, an HTTP load generator (apt-get install wrk).")
    with tempfile.TemporaryDirectory() as folder:
        measure("SQLite", f"sqlite:///{folder}/bench.db", Path(folder), options)
        with postgres_server(durable=True) as url:
            measure("PostgreSQL", url.render_as_string(hide_password=False), Path(folder), options)


def measure(database: str, url: str, folder: Path, options: argparse.Namespace) -> None:
    """Fill one database, and print what its pages and its decisions cost."""
    environment = environment_for(url, folder)
    app = create_app(Settings.from_environment(environment))
    schema.upgrade(app)
    print(f"\n{database}")
    if not options.access_only:
        measure_server(app, environment, folder, options)
    access.print_costs(app, options.people)
    with app.app_context():
        db.engine.dispose()


def measure_server(app: Flask, environment: dict[str, str], folder: Path, options: argparse.Namespace) -> None:
    """Serve organizations of each size, and print a line for each page and each form."""
    organizations = {size: organization_of(app, size) for size in options.sizes}
    with app.app_context():
        if db.engine.dialect.name == "postgresql":  # it would do so by itself, but while it is measured
            access.settle()
    with served(environment, folder) as server:
        print(HEAD)
        for size, seeded in organizations.items():
            measure_pages(app, server, seeded, f"({size:,})", options.seconds)
            measure_forms(app, server, seeded, f"({size:,})")
        print_growth(app, server, organizations, options.seconds)
        grown = memory.growth_of_workers(server, lambda: read_lists(app, server, organizations))
        print(f"  a worker grew by at most {grown / 1e6:+.1f} MB over {LIST_PAGES} pages of lists each")


def line(name: str, rate: Rate, bare: Rate, number: int | None = None) -> None:
    """Print how fast something was."""
    ratio = rate.a_second / bare.a_second
    p99 = f"{rate.p99:,.1f}" if rate.p99 is not None else ""
    shown = f"{rate.a_second:>11,.1f}{rate.p50:>9,.1f}{p99:>9}{number if number is not None else '':>12}"
    print(f"  {name:<32}{shown}{ratio:>9.3f}", flush=True)


def measure_pages(app: Flask, server: Server, seeded: Seeded, size: str, seconds: int) -> None:
    """Print how fast the pages of an organization are, each beside a bare view loaded just before.

    Machines change pace within minutes.
    """
    for name, path, headers in pages(app, seeded):
        bare = load.of_page(f"{server.url}/bare/", {}, seconds)
        line("a bare Flask view", bare, bare)
        rate = load.of_page(server.url + path, headers, seconds)
        line(f"{name} {size}", rate, bare, statements.number_of(app, path, headers))


def pages(app: Flask, seeded: Seeded) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield what is measured: a name, a path, and the headers of the request."""
    members = f"/orgs/{seeded.slug}/members"
    cookie = {"Cookie": cookie_of(app, seeded)}
    yield "Members fragment", members, cookie | FRAGMENT
    yield "Members page", members, cookie
    yield "search, common words", f"{members}?q={COMMON_WORDS.replace(' ', '+')}", cookie | FRAGMENT
    yield "search, nobody", f"{members}?q={UNKNOWN_WORD}", cookie | FRAGMENT
    yield "Pending fragment", f"{members}/pending", cookie | FRAGMENT
    yield "sign-in page", "/login", {}


def print_growth(app: Flask, server: Server, organizations: dict[int, Seeded], seconds: int) -> None:
    """Print what each page costs in the largest organization, in times of what it costs in the smallest.

    The two are loaded by turns, and the middle of what the turns say is printed.
    """
    smallest, largest = (organizations[size] for size in (min(organizations), max(organizations)))
    for small, large in zip(pages(app, smallest), pages(app, largest), strict=True):
        turns = [load.of_page(server.url + path, headers, seconds) for _, path, headers in (small, large) * TURNS]
        costs = [cheap.a_second / dear.a_second for cheap, dear in zip(turns[::2], turns[1::2], strict=True)]
        print(f"  {small[0]:<32}{statistics.median(costs):>9.2f} times the cost of the smallest", flush=True)


def measure_forms(app: Flask, server: Server, seeded: Seeded, size: str) -> None:
    """Print how fast people are invited and accept, one after another, beside a bare view asked the same way."""
    owner = Visitor(server.url)
    owner.cookies["vestibule"] = cookie_of(app, seeded).partition("=")[2]
    bare = load.timed([partial(_read, owner, "/bare/")] * ONE_BY_ONE)
    path = f"/orgs/{seeded.slug}/members/new"
    owner.get(path)
    offer = {"role": "member", "lifetime_days": "7"}
    one = [{"emails": f"one{n}@{seeded.slug}.example.org", **offer} for n in range(ONE_BY_ONE)]
    line(f"invite one {size}", load.of_forms(owner, path, one), bare)
    many = "\n".join(f"many{n}@{seeded.slug}.example.org" for n in range(AT_ONCE))
    line(f"invite {AT_ONCE:,} {size}", load.of_forms(owner, path, [{"emails": many, **offer}]), bare)
    people = [partial(_accept, server, token) for token in invited(app, seeded, ACCEPTED)]
    line(f"accept with a new account {size}", load.timed(people), bare)


def _read(visitor: Visitor, path: str) -> Answer:
    answer = visitor.get(path)
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    return answer


def _accept(server: Server, token: str) -> None:
    """Follow the mailed link of an invitation and join."""
    newcomer = Visitor(server.url)
    path = f"/invitations/{token}"
    _read(newcomer, path)
    answer = newcomer.send(path, name="Nia Newcomer", password=PASSWORD, accept="1")
    if answer.status != 303:
        raise RuntimeError(f"joining answered {answer.status}:\n{answer.text[:2000]}")


def invited(app: Flask, seeded: Seeded, number: int) -> list[str]:
    """Invite so many people and return the tokens of their letters."""

    def invite() -> list[str]:
        organization = db.session.scalars(select(Organization).where(Organization.slug == seeded.slug)).one()
        wanted = [addresses.parse(f"joining{n}@{seeded.slug}.example.org") for n in range(number)]
        offered = invitations.invite_all(Actor.system(), organization, wanted, Offer(Role.MEMBER, 7))
        letters = [db.session.get_one(OutboxMessage, invitation.letter_id) for invitation in offered]
        return [db.vault.open(outbox.seal_name(letter), letter.secret or "") for letter in letters]

    with app.app_context():
        return database.perform(invite, write=True)


def read_lists(app: Flask, server: Server, organizations: dict[int, Seeded]) -> None:
    """Read so many pages of lists for each worker, going on to the next page where there is one."""
    owners = {seeded: Visitor(server.url) for seeded in organizations.values()}
    for seeded, owner in owners.items():
        owner.cookies["vestibule"] = cookie_of(app, seeded).partition("=")[2]
    lists = cycle((seeded, path) for seeded in owners for path in ("members", "members/pending", "audit"))
    for seeded, path in islice(lists, WORKERS * LIST_PAGES // 2):
        address = f"/orgs/{seeded.slug}/{path}"
        found = NEXT_PAGE.search(_read(owners[seeded], address).text)
        _read(owners[seeded], unescape(found[1]) if found else address)


def cookie_of(app: Flask, seeded: Seeded) -> str:
    """Return the cookie of a browser in which the owner is signed in."""
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    if signer is None:
        raise RuntimeError("the application has no secret key")
    return f"{app.config['SESSION_COOKIE_NAME']}={signer.dumps({'token': seeded.session_token})}"


@contextmanager
def served(environment: dict[str, str], folder: Path) -> Iterator[Server]:
    """Run gunicorn with two sync workers on a free loopback port."""
    port = free_port()
    log_file = folder / f"bench-{port}.log"
    command = [
        "gunicorn",
        "--worker-class=sync",
        f"--workers={WORKERS}",
        f"--bind=127.0.0.1:{port}",
        "benchmarks.wsgi:app",
    ]
    program = str(Path(sys.executable).with_name(command[0]))
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [program, *command[1:]],
            env={**os.environ, **environment, "PYTHONPATH": "."},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(f"http://127.0.0.1:{port}", process, log_file)
    try:
        wait_until_ready(server)
        yield server
    finally:
        stop(process)


if __name__ == "__main__":
    main()
