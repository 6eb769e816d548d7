"""Audit entries as sentences a person can read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from webapp.access.actor import ActorKind
from webapp.errors import N_
from webapp.http.templating import role_name
from webapp.models import AuditEntry, Role
from webapp.queries.page import Page
from webapp.services.audit import Event

OTHER = N_("%(actor)s: %(event)s, %(target)s")
SENTENCES: dict[str, str] = {
    Event.ORGANIZATION_CREATED: N_("%(actor)s created the organization %(target)s"),
    Event.ORGANIZATION_CHANGED: N_("%(actor)s changed the settings of the organization"),
    Event.MEMBER_ADDED: N_("%(actor)s added %(target)s with the role %(role)s"),
    Event.MEMBER_ROLE_CHANGED: N_("%(actor)s changed the role of %(target)s from %(role_before)s to %(role)s"),
    Event.MEMBER_SUSPENDED: N_("%(actor)s suspended %(target)s"),
    Event.MEMBER_RESTORED: N_("%(actor)s restored %(target)s"),
    Event.MEMBER_REMOVED: N_("%(actor)s removed %(target)s"),
    Event.MEMBER_LEFT: N_("%(target)s left the organization"),
    Event.MEMBER_REMOVAL_UNDONE: N_("%(actor)s undid the removal of %(target)s"),
    Event.MEMBER_JOINED: N_("%(target)s became a member with the role %(role)s"),
    Event.INVITATION_SENT: N_("%(actor)s invited %(target)s with the role %(role)s"),
    Event.INVITATION_ACCEPTED: N_("%(actor)s accepted the invitation to %(target)s"),
    Event.INVITATION_DECLINED: N_("%(actor)s declined the invitation to %(target)s"),
    Event.INVITATION_REVOKED: N_("%(actor)s revoked the invitation to %(target)s"),
    Event.INVITATION_EXPIRED: N_("The expired invitation to %(target)s was closed when %(actor)s invited again"),
    Event.INVITATION_REFUSED: N_("%(actor)s has another address and was refused the invitation to %(target)s"),
    Event.INVITATION_RESENT: N_("%(actor)s sent the invitation to %(target)s again"),
    Event.INVITATION_LINK_COPIED: N_("%(actor)s copied a link of the invitation to %(target)s"),
    Event.INVITATION_REMINDED: N_("%(target)s was reminded of the invitation"),
    Event.REQUEST_MADE: N_("%(actor)s asked that %(target)s may join"),
    Event.REQUEST_APPROVED: N_("%(actor)s approved the request of %(target)s with the role %(role)s"),
    Event.REQUEST_REJECTED: N_("%(actor)s rejected the request of %(target)s"),
    Event.ACCESS_REFUSED: N_("%(actor)s tried something their role does not allow and was refused"),
}
# By the method and the view that was refused, as the guard names them.
REFUSALS = {
    "POST invites.create": N_("%(actor)s tried to invite people and was refused"),
    "POST invites.revoke": N_("%(actor)s tried to revoke an invitation and was refused"),
}


@dataclass(frozen=True)
class EntryRow:
    """One line of the audit log."""

    id: int
    sequence: int
    sentence: str
    created_at: datetime
    actor_name: str
    ip: str | None
    event: str


def described(page: Page[AuditEntry]) -> Page[EntryRow]:
    """Return a page of entries with their sentences."""
    return Page([_row(entry) for entry in page.rows], page.next, page.is_first)


def _row(entry: AuditEntry) -> EntryRow:
    actor = _actor_name(entry)
    roles = {"role": _role(entry.after), "role_before": _role(entry.before)}
    text = _(_sentence(entry), actor=actor, target=entry.target_name, event=entry.event, **roles)
    return EntryRow(entry.id, entry.sequence, text, entry.created_at, actor, entry.ip, entry.event)


def _sentence(entry: AuditEntry) -> str:
    """Return the sentence of an entry; one of a newer version, read by an older one, has only a plain one."""
    if entry.event == Event.ACCESS_REFUSED and entry.target_name in REFUSALS:
        return REFUSALS[entry.target_name]
    return SENTENCES.get(entry.event, OTHER)


def _actor_name(entry: AuditEntry) -> str:
    if entry.actor_kind == ActorKind.VISITOR:
        return str(_("Somebody with the link"))
    return entry.actor_name


def _role(values: Mapping[str, Any] | None) -> str:
    name = (values or {}).get("role")
    return role_name(Role[name.upper()]) if name else ""
