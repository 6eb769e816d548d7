"""How much memory the workers of a server hold, as Linux counts it."""

import os
from collections.abc import Callable
from pathlib import Path

from tests.support.server import Server


def growth_of_workers(server: Server, act: Callable[[], None]) -> int:
    """Return by how many bytes the worker that grew most has grown after `act`."""
    before = _resident_bytes(server)
    act()
    after = _resident_bytes(server)
    return max(after[worker] - before[worker] for worker in before.keys() & after.keys())


def _resident_bytes(server: Server) -> dict[int, int]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    pages = {int(child): int(Path(f"/proc/{child}/statm").read_text().split()[1]) for child in children}
    return {child: number * os.sysconf("SC_PAGE_SIZE") for child, number in pages.items()}
