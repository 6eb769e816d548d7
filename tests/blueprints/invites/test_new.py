"""The tab Invite new people."""

from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.worlds import Person, post
from webapp.db import db
from webapp.models import EmailAddress, Invitation, InvitationBatch, MemberStatus, Role
from webapp.services.invitation_limits import PER_ADDRESS_A_DAY

FORM = {"emails": "bob@example.org", "role": "member", "lifetime_days": "7"}
GOOD = {"first": "bob@example.org", "second": "eve@example.org"}


def send(acme: Acme, person: Person | None = None, /, **fields: Any) -> TestResponse:
    headers = fields.pop("headers", None)
    return post(acme.browser(person or acme.admin), acme.address("members/new"), headers=headers, **{**FORM, **fields})


def invitations(acme: Acme) -> list[Invitation]:
    return acme.world.read(lambda: list(db.session.scalars(select(Invitation).order_by(Invitation.id))))


def test_form_offers_the_roles_up_to_ones_own(acme: Acme) -> None:
    page = Page(acme.browser(acme.admin).get(acme.address("members/new")))
    assert [field.attributes["value"] for field in page.named("role")] == ["member", "admin"]
    page = Page(acme.browser(acme.owner).get(acme.address("members/new")))
    assert [field.attributes["value"] for field in page.named("role")] == ["member", "admin", "manager", "owner"]


def test_form_starts_with_the_lifetime_of_the_policy(acme: Acme) -> None:
    acme.world.policy(acme.slug, invitation_lifetime_days=21)
    page = Page(acme.browser(acme.admin).get(acme.address("members/new")))
    assert [field.attributes["value"] for field in page.named("lifetime_days")] == ["21"]


def test_inviting_stores_the_offer_queues_the_letter_and_is_audited(acme: Acme) -> None:
    answer = send(acme, emails="bob@example.org, eve@example.org", role="admin", lifetime_days="3")
    assert answer.status_code == 303
    assert [(i.email, i.role, (i.expires_at - i.created_at).days) for i in invitations(acme)] == [
        ("bob@example.org", Role.ADMIN, 3),
        ("eve@example.org", Role.ADMIN, 3),
    ]
    assert [letter.to_address for letter in acme.world.letters()] == ["bob@example.org", "eve@example.org"]
    assert acme.events()[-2:] == ["invitation.sent", "invitation.sent"]
    assert {entry.actor_name for entry in acme.entries()[-2:]} == {"Adam Admin"}
    assert {entry.ip for entry in acme.entries()[-2:]} == {"127.0.0.1"}


def test_notice_and_outcomes_follow_and_the_notice_comes_once(acme: Acme) -> None:
    browser = acme.browser(acme.admin)
    emails = "bob@example.org eve@example.org olive@example.com nope"
    answer = post(browser, acme.address("members/new"), **{**FORM, "emails": emails})
    first, second = (Page(browser.get(answer.location)) for _ in range(2))
    assert "2 people are invited." in first.by_id("notices").text
    assert second.by_id("notices").text == ""
    for page in (first, second):
        assert "olive@example.com Already a member." in page.text
        assert "nope Not an email address we can write to." in page.text
        assert [field.text for field in page.named("emails")] == ["nope"]


ANOTHER = (
    "A suspended member is listed with this address and has not verified it. Whoever accepts becomes another member"
)


@pytest.mark.parametrize(
    ("is_verified", "status", "said", "left_out"),
    [
        (True, MemberStatus.SUSPENDED, "A member already, who is suspended. They can be restored", "Already a member."),
        (False, MemberStatus.SUSPENDED, f"Invited. The letter is on its way. {ANOTHER}", "restored"),
        (True, MemberStatus.ACTIVE, "Already a member. Nothing was sent.", "suspended"),
        (False, MemberStatus.ACTIVE, "Invited. The letter is on its way.", "suspended"),
    ],
)
def test_outcome_says_where_a_suspended_member_goes_by_the_address(
    acme: Acme, is_verified: bool, status: MemberStatus, said: str, left_out: str
) -> None:
    acme.change(acme.member, status=status)
    if not is_verified:
        unprove(acme, acme.member)
    outcomes = outcomes_of(acme, acme.member.email)
    assert f"{acme.member.email} {said}" in outcomes
    assert left_out not in outcomes
    assert acme.member.name not in outcomes
    assert len(acme.world.letters("invitation")) == (not is_verified)


