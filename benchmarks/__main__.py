"""`make bench`: requests a second of the real server, as ratios to a bare Flask view on it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from benchmarks.seed import Seeded, organization_of
from tests.support.databases import postgres_server
from tests.support.server import Server, free_port, stop, wait_until_ready
from tests.support.settings import environment_for
from webapp import create_app, schema
from webapp.config import Settings

SIZES = (100, 10_000)
CONNECTIONS = 16
SECONDS = 5
WARM_UP_SECONDS = 2


def main() -> None:
    """Print a table for each database."""
    if shutil.which("wrk") is None:
        sys.exit("make bench needs wrk, an HTTP load generator (apt-get install wrk).")
    with tempfile.TemporaryDirectory() as folder:
        measure("SQLite", f"sqlite:///{folder}/bench.db", Path(folder))
        with postgres_server() as url:
            measure("PostgreSQL", url.render_as_string(hide_password=False), Path(folder))


def measure(database: str, url: str, folder: Path) -> None:
    """Seed one database, serve it, and print a line for each page."""
    environment = environment_for(url, folder)
    app = create_app(Settings.from_environment(environment))
    schema.upgrade(app)
    organizations = {size: organization_of(app, size) for size in SIZES}
    with served(environment, folder) as server:
        bare = requests_a_second(f"{server.url}/bare/")
        print(f"{database}: a bare view answers {bare:,.0f} requests/s")
        for name, path, seeded in pages(organizations):
            rate = requests_a_second(server.url + path, cookie_of(app, seeded))
            print(f"  {name:<32} {rate:>8,.0f} requests/s   {rate / bare:.3f} of the bare view")


def pages(organizations: dict[int, Seeded]) -> Iterator[tuple[str, str, Seeded]]:
    """Yield what is measured: a name, a path, and whose organization it is in."""
    for size, seeded in organizations.items():
        members = f"/orgs/{seeded.slug}/members"
        yield f"a page with a form ({size:,})", "/forgot-password", seeded
        yield f"Members fragment ({size:,})", members, seeded
        yield f"search, common words ({size:,})", f"{members}?q=person+1", seeded
        yield f"search, nobody ({size:,})", f"{members}?q=person+zzz", seeded
        yield f"Pending fragment ({size:,})", f"{members}/pending", seeded


def cookie_of(app: Flask, seeded: Seeded) -> str:
    """Return the cookie of a browser in which the owner is signed in."""
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    if signer is None:
        raise RuntimeError("the application has no secret key")
    return f"{app.config['SESSION_COOKIE_NAME']}={signer.dumps({'token': seeded.session_token})}"


def requests_a_second(url: str, cookie: str = "") -> float:
    """Load one address with a bounded number of connections for a bounded time; return the rate."""
    headers = ["-H", f"Cookie: {cookie}", "-H", "HX-Request: true", "-H", "HX-Target: panel"]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", *headers, url]
    subprocess.run([*command, f"-d{WARM_UP_SECONDS}s"], check=True, capture_output=True)
    output = subprocess.run([*command, f"-d{SECONDS}s"], check=True, capture_output=True, text=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if found is None or "Non-2xx" in output:
        raise RuntimeError(f"{url} did not answer as it should:\n{output}")
    return float(found[1])


@contextmanager
def served(environment: dict[str, str], folder: Path) -> Iterator[Server]:
    """Run gunicorn with two sync workers on a free loopback port."""
    port = free_port()
    log_file = folder / f"bench-{port}.log"
    command = ["gunicorn", "--worker-class=sync", "--workers=2", f"--bind=127.0.0.1:{port}", "benchmarks.wsgi:app"]
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
