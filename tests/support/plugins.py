"""Plug-ins of the tests: registered with the very manager the application asks, or installed as packages are."""

import tomllib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from webapp.access import plugins
from webapp.access.facts import MemberFacts, ResourceFacts
from webapp.access.plugins import ManagedGroup, Opinion, hookimpl
from webapp.access.roles import Scope

SAMPLE = Path(__file__).parents[2] / "docs/plugins/contractors"


YES, NO = Opinion(True, "because"), Opinion(False, "not today")


class Decider:
    """Has the same opinion of everything, and remembers what it was asked."""

    def __init__(self, opinion: object) -> None:
        self.opinion = opinion
        self.asked: list[tuple[MemberFacts, Scope, ResourceFacts]] = []

    @hookimpl
    def vestibule_decide(self, actor: MemberFacts, scope: Scope, resource: ResourceFacts) -> object:
        """Return the opinion, or raise it."""
        self.asked.append((actor, scope, resource))
        if isinstance(self.opinion, Exception):
            raise self.opinion
        return self.opinion


class Keeper:
    """Keeps one thing, by its slug, from being changed by anybody; says nothing about other scopes and things."""

    def __init__(self, scope: Scope, slug: str) -> None:
        self.kept = scope, slug

    @hookimpl
    def vestibule_decide(self, scope: Scope, resource: ResourceFacts) -> Opinion | None:
        """Deny the scope on the thing."""
        return NO if (scope, resource.slug) == self.kept else None


class Filler:
    """Wants those whose addresses are listed in groups; an error in the place of groups is raised."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self.wanted = wanted

    @hookimpl
    def vestibule_managed_groups(self, member: MemberFacts) -> Iterable[ManagedGroup]:
        """Return the groups listed for the member's address."""
        wanted: list[ManagedGroup] = self.wanted.get(member.email or "", [])
        if isinstance(wanted, Exception):
            raise wanted
        return wanted


@contextmanager
def installed(**named: object) -> Iterator[None]:
    """Have these plug-ins, by name, within the block."""
    with ExitStack() as stack:
        for name, plugin in named.items():
            plugins.manager().register(plugin, name)
            stack.callback(plugins.manager().unregister, plugin)
        yield


def install(folder: Path, name: str, entry_points: dict[str, str]) -> None:
    """Write what an installer writes beside a package, so that its entry points are found in `folder`."""
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{entry} = {module}\n" for entry, module in entry_points.items()]
    (about / "entry_points.txt").write_text(f"[{plugins.GROUP}]\n{''.join(lines)}")


def install_sample(folder: Path) -> list[str]:
    """Install the sample of the documentation; return what `sys.path` needs."""
    project = tomllib.loads((SAMPLE / "pyproject.toml").read_text())["project"]
    install(folder, "vestibule_contractors", project["entry-points"][plugins.GROUP])
    return [str(SAMPLE), str(folder)]
