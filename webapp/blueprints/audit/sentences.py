"""Audit entries as sentences a person can read."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from webapp.access.actor import ActorKind
from webapp.blueprints.audit.names import ChangeRow, changes, shown
from webapp.errors import N_
from webapp.http.templating import role_name
from webapp.models import Enforcement, Role
from webapp.queries.audit import Entry
from webapp.queries.page import Page
from webapp.services.audit import Event

OTHER = N_("%(actor)s: %(event)s, %(target)s")
SENTENCES: dict[str, str] = {
    Event.ORGANIZATION_CREATED: N_("%(actor)s created the organization %(target)s"),
    Event.ORGANIZATION_CHANGED: N_("%(actor)s changed the settings of the organization"),
    Event.MEMBER_ADDED: N_("%(actor)s added %(target)s with the role %(role)s"),
    Event.MEMBER_RENAMED: N_("%(actor)s is called %(target)s from now on"),
    Event.MEMBER_ROLE_CHANGED: N_("%(actor)s changed the role of %(target)s from %(role_before)s to %(role)s"),
    Event.MEMBER_SUSPENDED: N_("%(actor)s suspended %(target)s"),
    Event.MEMBER_RESTORED: N_("%(actor)s restored %(target)s"),
    Event.MEMBER_END_CHANGED: N_("%(actor)s took the end of the membership of %(target)s away"),
    Event.MEMBER_REMOVED: N_("%(actor)s removed %(target)s"),
    Event.MEMBER_LEFT: N_("%(target)s left the organization"),
    Event.MEMBER_REMOVAL_UNDONE: N_("%(actor)s undid the removal of %(target)s"),
    Event.MEMBER_JOINED: N_("%(target)s became a member with the role %(role)s"),
    Event.INVITATION_SENT: N_("%(actor)s invited %(target)s with the role %(role)s"),
    Event.INVITATION_ACCEPTED: N_("%(actor)s accepted the invitation to %(target)s"),
    Event.INVITATION_DECLINED: N_("%(actor)s declined the invitation to %(target)s"),
    Event.INVITATION_REVOKED: N_("%(actor)s revoked the invitation to %(target)s"),
    Event.INVITATION_EXPIRED: N_("%(actor)s invited or asked again, so what had expired for %(target)s was closed"),
    Event.INVITATION_REFUSED: N_("%(actor)s has another address and was refused the invitation to %(target)s"),
    Event.INVITATION_SUPERSEDED: N_(
        "What was open for %(target)s was closed because they were invited again or have joined (%(actor)s)"
    ),
    Event.INVITATION_RESENT: N_("%(actor)s sent the invitation to %(target)s again"),
    Event.INVITATION_LINK_COPIED: N_("%(actor)s copied a link of the invitation to %(target)s"),
    Event.INVITATION_REMINDED: N_("%(target)s was reminded of the invitation"),
    Event.REQUEST_MADE: N_("%(actor)s asked that %(target)s may join"),
    Event.REQUEST_APPROVED: N_("%(actor)s approved the request of %(target)s with the role %(role)s"),
    Event.REQUEST_REJECTED: N_("%(actor)s closed the request for %(target)s without inviting them"),
    Event.MEMBER_ACCESS_CHANGED: N_("%(actor)s changed what %(target)s reaches"),
    Event.TEAM_CREATED: N_("%(actor)s created the team %(target)s"),
    Event.TEAM_CHANGED: N_("%(actor)s renamed the team %(target)s"),
    Event.TEAM_REMOVED: N_("%(actor)s removed the team %(target)s"),
    Event.TEAM_MEMBER_ADDED: N_("%(actor)s added %(member)s to the team %(target)s"),
    Event.TEAM_MEMBER_REMOVED: N_("%(actor)s took %(member)s out of the team %(target)s"),
    Event.PROJECT_CREATED: N_("%(actor)s created the project %(target)s"),
    Event.PROJECT_CHANGED: N_("%(actor)s changed the project %(target)s"),
    Event.PROJECT_ARCHIVED: N_("%(actor)s archived the project %(target)s"),
    Event.PROJECT_UNARCHIVED: N_("%(actor)s took the project %(target)s out of the archive"),
    Event.PROJECT_REMOVED: N_("%(actor)s removed the project %(target)s"),
    Event.GROUP_CREATED: N_("%(actor)s created the access group %(target)s"),
    Event.GROUP_CHANGED: N_("%(actor)s changed the access group %(target)s"),
    Event.GROUP_REMOVED: N_("%(actor)s removed the access group %(target)s"),
    Event.GROUP_MEMBER_ADDED: N_("%(actor)s added %(member)s to the access group %(target)s"),
    Event.GROUP_MEMBER_REMOVED: N_("%(actor)s took %(member)s out of the access group %(target)s"),
    Event.SSO_ENABLED: N_("%(actor)s put single sign-on through %(target)s to use"),
    Event.SSO_DISABLED: N_("%(actor)s took single sign-on through %(target)s out of use"),
    Event.SSO_REMINDED: N_("%(actor)s reminded members to link their accounts with %(target)s"),
    Event.SSO_EDITED: N_("%(actor)s changed the connection to %(target)s"),
    Event.SSO_LINKED: N_("%(actor)s linked their account with the identity provider"),
    Event.SSO_UNLINKED: N_("%(actor)s unlinked their account from the identity provider"),
    Event.SSO_INVALIDATED: N_("The identity provider no longer vouches for %(target)s"),
    Event.SSO_REFUSED: N_("Somebody came back from %(target)s and was refused: %(reason)s"),
    Event.SSO_ENFORCED: N_("%(actor)s changed whether members must come through %(target)s"),
    Event.SSO_BYPASSED: N_("%(actor)s let members in without %(target)s for a while"),
    Event.SSO_DOMAIN_PROVEN: N_("%(actor)s proved a domain for single sign-on with %(target)s"),
    Event.SSO_DOMAIN_LOST: N_("%(target)s is no longer proven for single sign-on"),
    Event.SSO_MAPPED: N_("%(actor)s let a claim fill the access group %(target)s"),
    Event.SSO_UNMAPPED: N_("%(actor)s removed a claim mapping that filled the access group %(target)s"),
    Event.SSO_DISCARDED: N_("%(actor)s discarded the set-up of %(target)s"),
    Event.SSO_CODES_MADE: N_("%(actor)s made new recovery codes for when %(target)s lets nobody in"),
    Event.SSO_CODE_USED: N_("%(actor)s came in by a recovery code, without %(target)s"),
    Event.ACCESS_REFUSED: N_("%(actor)s tried something their role does not allow and was refused"),
}
# What an entry says in the history of a member who is in its target since, or not any more.
OF_MEMBER = {
    (Event.GROUP_CREATED, True): N_("%(actor)s added %(member)s to the access group %(target)s"),
    (Event.GROUP_CHANGED, True): N_("%(actor)s added %(member)s to the access group %(target)s"),
    (Event.GROUP_CHANGED, False): N_("%(actor)s took %(member)s out of the access group %(target)s"),
}
# What was chosen when it was changed whether single sign-on is required.
ENFORCED: dict[str, str] = {
    Enforcement.OFF: N_("%(actor)s switched off that members must come through %(target)s"),
    Enforcement.OPTIONAL: N_("%(actor)s made coming through %(target)s optional"),
    Enforcement.REQUIRED: N_("%(actor)s required members to come through %(target)s"),
}
ENFORCED_LATER = N_("%(actor)s required members to come through %(target)s from %(begins)s on, rehearsed until then")
# What is said where only that rule of the connection was changed; those who may join are of some domains.
RULES: dict[str, str] = {
    "joining": N_("%(actor)s changed who may join through %(target)s"),
    "domains": N_("%(actor)s changed the domains of single sign-on through %(target)s"),
    "default_role": N_("%(actor)s changed the role of those who join through %(target)s"),
    "verification_days": N_("%(actor)s changed for how many days a sign-in through %(target)s counts"),
}
BEGUN = N_("%(actor)s began to set up single sign-on")
RENEWED = N_("%(actor)s put a new client secret for %(target)s to use")
SEVERAL_RULES = N_("%(actor)s changed the rules of single sign-on through %(target)s")
# What is said of a link that its owner did not take away: the entry keeps which one it was.
TAKEN_AWAY = N_("%(actor)s took away the link of %(target)s with the identity provider")
ENDS = N_("%(actor)s set the last day of the membership of %(target)s: %(last_day)s")
REFUSED_AS = N_("Somebody came back from %(target)s as %(claimed)s and was refused: %(reason)s")
NOBODY: Mapping[int, str] = {}
# What a visitor does by asking to join, or by coming back from a provider, without any link.
WITHOUT_LINK = (Event.REQUEST_MADE, Event.INVITATION_EXPIRED, Event.SSO_REFUSED)
# By the method and the view that was refused, as the guard names them.
REFUSALS = {
    "POST invites.create": N_("%(actor)s tried to invite people and was refused"),
    "POST invites.copy_link": N_("%(actor)s tried to copy the link of an invitation and was refused"),
    "POST invites.resend": N_("%(actor)s tried to send an invitation again and was refused"),
    "POST invites.revoke": N_("%(actor)s tried to revoke an invitation and was refused"),
    "POST members.update": N_("%(actor)s tried to change a member and was refused"),
    "POST members.suspend": N_("%(actor)s tried to suspend a member and was refused"),
    "POST members.restore": N_("%(actor)s tried to restore a member and was refused"),
    "POST members.end": N_("%(actor)s tried to change when a membership ends and was refused"),
    "POST members.remove": N_("%(actor)s tried to remove a member and was refused"),
    "POST members.undo_removal": N_("%(actor)s tried to undo the removal of a member and was refused"),
    "POST members.pending_bulk": N_("%(actor)s tried to change several invitations and was refused"),
    "POST members.bulk": N_("%(actor)s tried to change several members and was refused"),
    "POST teams.new": N_("%(actor)s tried to create a team and was refused"),
    "POST teams.settings": N_("%(actor)s tried to change a team and was refused"),
    "POST teams.remove": N_("%(actor)s tried to change a team and was refused"),
    "POST teams.add": N_("%(actor)s tried to change a team and was refused"),
    "POST teams.take_out": N_("%(actor)s tried to change a team and was refused"),
    "POST groups.new": N_("%(actor)s tried to change an access group and was refused"),
    "POST groups.update": N_("%(actor)s tried to change an access group and was refused"),
    "POST groups.remove": N_("%(actor)s tried to change an access group and was refused"),
    "POST projects.new": N_("%(actor)s tried to create a project and was refused"),
    "POST projects.add": N_("%(actor)s tried to change a project and was refused"),
    "POST projects.update": N_("%(actor)s tried to change a project and was refused"),
    "POST projects.archive": N_("%(actor)s tried to change a project and was refused"),
    "POST projects.unarchive": N_("%(actor)s tried to change a project and was refused"),
    "POST projects.remove": N_("%(actor)s tried to change a project and was refused"),
    "POST requests.approve": N_("%(actor)s tried to approve a request and was refused"),
    "POST requests.reject": N_("%(actor)s tried to reject a request and was refused"),
    "POST organizations.update": N_("%(actor)s tried to change the settings and was refused"),
    "POST additions.create": N_("%(actor)s tried to add somebody and was refused"),
    "POST members.leave": N_("%(actor)s tried to leave the organization and was refused"),
    "POST sso.disable": N_("%(actor)s tried to switch single sign-on off and was refused"),
    "POST sso.check_now": N_("%(actor)s tried to check the connection of single sign-on and was refused"),
    "POST sso.remind": N_("%(actor)s tried to remind members to link their accounts and was refused"),
    "POST sso.save_policy": N_("%(actor)s tried to change the rules of single sign-on and was refused"),
    "POST sso.choose": N_("%(actor)s tried to set up single sign-on and was refused"),
    "POST sso.prove": N_("%(actor)s tried to set up single sign-on and was refused"),
    "POST sso.discard": N_("%(actor)s tried to set up single sign-on and was refused"),
    "POST sso.renew_secret": N_("%(actor)s tried to renew the client secret and was refused"),
    "POST sso.add_mapping": N_("%(actor)s tried to change what fills access groups and was refused"),
    "POST sso.remove_mapping": N_("%(actor)s tried to change what fills access groups and was refused"),
    "POST sso.begin_link": N_("%(actor)s tried to link their account and was refused"),
    "POST sso.enforce": N_("%(actor)s tried to change whether single sign-on is required and was refused"),
    "POST sso.check_domain": N_("%(actor)s tried to prove a domain and was refused"),
    "POST sso.make_codes": N_("%(actor)s tried to make recovery codes and was refused"),
    "POST sso.recover": N_("%(actor)s entered a recovery code that is none and was refused"),
    "POST sso.take_away": N_("%(actor)s tried to take the link of a member away and was refused"),
    "POST sso.unlink": N_("%(actor)s tried to unlink their account and was refused"),
    "POST requests.create": N_("%(actor)s tried to ask that somebody may join and was refused"),
}


@dataclass(frozen=True)
class EntryRow:
    """One line of the audit log."""

    id: int
    sequence: int
    sentence: str
    created_at: datetime
    actor_id: int | None
    actor_name: str
    actor_address: str
    ip: str | None
    event: str
    target: str | None
    target_name: str
    changes: list[ChangeRow]
    hash: str


def described(page: Page[Any], people: Mapping[int, str], addresses: Mapping[int, str]) -> Page[EntryRow]:
    """Return a page of entries with their sentences.

    Args:
        page: the entries.
        people: the names of members by number.
        addresses: of users by number; two people may go by one name.
    """
    rows = [
        replace(_row(entry, people=people), actor_address=addresses.get(entry.actor_user_id, "")) for entry in page.rows
    ]
    return Page(rows, page.next, page.is_first)


def history(page: Page[Any], name: str) -> Page[EntryRow]:
    """Return a page of a member's history with its sentences; `name` is the member's."""
    rows = [_row(entry, OF_MEMBER.get((entry.event, entry.is_in)), name) for entry in page.rows]
    return Page(rows, page.next, page.is_first)


def _row(entry: Entry, sentence: str | None = None, member: str = "", people: Mapping[int, str] = NOBODY) -> EntryRow:
    actor = _actor_name(entry)
    roles = {"role": _role(entry.after), "role_before": _role(entry.before)}
    said = {"member": member or str((entry.after or entry.before or {}).get("member", "")), **roles}
    said |= _of_single_sign_on(entry.after or {})
    said["last_day"] = shown("last_day", {"last_day": (entry.after or {}).get("expires_at")})
    text = _(sentence or _sentence(entry), actor=actor, target=entry.target_name, event=entry.event, **said)
    return EntryRow(
        id=entry.id,
        sequence=entry.sequence,
        sentence=text,
        created_at=entry.created_at,
        actor_id=entry.actor_user_id,
        actor_name=actor,
        actor_address="",
        ip=entry.ip,
        event=entry.event,
        target=None if entry.target_id is None else f"{entry.target_kind}:{entry.target_id}",
        target_name=entry.target_name,
        changes=changes(entry.before, entry.after, people, is_of_member=entry.target_kind == "member"),
        hash=entry.hash,
    )


def _sentence(entry: Entry) -> str:
    """Return the sentence of an entry; one of a newer version, read by an older one, has only a plain one."""
    if entry.event == Event.ACCESS_REFUSED and entry.target_name in REFUSALS:
        return REFUSALS[entry.target_name]
    after = entry.after or {}
    if entry.event == Event.MEMBER_END_CHANGED and after.get("expires_at"):
        return ENDS
    return _about_single_sign_on(entry, after) or SENTENCES.get(entry.event, OTHER)


def _about_single_sign_on(entry: Entry, after: Mapping[str, Any]) -> str | None:
    """Return what is said of single sign-on by what the entry holds, where that says more than its event."""
    if entry.event == Event.SSO_ENFORCED and after.get("enforcement") in ENFORCED:
        return ENFORCED_LATER if after.get("required_from") else ENFORCED[after["enforcement"]]
    if entry.event == Event.SSO_EDITED and (rules := after.keys() & RULES.keys()):
        return _of_rules(rules)
    if entry.event == Event.SSO_EDITED and not entry.before:
        return BEGUN if "kind" in after else RENEWED
    if entry.event == Event.SSO_REFUSED and after.get("claimed"):
        return REFUSED_AS
    if entry.event == Event.SSO_UNLINKED and entry.before:
        return TAKEN_AWAY
    return None


def _of_rules(changed: Set[str]) -> str:
    """Return the sentence about rules of single sign-on that were changed together."""
    named = changed - {"domains"} if "joining" in changed else changed
    return RULES[next(iter(named))] if len(named) == 1 else SEVERAL_RULES


def _of_single_sign_on(after: Mapping[str, Any]) -> dict[str, str]:
    """Return what sentences about single sign-on say besides: from when on, why, and who a provider said it was."""
    return {
        "begins": shown("required_from", after),
        "reason": shown("reason", after),
        "claimed": shown("claimed", after),
    }


def _actor_name(entry: Entry) -> str:
    if entry.actor_kind == ActorKind.VISITOR:
        return str(_("A visitor") if entry.event in WITHOUT_LINK else _("Somebody with the link"))
    if entry.event == Event.SSO_BYPASSED:
        return str(_("Somebody with access to the server"))
    return str(entry.actor_name)


def _role(values: Mapping[str, Any] | None) -> str:
    name = (values or {}).get("role")
    return role_name(Role[name.upper()]) if name else ""