def test_outcome_tells_nothing_of_an_address_that_no_list_shows(acme: Acme) -> None:
    def add() -> None:
        hidden = EmailAddress(user_id=acme.suspended.user_id, address="sue@home.example", canonical="sue@home.example")
        hidden.is_primary = False
        db.session.add(hidden)

    acme.world.write(add)
    assert outcomes_of(acme, "sue@home.example").endswith("sue@home.example Invited. The letter is on its way.")


def unprove(acme: Acme, person: Person) -> None:
    """Let nobody have proven somebody's address."""
    theirs = update(EmailAddress).where(EmailAddress.user_id == person.user_id).values(verified_at=None)
    acme.world.write(lambda: db.session.execute(theirs))


def outcomes_of(acme: Acme, email: str) -> str:
    """Invite one address; return what the page that follows says became of it."""
    answer = send(acme, acme.owner, emails=email)
    page = Page(acme.browser(acme.owner).get(answer.location) if answer.status_code == 303 else answer)
    return next(one.text for one in page.elements if "outcome-groups" in one.attributes.get("class", ""))


def test_outcome_names_the_limit_of_a_mailbox(acme: Acme) -> None:
    emails = " ".join(f"bob+{number}@example.org" for number in range(PER_ADDRESS_A_DAY + 1))
    page = Page(acme.browser(acme.admin).get(send(acme, emails=emails).location))
    assert f"bob+{PER_ADDRESS_A_DAY}@example.org Had enough invitations for today: 10 from one" in page.text


def test_batch_page_tells_only_its_maker(acme: Acme) -> None:
    answer = send(acme, emails="bob@example.org nope")
    theirs = Page(acme.browser(acme.owner).get(answer.location))
    assert "nope" not in theirs.text
    assert "bob@example.org" not in theirs.text


@pytest.mark.parametrize("number", ["0", "-1", "x", "999", str(2**63), str(2**200), ""])
def test_batch_that_is_none_shows_an_empty_form(acme: Acme, number: str) -> None:
    answer = acme.browser(acme.admin).get(acme.address(f"members/new?batch={number}"))
    assert answer.status_code == 200
    assert [field.text for field in Page(answer).named("emails")] == [""]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("emails", "", "Enter at least one email address."),
        ("emails", " ;, ", "Enter at least one email address."),
        ("emails", "nope", "None of these addresses was invited."),
        ("emails", "olive@example.com", "None of these addresses was invited."),
        ("emails", " ".join(f"a{n}@example.org" for n in range(1001)), "These are 1,001 addresses; at most 1,000"),
        ("role", "emperor", "Not a valid choice"),
        ("role", "", "Not a valid choice"),
        ("role", "40", "Not a valid choice"),
        ("lifetime_days", "", "Enter a number of days."),
        ("lifetime_days", "0", "Between 1 and 30 days."),
        ("lifetime_days", "31", "Between 1 and 30 days."),
        ("lifetime_days", "soon", "Not a valid integer value."),
        ("lifetime_days", "9" * 400, "Between 1 and 30 days."),
    ],
)
def test_invalid_form_keeps_what_was_typed_and_stores_nothing(
    acme: Acme, field: str, value: str, sentence: str
) -> None:
    typed = {"emails": "bob@example.org eve@example.org", "role": "admin", "lifetime_days": "12", field: value}
    with acme.unchanged():
        answer = send(acme, **typed)
    assert answer.status_code == 422
    page = Page(answer)
    assert sentence in page.text
    [emails], [days] = page.named("emails"), page.named("lifetime_days")
    assert emails.text == " ".join(typed["emails"].split())
    assert days.attributes["value"] == typed["lifetime_days"]
    if field != "role":
        assert [r.attributes["value"] for r in page.named("role") if "checked" in r.attributes] == ["admin"]
    assert len([r for r in page.elements if r.attributes.get("aria-invalid") == "true"]) >= 1


@pytest.mark.parametrize("missing", list(FORM))
def test_missing_field_is_refused(acme: Acme, missing: str) -> None:
    fields = {name: value for name, value in FORM.items() if name != missing}
    with acme.unchanged():
        answer = post(acme.browser(acme.admin), acme.address("members/new"), **fields)
    assert answer.status_code == 422


def test_refused_addresses_are_named_beside_the_form(acme: Acme) -> None:
    page = Page(send(acme, emails="olive@example.com nope"))
    assert "olive@example.com Already a member." in page.text
    assert "nope Not an email address we can write to." in page.text


