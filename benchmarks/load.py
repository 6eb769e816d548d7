"""How fast addresses of a running server answer: GETs from many connections by wrk, forms one after another."""

import re
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tests.support.visitor import Visitor

CONNECTIONS = 16
WARM_UP_SECONDS = 2
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Rate:
    """Requests a second, and how long half and 99 of 100 of them took, in milliseconds; of one alone nobody can say."""

    a_second: float
    p50: float
    p99: float | None


def of_page(url: str, headers: Mapping[str, str], seconds: int) -> Rate:
    """Load one address with a bounded number of connections for a bounded number of seconds.

    Raises:
        RuntimeError: it did not answer as it should.
    """
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", "--latency", *given, url]
    subprocess.run([*command, f"-d{WARM_UP_SECONDS}s"], check=True, capture_output=True)
    output = subprocess.run([*command, f"-d{seconds}s"], check=True, capture_output=True, text=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if rate is None or "Non-2xx" in output:
        raise RuntimeError(f"{url} did not answer as it should:\n{output}")
    return Rate(float(rate[1]), _latency(output, 50), _latency(output, 99))


def _latency(output: str, percent: int) -> float:
    found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s)\s*$", output, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"wrk tells no latency:\n{output}")
    return float(found[1]) * UNITS[found[2]]


def of_forms(visitor: Visitor, path: str, forms: list[dict[str, str]]) -> Rate:
    """Send forms one after another.

    Raises:
        RuntimeError: one was not answered by the redirect of success.
    """
    return timed([partial(_sent, visitor, path, form) for form in forms])


def _sent(visitor: Visitor, path: str, form: Mapping[str, str]) -> None:
    answer = visitor.send(path, **form)
    if answer.status != 303:
        raise RuntimeError(f"{path} answered {answer.status}:\n{answer.text[:2000]}")


def timed(steps: Sequence[Callable[[], object]]) -> Rate:
    """Run steps one after another and tell how long they took."""
    took = []
    for step in steps:
        start = time.perf_counter()
        step()
        took.append((time.perf_counter() - start) * 1000)
    ordered = sorted(took)
    p99 = ordered[int(0.99 * (len(ordered) - 1))] if len(ordered) > 1 else None
    return Rate(1000 * len(took) / sum(took), statistics.median(took), p99)
