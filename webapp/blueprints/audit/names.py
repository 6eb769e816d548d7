"""What events, their families and the fields of entries are called."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.errors import N_
from webapp.http.days import day
from webapp.http.templating import exact, role_name
from webapp.models import Enforcement, FlowPurpose, Joining, Role
from webapp.models.member import last_day
from webapp.queries.audit import MOST_NAMED
from webapp.services.audit import Event

FAMILY_NAMES = {
    "organization": N_("The organization"),
    "member": N_("Members"),
    "invitation": N_("Invitations"),
    "request": N_("Requests"),
    "team": N_("Teams"),
    "project": N_("Projects"),
    "group": N_("Access groups"),
    "sso": N_("Single sign-on"),
    "access": N_("Refused access"),
}
EVENT_NAMES: dict[str, str] = {
    Event.ORGANIZATION_CREATED: N_("Created"),
    Event.ORGANIZATION_CHANGED: N_("Settings changed"),
    Event.MEMBER_JOINED: N_("Joined"),
    Event.MEMBER_ADDED: N_("Added"),
    Event.MEMBER_RENAMED: N_("Renamed"),
    Event.MEMBER_ROLE_CHANGED: N_("Role changed"),
    Event.MEMBER_SUSPENDED: N_("Suspended"),
    Event.MEMBER_RESTORED: N_("Restored"),
    Event.MEMBER_END_CHANGED: N_("End changed"),
    Event.MEMBER_REMOVED: N_("Removed"),
    Event.MEMBER_LEFT: N_("Left"),
    Event.MEMBER_REMOVAL_UNDONE: N_("Removal undone"),
    Event.INVITATION_SENT: N_("Sent"),
    Event.INVITATION_ACCEPTED: N_("Accepted"),
    Event.INVITATION_DECLINED: N_("Declined"),
    Event.INVITATION_REVOKED: N_("Revoked"),
    Event.INVITATION_EXPIRED: N_("Expired"),
    Event.INVITATION_REFUSED: N_("Refused to another address"),
    Event.INVITATION_SUPERSEDED: N_("Replaced"),
    Event.INVITATION_RESENT: N_("Sent again"),
    Event.INVITATION_LINK_COPIED: N_("Link copied"),
    Event.INVITATION_REMINDED: N_("Reminded"),
    Event.REQUEST_MADE: N_("Made"),
    Event.REQUEST_APPROVED: N_("Approved"),
    Event.REQUEST_REJECTED: N_("Rejected"),
    Event.MEMBER_ACCESS_CHANGED: N_("Access changed"),
    Event.TEAM_CREATED: N_("Created"),
    Event.TEAM_CHANGED: N_("Renamed"),
    Event.TEAM_REMOVED: N_("Removed"),
    Event.TEAM_MEMBER_ADDED: N_("Member added"),
    Event.TEAM_MEMBER_REMOVED: N_("Member taken out"),
    Event.PROJECT_CREATED: N_("Created"),
    Event.PROJECT_CHANGED: N_("Changed"),
    Event.PROJECT_ARCHIVED: N_("Archived"),
    Event.PROJECT_UNARCHIVED: N_("Taken out of the archive"),
    Event.PROJECT_REMOVED: N_("Removed"),
    Event.GROUP_CREATED: N_("Created"),
    Event.GROUP_CHANGED: N_("Changed"),
    Event.GROUP_REMOVED: N_("Removed"),
    Event.GROUP_MEMBER_ADDED: N_("Member added"),
    Event.GROUP_MEMBER_REMOVED: N_("Member taken out"),
    Event.SSO_ENABLED: N_("Put to use"),
    Event.SSO_DISABLED: N_("Taken out of use"),
    Event.SSO_EDITED: N_("Connection or rules changed"),
    Event.SSO_LINKED: N_("Linked"),
    Event.SSO_UNLINKED: N_("Unlinked"),
    Event.SSO_INVALIDATED: N_("No longer vouched for"),
    Event.SSO_REFUSED: N_("Refused"),
    Event.SSO_REMINDED: N_("Reminded"),
    Event.SSO_ENFORCED: N_("Required or not"),
    Event.SSO_BYPASSED: N_("Bypassed"),
    Event.SSO_DOMAIN_PROVEN: N_("Domain proven"),
    Event.SSO_DOMAIN_LOST: N_("Proof of a domain lost"),
    Event.SSO_MAPPED: N_("Claim mapping added"),
    Event.SSO_UNMAPPED: N_("Claim mapping removed"),
    Event.SSO_DISCARDED: N_("Set-up discarded"),
    Event.SSO_CODES_MADE: N_("Recovery codes made"),
    Event.SSO_CODE_USED: N_("Recovery code used"),
    Event.ACCESS_REFUSED: N_("Refused"),
}
FIELD_NAMES = {
    "address_match_required": N_("Nobody may accept with another address"),
    "claim": N_("Claim"),
    "claimed": N_("Address that the provider named"),
    "client_id": N_("Client ID"),
    "codes_left": N_("Recovery codes left"),
    "default_role": N_("Role of those who join"),
    "domain": N_("Domain"),
    "domains": N_("Domains"),
    "email": N_("Email address"),
    "enforcement": N_("Must members come through the provider?"),
    "expires_at": N_("Expires"),
    "groups": N_("Access groups, by number"),
    "impact": N_("Effect on access"),
    "has_global_access": N_("Global access"),
    "hosted_domain": N_("Domain of your Workspace"),
    "issuer": N_("Issuer address"),
    "joining": N_("Who may come in"),
    "kind": N_("Kind of provider"),
    "last_day": N_("Membership ends"),
    "invitation_lifetime_days": N_("Days an invitation lives"),
    "invitation_reminders": N_("Reminders of invitations"),
    "is_address_proven": N_("Address proven"),
    "join_requests_allowed": N_("Requests to join"),
    "members_may_invite": N_("Members may invite"),
    "left_out": N_("Left out"),
    "level": N_("Level"),
    "member": N_("Member"),
    "member_id": N_("Number of the membership"),
    "members": N_("Members"),
    "name": N_("Name"),
    "organization": N_("Organization on GitHub"),
    "organization_id": N_("Number of the organization on GitHub"),
    "people": N_("People"),
    "projects": N_("Projects, by number"),
    "provider": N_("Identity provider"),
    "purpose": N_("Purpose"),
    "reason": N_("Reason"),
    "reference": N_("Reference"),
    "required_from": N_("From this day on"),
    "role": N_("Role"),
    "secret_entered": N_("Client secret entered"),
    "slug": N_("Name in addresses"),
    "source": N_("Source"),
    "status": N_("Status"),
    "subject": N_("Known to the provider as"),
    "team_id": N_("Number of the team"),
    "teams": N_("Teams, by number"),
    "tenant": N_("Directory (tenant) ID"),
    "until": N_("Until"),
    "user_id": N_("Number of the account"),
    "value": N_("Value"),
    "verification_days": N_("Days a sign-in counts"),
}
STATUS_NAMES = {
    "active": N_("Active"),
    "suspended": N_("Suspended"),
    "requested": N_("Requested"),
    "pending": N_("Pending"),
    "accepted": N_("Accepted"),
    "declined": N_("Declined"),
    "revoked": N_("Revoked"),
}
PURPOSE_NAMES = {
    FlowPurpose.SETUP: N_("Set-up"),
    FlowPurpose.SIGN_IN: N_("Sign-in"),
    FlowPurpose.LINK: N_("Linking"),
}
JOINING_NAMES: dict[str, str] = {
    Joining.INVITED: N_("Only people who are invited"),
    Joining.ALLOWED: N_("Also everybody of these domains"),
}
ENFORCEMENT_NAMES = {
    Enforcement.OFF: N_("Off"),
    Enforcement.OPTIONAL: N_("Optional"),
    Enforcement.REQUIRED: N_("Required"),
}
# The events that an organization's chain may hold, by the first half of their names.
FAMILIES: dict[str, tuple[str, ...]] = {
    family: tuple(event.value for event in Event if event.value.startswith(f"{family}.")) for family in FAMILY_NAMES
}


@dataclass(frozen=True)
class ChangeRow:
    """One value that an entry speaks of, before and after; empty where there was none."""

    field: str
    before: str
    after: str


def families() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return each family of events, what it is called, and its events with what they are called."""
    return [
        (family, _(FAMILY_NAMES[family]), [(event, _(EVENT_NAMES.get(event, event))) for event in events])
        for family, events in FAMILIES.items()
    ]


