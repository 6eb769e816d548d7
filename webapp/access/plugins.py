"""Plug-ins: packages that have a say in decisions, and that fill access groups.

A package declares an entry point in the group `vestibule.plugins` and implements what it wants of `Hooks`. What it says
is kept within bounds here: it is told plain values, and one that fails opens nothing.
"""

import logging
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

from pluggy import HookImpl, HookimplMarker, HookspecMarker, PluginManager

from webapp.access.facts import MemberFacts, Resource, ResourceFacts, facts_about, facts_of
from webapp.access.roles import Scope
from webapp.config import BadSetting
from webapp.errors import N_, PluginFailed
from webapp.models import SINGLE_SIGN_ON, Role

PROJECT, GROUP = "vestibule", "vestibule.plugins"
MAX_SOURCE, MAX_NAME = 100, 200
FAILED = N_("plug-in failed")

log = logging.getLogger(__name__)
hookspec = HookspecMarker(PROJECT)
hookimpl = HookimplMarker(PROJECT)


@dataclass(frozen=True)
class Opinion:
    """What a plug-in says about a decision, and why, for people to read. `plugin` is filled in for it."""

    allows: bool
    reason: str
    plugin: str = ""


@dataclass(frozen=True)
class ManagedGroup:
    """An access group that a plug-in wants a member in.

    `source` is the plug-in's name, or begins with it and a colon. `team` is a slug. `projects` are slugs of projects of
    the team; all that it owns where left out.
    """

    source: str
    team: str
    name: str
    level: Role
    projects: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        level, projects = cast(object, self.level), cast(object, self.projects)
        if not (isinstance(level, Role) and isinstance(projects, tuple | None)):
            raise TypeError("the level is a Role, and projects are a tuple")
        if not self.name.strip() or len(self.name) > MAX_NAME or len(self.source) > MAX_SOURCE:
            raise ValueError("the name is empty, or the name or the source is too long")


class Hooks:
    """What a plug-in may implement, each marked with `hookimpl`."""

    @hookspec
    def vestibule_decide(self, actor: MemberFacts, scope: Scope, resource: ResourceFacts) -> Opinion | None:
        """Say whether a member has `scope` in their organization, on a team or on a project; None abstains.

        One that denies is final; else one that allows is enough; else roles and grants decide. It is asked for every
        decision, in the midst of a transaction: answer from memory, and the same for the same question. Explanations
        also ask about members whom something blocks.
        """

    @hookspec
    def vestibule_managed_groups(self, member: MemberFacts) -> Iterable[ManagedGroup]:  # type: ignore[empty-body]  # a hookspec has none
        """Name the access groups an active member shall be in. They are taken out of all others of this source."""


@cache
def manager() -> PluginManager:
    """Return the installed plug-ins, loaded once per process.

    Raises:
        BadSetting: one cannot be loaded, or implements what there is not: without it something might be open. Or one
            is called as the source of other groups.
    """
    found = PluginManager(PROJECT)
    found.add_hookspecs(Hooks)
    try:
        found.load_setuptools_entrypoints(GROUP)
        found.check_pending()
    except Exception as error:
        raise BadSetting(f"A plug-in cannot be loaded: {type(error).__name__}: {error}") from error
    if found.has_plugin(SINGLE_SIGN_ON):
        raise BadSetting(f"A plug-in is called {SINGLE_SIGN_ON}, as what fills access groups at sign-in is.")
    return found


def told_of(member_id: int) -> MemberFacts | None:
    """Return what plug-ins that have a say are told about a member; nothing where there are none."""
    return facts_of(member_id) if manager().hook.vestibule_decide.get_hookimpls() else None


def opinions(member_id: int, scope: Scope, resource: Resource, told: MemberFacts | None = None) -> tuple[Opinion, ...]:
    """Return what plug-ins say about a member and something in their organization; a failing one denies.

    Args:
        member_id: the member.
        scope: what they want to do.
        resource: with what.
        told: what `told_of` said of the member, where much is asked about one.
    """
    asked = manager().hook.vestibule_decide.get_hookimpls()
    if not asked:
        return ()
    values = {"actor": told or facts_of(member_id), "scope": scope, "resource": facts_about(resource)}
    said = (_opinion(plugin, values) for plugin in asked)
    return tuple(opinion for opinion in said if opinion is not None)


def verdict(said: tuple[Opinion, ...]) -> bool | None:
    """Return what opinions amount to: one that denies is final, else one that allows is enough; nothing if none."""
    return all(opinion.allows for opinion in said) if said else None


def sources() -> frozenset[str]:
    """Return the names of the plug-ins that fill access groups."""
    return frozenset(plugin.plugin_name for plugin in manager().hook.vestibule_managed_groups.get_hookimpls())


def owner_of(source: str) -> str:
    """Return the name of the plug-in that a source belongs to."""
    return source.partition(":")[0]


def is_installed(source: str) -> bool:
    """Tell whether the plug-in that a source belongs to is there and fills access groups."""
    return owner_of(source) in sources()


def managed_groups(member: MemberFacts) -> tuple[ManagedGroup, ...]:
    """Return the access groups that plug-ins want an active member in.

    Raises:
        PluginFailed: one of them raised, or spoke for another source.
    """
    found: list[ManagedGroup] = []
    for plugin in manager().hook.vestibule_managed_groups.get_hookimpls():
        try:
            said = tuple(_call(plugin, {"member": member}) or ())
            if not all(_is_own(plugin, group) for group in said):
                raise TypeError
        except Exception as error:
            _log_failure(plugin, error)
            raise PluginFailed(name=plugin.plugin_name) from None
        found += said
    return tuple(found)


def _is_own(plugin: HookImpl, group: object) -> bool:
    return isinstance(group, ManagedGroup) and owner_of(group.source) == plugin.plugin_name


def _opinion(plugin: HookImpl, values: Mapping[str, object]) -> Opinion | None:
    try:
        said = _call(plugin, values)
        if said is None:
            return None
        if not (isinstance(said, Opinion) and isinstance(said.allows, bool)):
            raise TypeError
    except Exception as error:
        _log_failure(plugin, error)
        return Opinion(False, FAILED, plugin.plugin_name)
    return replace(said, plugin=plugin.plugin_name)


def _call(plugin: HookImpl, values: Mapping[str, object]) -> Any:
    return plugin.function(*(values[name] for name in plugin.argnames))


def _log_failure(plugin: HookImpl, error: Exception) -> None:
    """Log where it failed, and not what the error says: that may hold secrets."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    kind = type(error).__name__
    log.error("The plug-in %s failed: %s at %s:%s", plugin.plugin_name, kind, place.filename, place.lineno)
