"""Members and invitations as a plain model in Python: what each act leads to, and what refuses it."""

from tests.model.acts import COMMAND_LINE, Act
from tests.model.organization import (
    ACCEPTED,
    ACTIVE,
    DAY,
    DECLINED,
    LETTERS_A_DAY,
    LIFETIME,
    PENDING,
    REVOKED,
    SUSPENDED,
    UNDO,
    Account,
    Link,
    Membership,
    Offer,
    Organization,
    Removal,
)
from webapp.errors import (
    AboveYourRole,
    AddressTaken,
    AlreadyMember,
    Forbidden,
    HasJoined,
    HasLeft,
    InvitationNotOpen,
    InvitedAnew,
    LetterLimit,
    MemberAgain,
    NotFound,
    OfferTooHigh,
    OtherAddress,
    RemovedFromAbove,
    RoleTooHigh,
    UndoOver,
)
from webapp.models import Role


class Plain(Organization):
    """The organization, in which people act."""

    # ---- invitations ----

    def _invite(self, act: Act) -> str | None:
        mine = self._require_inviter(act.actor)
        if mine and act.more > mine.role:
            raise RoleTooHigh
        waiting = [offer for offer in self.offers if (offer.email, offer.status) == (act.subject, PENDING)]
        if self._has_member(act.subject):
            return "member"
        if any(self._state(offer) == PENDING for offer in waiting):
            return "open"
        if not self._counts(act.subject):
            return "limited"
        for offer in waiting:
            self._close(offer, REVOKED, "expired")
        self._close_all(DECLINED, act.subject)
        self.offers.append(Offer(act.subject, act.more, act.actor, self.now + LIFETIME))
        self._say("invitation.sent", "invitation")
        return "invited"

    def _resend(self, act: Act) -> None:
        offer, mine = self.offers[act.subject], self._require_inviter(act.actor)
        if mine and offer.role > mine.role:
            raise OfferTooHigh
        if offer.status not in (PENDING, DECLINED):
            raise InvitationNotOpen
        others = [other for other in self.offers if other is not offer and other.status == PENDING]
        if self._has_member(offer.email):
            raise HasJoined
        if offer.email in [other.email for other in others]:
            raise InvitedAnew
        if not self._counts(offer.email):
            raise LetterLimit
        offer.status, offer.by, offer.ends_at = PENDING, act.actor, self.now + LIFETIME
        for link in offer.links:
            link.is_alive = False
        offer.links.append(Link())
        self._say("invitation.resent", "invitation")

    def _revoke(self, act: Act) -> None:
        offer, mine = self.offers[act.subject], self._require_inviter(act.actor)
        if mine and offer.role > mine.role:
            raise OfferTooHigh
        if offer.status not in (PENDING, DECLINED):
            raise InvitationNotOpen
        self._close(offer, REVOKED)

    def _copy(self, act: Act) -> None:
        offer, mine = self.offers[act.subject], self._require_inviter(act.actor)
        if mine is None:
            raise Forbidden
        if offer.role > mine.role:
            raise OfferTooHigh
        if self._state(offer) != PENDING or not self._is_still_offered(offer):
            raise InvitationNotOpen
        offer.links.append(Link(act.actor))
        self._say("invitation.link_copied")

    def _followed(self, act: Act) -> tuple[Offer, Link]:
        number, which = act.subject
        offer = self.offers[number]
        if not offer.links[which].is_alive:
            raise NotFound
        if self._state(offer) != PENDING:
            raise InvitationNotOpen
        return offer, offer.links[which]

    def _decline(self, act: Act) -> None:
        self._close(self._followed(act)[0], DECLINED)

    def _accept(self, act: Act) -> None:
        offer, link = self._followed(act)
        if not self._is_still_offered(offer, link):
            raise InvitationNotOpen
        account = self.accounts[act.actor]
        is_theirs = account.is_proven and account.email == offer.email
        if self.policies["address_match_required"] and not is_theirs:
            raise OtherAddress
        if act.actor in self.members:
            raise AlreadyMember
        self._join(act.actor, offer)

    def _register(self, act: Act) -> None:
        offer, link = self._followed(act)
        if not self._is_still_offered(offer, link):
            raise InvitationNotOpen
        if not link.copied_by and any(
            account.is_proven and account.email == offer.email for account in self.accounts.values()
        ):
            raise AddressTaken
        self.accounts[act.more] = Account(offer.email, is_proven=not link.copied_by)
        if link.copied_by:
            self.letters["verify_address"] += 1
        self._join(act.more, offer)

    def _join(self, name: str, offer: Offer) -> None:
        offer.status = ACCEPTED
        self.members[name] = Membership(self.memberships, offer.role)
        self.memberships += 1
        if self.accounts[name].is_proven:
            self._close_all(PENDING, self.accounts[name].email)
            self._close_all(DECLINED, self.accounts[name].email)
        self._say("member.joined")
        self._say("invitation.accepted")

    def _is_still_offered(self, offer: Offer, link: Link | None = None) -> bool:
        offering = {offer.by} | ({link.copied_by} if link and link.copied_by else set())
        return all(self._may_offer(name, offer.role) for name in offering - {COMMAND_LINE})

    def _may_offer(self, name: str, role: Role) -> bool:
        member = self.members.get(name)
        may_invite = member and (member.role >= Role.ADMIN or self.policies["members_may_invite"])
        return bool(member and may_invite and member.status == ACTIVE and member.role >= role)

    def _has_member(self, email: str) -> bool:
        return any(self.accounts[name].is_proven and self.accounts[name].email == email for name in self.members)

    def _counts(self, email: str) -> bool:
        """Count one more letter to an address, unless it had its letters for today."""
        number, ends_at = self._sent.get(email, (0, self.now))
        if ends_at <= self.now:
            number, ends_at = 0, self.now + DAY
        if number == LETTERS_A_DAY:
            return False
        self._sent[email] = (number + 1, ends_at)
        return True

    def _close(self, offer: Offer, status: str, event: str = "") -> None:
        offer.status = status
        self._say(f"invitation.{event or status}")

    def _close_all(self, status: str, email: str) -> None:
        for offer in self.offers:
            if (offer.status, offer.email) == (status, email):
                self._close(offer, REVOKED, "superseded")

    # ---- members ----

    def _give(self, act: Act) -> None:
        mine, theirs = self._require_power(act)
        if mine and act.more > mine.role:
            raise RoleTooHigh
        if act.more is theirs.role:
            return
        if act.more is not Role.OWNER:
            self._require_other_owner(theirs)
        theirs.role = act.more
        self._say("member.role_changed", "role_changed")

    def _suspend(self, act: Act) -> None:
        _mine, theirs = self._require_power(act)
        self._require_other_owner(theirs)
        if theirs.status == ACTIVE:
            theirs.status = SUSPENDED
            self._say("member.suspended", "suspended")

    def _restore(self, act: Act) -> None:
        _mine, theirs = self._require_power(act)
        if theirs.status == SUSPENDED:
            theirs.status = ACTIVE
            self._say("member.restored", "restored")

    def _remove(self, act: Act) -> None:
        _mine, theirs = self._require_power(act)
        self._require_other_owner(theirs)
        self._take_away(act.subject, act.actor, "member.removed")
        self.letters["removed"] += 1

    def _leave(self, act: Act) -> None:
        mine = self._require(act.actor, Role.MEMBER)
        assert mine
        self._require_other_owner(mine)
        self._take_away(act.actor, act.actor, "member.left")

    def _take_away(self, name: str, by: str, event: str) -> None:
        membership, account = self.members.pop(name), self.accounts[name]
        self.removed[membership.number] = Removal(name, membership, self.now, by)
        self._say(event)
        for offer in self.offers:
            for link in offer.links:
                link.is_alive = link.is_alive and link.copied_by != name
            is_theirs = offer.by == name or (account.is_proven and offer.email == account.email)
            if is_theirs and offer.status == PENDING:
                self._close(offer, REVOKED)

    def _require_power_to_undo(self, act: Act, removal: Removal) -> None:
        mine, remover = self.members.get(act.actor), self.members.get(removal.by)
        if mine and removal.membership.role > mine.role:
            raise AboveYourRole
        if mine and remover and remover.role > mine.role:
            raise RemovedFromAbove

    def _undo(self, act: Act) -> None:
        self._require(act.actor, Role.MANAGER)
        removal = self.removed.get(act.subject)
        if removal is None:
            raise NotFound
        if removal.name in self.members:
            raise MemberAgain
        self._require_power_to_undo(act, removal)
        if self.now >= removal.at + UNDO:
            raise UndoOver
        if removal.by == removal.name:
            raise HasLeft
        self.members[removal.name] = self.removed.pop(act.subject).membership
        self._say("member.removal_undone")
        account = self.accounts[removal.name]
        for offer in self.offers:
            if account.is_proven and offer.email == account.email and offer.status in (PENDING, DECLINED):
                self._close(offer, REVOKED, "superseded")
        if removal.membership.status == ACTIVE:
            self.letters["restored"] += 1

    # ---- the rest ----

    def _allow(self, act: Act) -> None:
        self._require(act.actor, Role.OWNER)
        name, value = act.more
        if self.policies[name] != value:
            self.policies[name] = value
            self._say("organization.changed")

    def _wait(self, act: Act) -> None:
        self.now += act.more