def changes(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, people: Mapping[int, str], *, is_of_member: bool
) -> list[ChangeRow]:
    """Return the values of an entry side by side, but for those that are the same after as before.

    Args:
        before: the values as they were.
        after: the values as they are since.
        people: the names of members by number.
        is_of_member: whether they are those of a membership, whose end is said by its last day.
    """
    old, new = before or {}, after or {}
    if is_of_member:
        old, new = _by_last_day(old), _by_last_day(new)
    names = [name for name in sorted({*old, *new}) if not (name in old and name in new and old[name] == new[name])]
    return [ChangeRow(_field(name), _value(name, old, people), _value(name, new, people)) for name in names]


def _by_last_day(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"last_day" if name == "expires_at" else name: value for name, value in values.items()}


def _field(name: str) -> str:
    return str(_(FIELD_NAMES[name])) if name in FIELD_NAMES else name


def _value(name: str, values: Mapping[str, Any], people: Mapping[int, str]) -> str:
    value = values.get(name)
    if name == "members":
        return _people(value or (), people)
    if value is None:
        return ""
    if isinstance(value, dict):
        return str(ngettext("%(num)s person concerned", "%(num)s people concerned", value.get("people", 0)))
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return visible(SHOWN.get(name, str)(text))


def shown(name: str, values: Mapping[str, Any]) -> str:
    """Return one value of an entry as its details show it; empty where there is none."""
    return _value(name, values, {})


