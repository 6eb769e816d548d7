"""The rows of the Members and Pending tabs, filled into the pieces of HTML that the rows of each share."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import Any, Protocol

from flask_babel import ngettext
from markupsafe import escape

from webapp.http.days import day
from webapp.http.reasons import Reason
from webapp.http.templating import NOTHING, TICKED, Filled, Filling, Html, avatar, filled, joined, moments, translated
from webapp.models import MemberStatus, Role
from webapp.models.member import has_ended, last_day
from webapp.queries.invitations import InvitationRow, State
from webapp.queries.members import ListedStatus, MemberRow
from webapp.queries.teams import TeamNames

Lines = Callable[[Any, str], Html]
"""What a template calls with its pieces and the address that those of the rows begin with."""


class MemberPieces(Protocol):
    """What `members/_member_pieces.html` sets."""

    plain_row: Html
    row_with_reason: Html
    rows_with_menu: Mapping[MemberStatus, Html]
    role_badges: Mapping[Role, Html]
    standings: Mapping[ListedStatus, Html]
    ends: Mapping[bool, Html]
    you: Html
    unproven: Html
    not_yet: Html
    all_teams: Html
    no_team: Html
    several_teams: Html
    and_others: Html


class PendingPieces(Protocol):
    """What `members/_pending_pieces.html` sets."""

    plain_row: Html
    row_above: Html
    row_of_others: Html
    rows_with_actions: Mapping[bool, Html]
    role_badges: Mapping[Role, Html]
    letters: Mapping[str, Html]
    letter_error: Html
    by: Html
    nobody: Html
    standing: Mapping[str, Html]


def member_lines(
    rows: Sequence[MemberRow],
    teams: Mapping[int, TeamNames],
    reasons: Mapping[int, Reason] | None,
    chosen: Collection[int],
) -> Lines:
    """Return the rows of the Members tab, ready to be filled in.

    Args:
        rows: what they show.
        teams: the teams of those who are restricted to some, by the id of each member.
        reasons: why the viewer cannot change some of them, by id; nothing where they can change nobody.
        chosen: the ids of those that are ticked.
    """

    def lines(pieces: MemberPieces, base: str) -> Iterator[Html]:
        moment, start = moments(), escape(base)
        for row in rows:
            why = reasons.get(row.id) if reasons is not None else None
            values = _member_values(row, teams.get(row.id), pieces, moment)
            values |= {"base": start, "reason": translated(why.label) if why else NOTHING}
            values["chosen"] = TICKED if row.id in chosen else NOTHING
            yield filled(_member_piece(row, why, pieces, may_change=reasons is not None), values)

    return lambda pieces, base: joined(lines(pieces, base))


def _member_piece(row: MemberRow, why: Reason | None, pieces: MemberPieces, *, may_change: bool) -> Html:
    if not may_change:
        return pieces.plain_row
    return pieces.row_with_reason if why else pieces.rows_with_menu[row.status]


def _member_values(
    row: MemberRow, teams: TeamNames | None, pieces: MemberPieces, moment: Callable[[datetime], Html]
) -> Filled:
    return {
        "id": row.id,
        "name": escape(row.name),
        "email": escape(row.email),
        "avatar": avatar(row.name),
        "you": pieces.you if row.is_you else NOTHING,
        "unproven": NOTHING if row.is_verified else pieces.unproven,
        "role": pieces.role_badges[row.role],
        "status": _standing(row, pieces),
        "teams": pieces.all_teams if row.has_global_access else _teams(teams, pieces),
        "joined": moment(row.joined_at),
        "last_active": moment(row.last_active_at) if row.last_active_at else pieces.not_yet,
    }


def _standing(row: MemberRow, pieces: MemberPieces) -> Html:
    """Return the status, with the last day where there is one."""
    badge = pieces.standings[row.standing]
    if row.expires_at is None:
        return badge
    return badge + filled(pieces.ends[has_ended(row.expires_at)], {"day": escape(day(last_day(row.expires_at)))})


def _teams(teams: TeamNames | None, pieces: MemberPieces) -> Html:
    if teams is None:
        return pieces.no_team
    if not teams.groups:
        return _named(teams, pieces)
    groups = escape(ngettext("%(num)s access group", "%(num)s access groups", teams.groups))
    return _named(teams, pieces) + escape(", ") + groups if teams.total else groups


def _named(teams: TeamNames, pieces: MemberPieces) -> Html:
    if teams.total == 1:
        return escape(teams.names[0])
    names = escape(", ".join(teams.names)) + (pieces.and_others if teams.total > len(teams.names) else NOTHING)
    number = escape(ngettext("%(num)s team", "%(num)s teams", teams.total))
    return filled(pieces.several_teams, {"number": number, "names": names})


def pending_lines(
    rows: Sequence[InvitationRow],
    offers: Mapping[int, str],
    grantable: Set[Role] | None,
    closed: Collection[int],
    chosen: Collection[int],
) -> Lines:
    """Return the rows of the Pending tab, ready to be filled in.

    Args:
        rows: what they show.
        offers: what each invitation offers, in words, by its id.
        grantable: the roles that the viewer may give; nothing where they may not invite.
        closed: the ids of those that offer more than the viewer may give, and that somebody else sent.
        chosen: the ids of those that are ticked.
    """

    def lines(pieces: PendingPieces, base: str) -> Iterator[Html]:
        moment, start = moments(), escape(base)
        for row in rows:
            values = _pending_values(row, pieces, moment)
            values |= {"base": start, "offers": escape(offers[row.id])}
            values["chosen"] = TICKED if row.id in chosen else NOTHING
            yield filled(_pending_piece(row, grantable, closed, pieces), values)

    return lambda pieces, base: joined(lines(pieces, base))


def _pending_piece(
    row: InvitationRow, grantable: Set[Role] | None, closed: Collection[int], pieces: PendingPieces
) -> Html:
    if grantable is None:
        return pieces.plain_row
    if row.role not in grantable:
        return pieces.row_above
    return pieces.row_of_others if row.id in closed else pieces.rows_with_actions[row.state is State.PENDING]


def _pending_values(row: InvitationRow, pieces: PendingPieces, moment: Callable[[datetime], Html]) -> Filled:
    expires: Filling = {"expires": moment(row.expires_at)}
    error = _error(row) if row.letter_state == "failed" else NOTHING
    return {
        "id": row.id,
        "email": escape(row.email),
        "by": filled(pieces.by, {"name": escape(row.invited_by)}) if row.invited_by else pieces.nobody,
        "created": moment(row.created_at),
        "role": pieces.role_badges[row.role],
        "letter": pieces.letters[row.letter_state],
        "letter_error": filled(pieces.letter_error, {"error": error}) if error else NOTHING,
        "standing": filled(pieces.standing[row.state], expires),
    }


def _error(row: InvitationRow) -> Html:
    """Return why the letter did not leave, in the language of the page where it is known in any."""
    if row.letter_faults:
        return escape(" ").join(translated(message, **values) for message, values in row.letter_faults)
    return escape(row.letter_error or "")
