"""What led to a decision, and what would turn it, as sentences for people: for pages and for the command line."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from webapp.access.grants import Path
from webapp.access.opposite import Opposite
from webapp.access.plugins import Opinion
from webapp.errors import N_
from webapp.models import Role

# By the kind of a grant: it in a sentence, in a list beside its level, and all grants of the kind, to choose from.
PATHS = {
    "global": N_("global access, at the level %(level)s"),
    "team": N_("the team %(name)s, at the level %(level)s"),
    "group": N_("the access group %(name)s, at the level %(level)s"),
}
REASONS = {
    "global": N_("Global access"),
    "team": N_("Team %(name)s"),
    "group": N_("Access group %(name)s"),
}
WAYS = {
    "global": N_("Global access"),
    "team": N_("A team"),
    "group": N_("An access group"),
}
# What would give it, by the kind of a grant: whatever one's role is, and where the lowest does not do.
GIVING = {
    "team": N_("being in a team that owns the project: %(teams)s"),
    "group": N_("being in an access group that holds the project"),
    "global": N_("global access"),
}
GIVING_MORE = {
    "team": N_("being in a team that owns the project, with the role %(level)s or above: %(teams)s"),
    "group": N_("being in an access group that holds the project, at the level %(level)s or above"),
    "global": N_("global access, with the role %(level)s or above"),
}
# What lets a member open some project, by the kind of a grant.
OPENING = {
    "team": N_("being in a team that owns it"),
    "group": N_("being in an access group that holds it"),
    "global": N_("global access"),
}
OF_TEAMS = "%(teams)s"
MOST_TEAMS = 3
# By the kind of a blocker.
BLOCKERS = {
    "account_closed": N_("the account is closed"),
    "suspended": N_("the membership is suspended"),
    "ended": N_("the membership has ended"),
    "sso_required": N_("single sign-on is required, and the provider has not vouched for them of late"),
    "archived": N_("the project is archived, so it can only be read"),
}
OPINIONS = {
    True: N_("the plug-in %(name)s says yes: %(reason)s"),
    False: N_("the plug-in %(name)s says no: %(reason)s"),
}
WITHOUT_IT = {
    False: N_("The answer would be no without this:"),
    True: N_("The answer would be yes without this:"),
}
WITHOUT_ALL = {
    False: N_("To end one of these is not enough. The answer would be no without all of them:"),
    True: N_("To end one of these is not enough. The answer would be yes without all of them:"),
}
FIRST = N_("These would have to go before any grant counts:")
NO_GRANT = N_("No grant gives anything. One at the level %(missing)s is needed. Any of these gives it:")
FIRST_A_MEMBER = N_("They would have to become a member of the organization first.")
TOO_LOW = N_("The grants give the level %(highest)s. One at the level %(missing)s is needed.")


Value = str | Role | tuple[str, ...]
"""A text, a role or level, or names of which the first few are listed."""


@dataclass(frozen=True)
class Sentence:
    """A message marked for translation, and the values for its placeholders."""

    message: str
    params: Mapping[str, Value] = field(default_factory=dict)

    def said(
        self,
        translate: Callable[[str], str],
        role_name: Callable[[Role], str],
        first_of: Callable[[Sequence[str], int], str],
    ) -> str:
        """Return it in a language.

        Args:
            translate: what the message is in it.
            role_name: what roles and levels are called in it.
            first_of: how the first of some names are listed in it, and how many more there are.
        """

        def shown(value: Value) -> str:
            if isinstance(value, Role):
                return role_name(value)
            return value if isinstance(value, str) else first_of(value, MOST_TEAMS)

        return translate(self.message) % {name: shown(value) for name, value in self.params.items()}

    def __str__(self) -> str:
        return self.said(str, lambda role: role.label, _first_of)


def _first_of(names: Sequence[str], most: int) -> str:
    named, more = ", ".join(names[:most]), len(names) - most
    return f"{named} and {more} more" if more > 0 else named


def path(of: Path) -> Sentence:
    """Return a grant in words."""
    return Sentence(PATHS[of.kind], {"name": of.name, "level": of.level})


def blocker(kind: str) -> Sentence:
    """Return a blocker in words."""
    return Sentence(BLOCKERS[kind])


def opinion(of: Opinion) -> Sentence:
    """Return what a plug-in says in words; the reason is its own."""
    return Sentence(OPINIONS[of.allows], {"name": of.plugin, "reason": of.reason})


def giving(level: Role, teams: Sequence[str]) -> list[Sentence]:
    """Return each grant that would give a project at a level, in words.

    Args:
        level: which.
        teams: those that own the project, by name; the first few are named, and where there is none, no such way is.
    """
    ways = GIVING if level is min(Role) else GIVING_MORE
    values: dict[str, Value] = {"level": level, "teams": tuple(teams)}
    return [Sentence(message, values) for message in ways.values() if teams or OF_TEAMS not in message]


def ways(of: Opposite, teams: Sequence[str]) -> list[Sentence]:
    """Return each grant that would turn a no, in words; nothing where some grant is there, of too low a level.

    Args:
        of: what would turn it.
        teams: those that own the project, by name.
    """
    return giving(of.missing, teams) if of.missing and not of.highest else []


def opening() -> list[Sentence]:
    """Return each grant that lets a member open some project, in words."""
    return [Sentence(message) for message in OPENING.values()]


def opposite(of: Opposite, teams: Sequence[str]) -> Iterator[tuple[Sentence, list[Sentence]]]:
    """Yield what would turn a decision: sentences, each with the list it announces, which may be empty.

    Args:
        of: what would.
        teams: those that own the project, by name.
    """
    listed = [*map(path, of.paths), *map(blocker, of.blockers), *map(opinion, of.opinions)]
    if listed:
        yield _heading(of, len(listed)), listed
    if not of.is_member:
        yield Sentence(FIRST_A_MEMBER), []
    if of.missing and of.highest:
        yield Sentence(TOO_LOW, {"highest": of.highest, "missing": of.missing}), []
    elif of.missing:
        yield Sentence(NO_GRANT, {"missing": of.missing}), ways(of, teams)


def _heading(of: Opposite, length: int) -> Sentence:
    if of.missing:
        return Sentence(FIRST)
    return Sentence((WITHOUT_IT if length == 1 else WITHOUT_ALL)[of.answer])