def _people(numbers: Sequence[int], people: Mapping[int, str]) -> str:
    """Return the names of members; whoever is gone for good has a number only."""
    named = ", ".join(visible(people.get(number, f"#{number}")) for number in numbers[:MOST_NAMED])
    more = len(numbers) - MOST_NAMED
    if more <= 0:
        return named
    return str(ngettext("%(names)s and %(num)s more", "%(names)s and %(num)s more", more, names=named))


def _role(label: str) -> str:
    return role_name(Role[label.upper()]) if label.upper() in Role.__members__ else label


def _status(status: str) -> str:
    return str(_(STATUS_NAMES[status])) if status in STATUS_NAMES else status


def _purpose(name: str) -> str:
    return str(_(PURPOSE_NAMES[FlowPurpose(name)])) if name in PURPOSE_NAMES else name


def _joining(name: str) -> str:
    return str(_(JOINING_NAMES[name])) if name in JOINING_NAMES else name


def _enforcement(name: str) -> str:
    return str(_(ENFORCEMENT_NAMES[Enforcement(name)])) if name in ENFORCEMENT_NAMES else name


def _reason(sentence: str) -> str:
    return str(_(sentence)) if sentence else ""


def _moment(text: str) -> str:
    try:
        return exact(datetime.fromisoformat(text))
    except ValueError:
        return text


def _last_day(text: str) -> str:
    try:
        return day(last_day(datetime.fromisoformat(text)))
    except ValueError:
        return text


SHOWN: dict[str, Callable[[str], str]] = {
    "default_role": _role,
    "enforcement": _enforcement,
    "expires_at": _moment,
    "joining": _joining,
    "last_day": _last_day,
    "level": _role,
    "purpose": _purpose,
    "reason": _reason,
    "required_from": _moment,
    "role": _role,
    "status": _status,
    "until": _moment,
}


def visible(text: str) -> str:
    """Return text in which line breaks, escape sequences and whatever else cannot be seen are spelled out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