@pytest.mark.parametrize("role", ["manager", "owner"])
def test_C08_role_above_ones_own_is_no_choice(acme: Acme, role: str) -> None:
    with acme.unchanged():
        answer = send(acme, role=role)
    assert answer.status_code == 422


def test_D07_fields_that_are_not_in_the_form_are_ignored(acme: Acme) -> None:
    umbra = acme.world.organization("Penumbra", acme.stranger)
    send(
        acme,
        organization_id="2",
        org=umbra,
        slug=umbra,
        id="900",
        status="accepted",
        canonical="eve@example.org",
        invited_by_id=str(acme.owner.user_id),
        letter_id="1",
        expires_at="2999-01-01",
        created_at="2000-01-01",
        token_hash="0" * 64,
        has_global_access="1",
        members_may_invite="1",
    )
    [row] = invitations(acme)
    assert (row.id, row.canonical, row.status.value) == (1, "bob@example.org", "pending")
    assert row.organization_id == acme.world.read(lambda: acme.organization().id)
    assert (row.invited_by_id, (row.expires_at - row.created_at).days) == (acme.admin.user_id, 7)


def test_member_without_the_right_is_refused_with_a_sentence_and_audited(acme: Acme) -> None:
    with acme.unchanged():
        answer = send(acme, acme.member)
    assert answer.status_code == 403
    assert "Your role does not allow this." in Page(answer).text
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name) == ("access.refused", "Mina Member")


def test_member_invites_where_the_policy_says_so(acme: Acme) -> None:
    acme.world.policy(acme.slug, members_may_invite=True)
    assert send(acme, acme.member).status_code == 303
    with acme.unchanged():
        assert send(acme, acme.member, emails="eve@example.org", role="admin").status_code == 422


@pytest.mark.parametrize("outsider", ["suspended", "stranger"])
def test_D06_outsiders_find_nothing_and_leave_no_trace(acme: Acme, outsider: str) -> None:
    before = acme.events()
    with acme.unchanged():
        assert send(acme, getattr(acme, outsider)).status_code == 404
    assert acme.events() == before


def test_D06_inactive_people_have_to_sign_in(acme: Acme) -> None:
    browser = acme.browser(acme.owner)
    acme.deactivate(acme.owner)
    with acme.unchanged():
        answer = post(browser, acme.address("members/new"), **FORM)
    assert (answer.status_code, answer.location) == (303, "/login")


def test_suspension_counts_at_once(acme: Acme) -> None:
    browser = acme.browser(acme.admin)
    acme.change(acme.admin, status=MemberStatus.SUSPENDED)
    with acme.unchanged():
        assert post(browser, acme.address("members/new"), **FORM).status_code == 404


def test_form_without_its_csrf_token_is_refused(acme: Acme) -> None:
    with acme.unchanged():
        answer = acme.browser(acme.admin).post(acme.address("members/new"), data=FORM)
    assert answer.status_code == 403


def test_C13_answer_is_the_same_whether_an_account_exists_or_not(acme: Acme) -> None:
    closed = acme.world.person("Carl Closed", "carl@example.org")
    acme.deactivate(closed)
    seen = set()
    for address in ("una@example.org", "carl@example.org", "nobody@example.org"):
        browser = acme.browser(acme.admin)
        answer = post(browser, acme.address("members/new"), **{**FORM, "emails": address})
        assert answer.status_code == 303
        seen.add(Page(browser.get(answer.location)).text.replace(address, "someone").split("Pending")[1])
    assert len({text.split("Invite", 1)[1] for text in seen}) == 1


def test_panel_alone_comes_back_when_htmx_swaps_it(acme: Acme) -> None:
    answer = send(acme, emails="nope", headers=PANEL)
    assert answer.status_code == 422
    page = Page(answer)
    assert [root.id for root in page.roots] == ["panel", "notices"]
    assert "None of these addresses was invited." in page.by_id("panel").text


def test_nothing_is_kept_of_a_refused_batch(acme: Acme) -> None:
    send(acme, emails="nope")
    assert acme.world.read(lambda: db.session.scalars(select(InvitationBatch)).all()) == []


def test_address_of_a_domain_without_a_dot_is_refused_by_name_and_the_others_go(acme: Acme) -> None:
    page = Page(acme.browser(acme.admin).get(send(acme, emails="bob@example.org x@nowhere").location or ""))
    assert "x@nowhere Not an email address we can write to." in page.text
    assert [letter.to_address for letter in acme.world.letters()] == ["bob@example.org"]
