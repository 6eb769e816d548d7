"""Audit entries as sentences a person can read."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from webapp.access.actor import ActorKind
from webapp.errors import N_
from webapp.http.templating import role_name
from webapp.models import AuditEntry, Role
from webapp.queries.page import Page
from webapp.services.audit import Event

SENTENCES = {
    Event.ORGANIZATION_CREATED: N_("%(actor)s created the organization %(target)s"),
    Event.MEMBER_JOINED: N_("%(target)s became a member with the role %(role)s"),
    Event.INVITATION_SENT: N_("%(actor)s invited %(target)s with the role %(role)s"),
    Event.INVITATION_ACCEPTED: N_("%(actor)s accepted the invitation to %(target)s"),
    Event.INVITATION_DECLINED: N_("%(actor)s declined the invitation to %(target)s"),
    Event.INVITATION_REVOKED: N_("%(actor)s revoked the invitation to %(target)s"),
    Event.INVITATION_EXPIRED: N_("The expired invitation to %(target)s was closed when %(actor)s invited again"),
    Event.ACCESS_REFUSED: N_("%(actor)s was refused: %(target)s"),
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
    sentence = SENTENCES.get(Event(entry.event), N_("%(actor)s: %(event)s %(target)s."))
    text = _(sentence, actor=actor, target=entry.target_name, role=_role(entry), event=entry.event)
    return EntryRow(entry.id, entry.sequence, text, entry.created_at, actor, entry.ip, entry.event)


def _actor_name(entry: AuditEntry) -> str:
    if entry.actor_kind == ActorKind.VISITOR:
        return str(_("Somebody with the link"))
    return entry.actor_name


def _role(entry: AuditEntry) -> str:
    name = (entry.after or {}).get("role")
    return role_name(Role[name.upper()]) if name else ""
