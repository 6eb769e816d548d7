"""U01: whatever a page changes in an organization is in its audit log, in the same transaction; and so is a refusal."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from flask import Flask
from sqlalchemy import func, select

from tests.support.acme import Acme
from tests.support.dumps import Dump
from tests.support.routes import Route, Routes
from tests.support.tabs import Tab
from tests.support.transactions import Transaction, transactions
from tests.support.worlds import PASSWORD, Person, post
from webapp.access.roles import LOWEST_ROLE, Scope
from webapp.db import db
from webapp.http.rules import rule_of
from webapp.models import AuditEntry, Role, User

# Who sends it, where Acme's owner has nothing to change: the last owner cannot leave, and who may invite asks nobody.
SENT_BY = {"members.leave": "manager", "requests.create": "member"}
# What only leaves for a provider: the callback says what came of it.
LEAVES = {"invites.sign_on", "sso.begin_link", "sso.renew_secret", "sso.sign_in"}
# What looks at something outside, and leaves the organization as it is; the domain is proven already.
ONLY_LOOKS = {"sso.check_domain", "sso.check_now"}


def unsafe_routes(app: Flask, routes: Routes) -> Iterator[tuple[Route, Scope]]:
    for route in routes:
        scope = rule_of(app, route.endpoint).allows
        if route.method == "POST" and isinstance(scope, Scope) and route.endpoint not in LEAVES:
            yield route, scope


def prepared(acme: Acme, routes: Routes, route: Route, who: str) -> Callable[[], int]:
    """Make what a route takes; return what sends it as somebody of Acme and returns the status."""
    wanted = routes.request(route)
    tab = Tab(acme.world, getattr(acme, who))
    form = tab.form({"confirm": "1", **wanted.form})
    if route.endpoint == "members.restore":
        post(acme.browser(acme.owner), wanted.path.replace("restore", "suspend"), confirm="1")
    if route.endpoint == "projects.unarchive":
        post(acme.browser(acme.owner), wanted.path.replace("unarchive", "archive"), confirm="1")
    return lambda: tab.browser.post(wanted.path, data=form).status_code


def entries_after(acme: Acme, last: int) -> list[AuditEntry]:
    """Return the audit entries of Acme after one of them, oldest first."""

    def read() -> list[AuditEntry]:
        ours = select(AuditEntry).where(AuditEntry.organization_id == acme.organization().id)
        return list(db.session.scalars(ours.where(AuditEntry.sequence > last).order_by(AuditEntry.sequence)))

    found: list[AuditEntry] = acme.world.read(read)
    return found


def last_entry(acme: Acme) -> int:
    """Return the number of the last audit entry of Acme."""
    ours = AuditEntry.organization_id
    number = acme.world.read(
        lambda: db.session.scalar(select(func.max(AuditEntry.sequence)).where(ours == acme.organization().id))
    )
    return int(number)


def is_recorded(done: Sequence[Transaction], entries: Sequence[AuditEntry], by: Person) -> bool:
    """Tell whether exactly one transaction wrote entries, and it wrote what they speak of too."""
    with_entries = [one for one in done if one.is_committed and one.changes("audit_entry")]
    are_theirs = {entry.actor_user_id for entry in entries} == {by.user_id}
    return are_theirs and len(with_entries) == 1 and bool(with_entries[0].changes())


def test_U01_every_change_writes_its_entry_in_its_own_transaction(app: Flask, acme: Acme, routes: Routes) -> None:
    wrong = {}
    for route, _scope in unsafe_routes(app, routes):
        if route.endpoint in ONLY_LOOKS:
            continue
        who = SENT_BY.get(route.endpoint, "owner")
        request = prepared(acme, routes, route, who)
        before = last_entry(acme)
        with transactions(app) as done:
            status = request()
        entries = entries_after(acme, before)
        if status >= 400 or not is_recorded(done, entries, getattr(acme, who)):
            wrong[str(route)] = (status, [entry.event for entry in entries])
    assert wrong == {}


def test_U01_every_refusal_writes_one_entry_and_nothing_else(
    app: Flask, acme: Acme, routes: Routes, dump: Callable[[], Dump]
) -> None:
    wrong = {}
    for route, scope in unsafe_routes(app, routes):
        if LOWEST_ROLE[scope] is Role.MEMBER:
            continue
        request = prepared(acme, routes, route, "member")
        acme.world.write(lambda: db.session.execute(db.metadata.tables["attempts"].delete()))  # 20 a quarter are noted
        before, noted = dump(), last_entry(acme)
        status = request()
        assert dump() == before, route
        refusals = [(e.event, e.target_name, e.actor_user_id) for e in entries_after(acme, noted)]
        if (status, refusals) != (403, [("access.refused", f"POST {route.endpoint}", acme.member.user_id)]):
            wrong[str(route)] = (status, refusals)
    assert wrong == {}


# Forms about no organization of the address, with what they need besides what their request holds.
OF_ACCOUNTS = {
    "accounts.change_password": {"current_password": PASSWORD, "password": "pale blue lantern orchard"},
    "accounts.login": {"email": "mina@example.com", "password": PASSWORD},
    "accounts.reset_password": {"password": "pale blue lantern orchard"},
    "invites.answer": {"accept": "1"},
}
# Somebody signed in who asks for another letter changes nothing; the set-up link is dead once somebody has an account;
# no recovery code is used up where nothing is required; an address only shows the way to a provider.
NOTHING_TO_RECORD = {"accounts.send_verification", "setup.show", "sso.find_entrance", "sso.recover"}
SENT_BY_NOBODY = {"accounts.login", "accounts.forgot_password", "accounts.reset_password", "requests.join"}


def entries_by_place(acme: Acme) -> Counter[str]:
    """Return how many audit entries there are of organizations, and how many of accounts and the instance."""
    is_organizations = AuditEntry.organization_id.is_not(None)
    found = acme.world.read(lambda: db.session.scalars(select(is_organizations)).all())
    return Counter("organization" if one else "account" for one in found)


def test_U01_every_change_of_an_account_is_in_the_audit_log_too(app: Flask, acme: Acme, routes: Routes) -> None:
    wrong = {}
    appoint(acme)
    for route in routes:
        if route.method != "POST" or "org" in route.rule.arguments or route.endpoint in NOTHING_TO_RECORD | LEAVES:
            continue
        wanted = routes.request(route)
        who = None if route.endpoint in SENT_BY_NOBODY else acme.owner
        who = routes.invited if route.endpoint == "invites.answer" else who
        tab = Tab(acme.world, who)
        form = tab.form(OF_ACCOUNTS.get(route.endpoint, wanted.form))
        before = entries_by_place(acme)
        with transactions(app) as done:
            status = tab.browser.post(wanted.path, data=form).status_code
        with_entries = [one for one in done if one.is_committed and one.changes("audit_entry") and one.changes()]
        new = entries_by_place(acme) - before
        noted = new["account"] if route.endpoint.startswith("accounts.") else new.total()
        if status != 303 or len(with_entries) != 1 or not noted:
            wrong[str(route)] = (status, len(with_entries), new)
    assert wrong == {}


def appoint(acme: Acme) -> None:
    """Let Acme's owner make organizations too."""

    def set_administrator() -> None:
        db.session.get_one(User, acme.owner.user_id).is_instance_administrator = True

    acme.world.write(set_administrator)
