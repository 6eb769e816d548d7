"""What can be refused: each error is a sentence for a person and names the field it speaks of."""

from typing import ClassVar


def N_(message: str) -> str:
    """Mark a message for translation; it is translated where it is shown."""
    return message


class DomainError(Exception):
    """A refusal by a rule of the domain.

    Args:
        field: the form field the sentence stands beside, where there is one.
        params: values for the placeholders of the sentence.
    """

    status: ClassVar[int] = 422
    title: ClassVar[str] = N_("That did not work")
    sentence: str = N_("This is not possible. Nothing was changed.")
    field: str | None = None

    def __init__(self, sentence: str | None = None, *, field: str | None = None, **params: object) -> None:
        self.sentence = sentence or type(self).sentence
        self.field = field or type(self).field
        self.params = params
        super().__init__(self.sentence % params if params else self.sentence)


class NotFound(DomainError):
    """There is no such thing, or none that this person may know of."""

    status = 404
    title = N_("Page not found")
    sentence = N_("There is nothing here, or nothing you may see. Check the address, or go back to your organizations.")


class Forbidden(DomainError):
    """A member asked for something their role does not allow."""

    status = 403
    title = N_("You may not do this")
    sentence = N_("Your role does not allow this. Nothing was changed. An owner of the organization can help.")


class SignInRequired(DomainError):
    """Nobody is signed in."""

    status = 401
    title = N_("Please sign in")
    sentence = N_("Sign in to continue.")


class ProviderRequired(SignInRequired):
    """An organization wants its people to come through its provider, and this session did not, or too long ago."""

    def __init__(self, slug: str, *, has_identity: bool) -> None:
        super().__init__()
        self.slug, self.has_identity = slug, has_identity


class Conflict(DomainError):
    """The world changed between the page and the answer."""

    status = 409
    title = N_("Something changed meanwhile")
    sentence = N_("Somebody changed the same thing at the same time. Nothing of yours was stored; please try again.")


class Busy(DomainError):
    """The database could not serve the request in time."""

    status = 503
    title = N_("Busy right now")
    sentence = N_("The server is busy and stored nothing of this request. Please try again in a moment.")


class TooManyAttempts(DomainError):
    """A limit on attempts was reached; `minutes` says when to come back."""

    status = 429
    title = N_("Too many attempts")
    sentence = N_("Too many attempts. Nothing was checked; please wait %(minutes)s min, then try again.")


class WrongCredentials(DomainError):
    """The address and the password do not belong together."""

    sentence = N_(
        "This address and this password do not belong together. Check both and try again. Whoever has just made an "
        "account verifies its address first, by the letter that was sent there."
    )
    field = "password"


class WrongPassword(DomainError):
    """Somebody signed in did not enter their present password where it is asked for again."""

    sentence = N_("This is not your present password. Nothing was changed.")
    field = "current_password"


class InvalidPassword(DomainError):
    """A new password breaks one of the password rules."""

    field = "password"


class InvalidAddress(DomainError):
    """A text is not an email address we can write to."""

    sentence = N_("This is not an email address we can write to. Check it for typing errors.")
    field = "email"


class DomainWithoutDot(InvalidAddress):
    """A new address is of a domain without a dot, which is not the one that our letters come from."""

    sentence = N_("What follows the @ has no dot, so no letter would arrive there. Check it for typing errors.")


class NoAddress(DomainError):
    """Nobody was named who is to be invited."""

    sentence = N_("Enter at least one email address.")
    field = "emails"


class TooManyAddresses(DomainError):
    """More addresses were given than are invited at once."""

    sentence = N_("These are %(given)s addresses; at most %(most)s fit in one go. Nothing was sent.")
    field = "emails"


class AddressNotProven(DomainError):
    """Somebody signed in asked to join before they had proven their address."""

    sentence = N_("Your email address is not verified yet. Verify it first, then ask again.")


class AddressTaken(DomainError):
    """A verified address already belongs to an account."""

    sentence = N_("There is already an account with this address. Sign in with it instead.")
    field = "email"


class AlreadyMember(DomainError):
    """The address belongs to a member."""

    sentence = N_("%(email)s is already a member.")
    field = "emails"


class EndedMember(AlreadyMember):
    """The address belongs to a member whose membership has ended."""

    sentence = N_(
        "%(email)s is a member already; their membership ended on %(day)s. It can be renewed on their own page."
    )


class MembershipEnded(NotFound):
    """Somebody came back to an organization after the last day of their membership."""

    title = N_("Your membership has ended")
    sentence = N_("Your membership of %(organization)s ended on %(day)s. Managers and owners there can renew it.")


class MembershipSuspended(NotFound):
    """Somebody came back to an organization where they are suspended."""

    title = N_("Your membership is suspended")
    sentence = N_("Your membership of %(organization)s is suspended. Managers and owners there can restore it.")


class OwnerWithEnd(DomainError):
    """A membership that ends on a day would be an owner's, or an owner's would get such a day."""

    sentence = N_("The membership of an owner has no end. Nothing was changed; take the day or the role away first.")
    field = "role"


class EndBeyondYours(DomainError):
    """Somebody whose own membership ends would let another one last longer."""

    sentence = N_("Your own membership ends on %(day)s: you cannot let another one last longer. Nothing was changed.")
    field = "last_day"


class EndTooSoon(DomainError):
    """A membership would end on a day that is not ahead, or too far ahead."""

    sentence = N_("Choose a day after today, within ten years, or none.")
    field = "last_day"


class AlreadyInvited(DomainError):
    """The address has an open invitation."""

    sentence = N_("Somebody else invited one of these at the same moment. Nothing was sent; send it again to see whom.")
    field = "emails"


class RoleTooHigh(DomainError):
    """Somebody tried to grant a role above their own."""

    sentence = N_("You cannot give a role above your own.")
    field = "role"


class SignInAgain(DomainError):
    """Something needs a sign-in of just now: the session is older, or a provider began it, which is never enough.

    It is nobody's role that forbids it, so the audit log keeps no refusal.

    Args:
        is_confined: whether a provider began it.
        of_owners: whether what needs it is a change of who is an owner.
    """

    status = 403
    title = N_("Please sign in again")
    sentence = N_("This needs a sign-in with your password that is at most ten minutes old. Nothing was changed.")
    sentence_of_owners = N_(
        "Who is an owner changes only after a sign-in with your password that is at most ten minutes old. Nothing was "
        "changed."
    )
    sentence_confined = N_(
        "You came in through single sign-on alone, and this needs a sign-in with your password. If you have none, set "
        "one by “Forgot your password?” first. Nothing was changed."
    )
    sentence_of_owners_confined = N_(
        "You came in through single sign-on alone, and who is an owner changes only after a sign-in with your "
        "password. If you have none, set one by “Forgot your password?” first. Nothing was changed."
    )

    def __init__(self, *, is_confined: bool = False, of_owners: bool = False) -> None:
        confined = self.sentence_of_owners_confined if of_owners else self.sentence_confined
        fresh = self.sentence_of_owners if of_owners else type(self).sentence
        super().__init__(confined if is_confined else fresh)


class AboveYourRole(Forbidden):
    """Somebody tried to change the membership of a person whose role is above their own."""

    sentence = N_("Their role is above yours, so you cannot change their membership. Nothing was changed.")


class Yourself(Forbidden):
    """Somebody tried to change their own role or to suspend or remove themselves."""

    sentence = N_("You cannot change your own membership. Another manager or owner can; to go, leave the organization.")


class OfferTooHigh(Forbidden):
    """Somebody tried to act on an invitation that offers a role above their own."""

    sentence = N_("This invitation offers a role above your own. Nothing was changed.")


class OfferNotYours(Forbidden):
    """Somebody tried to act on an invitation that offers what they may not give."""

    sentence = N_("This invitation offers more than you may give. Nothing was changed.")


class LastOwner(DomainError):
    """A change would leave the organization without an active owner."""

    status = 409
    title = N_("This is the last owner")
    sentence = N_(
        "The last active owner must stay one. Nothing was changed; make somebody else an owner first, who has verified "
        "their address."
    )


class MemberAgain(DomainError):
    """A removal cannot be undone because the person has joined again."""

    status = 409
    title = N_("They are a member again")
    sentence = N_("%(name)s is a member again, so the removal cannot be undone. Nothing was changed.")


class UndoOver(DomainError):
    """A removal is too old to be undone."""

    status = 409
    title = N_("It is too late to undo this")
    sentence = N_("%(name)s was removed more than %(days)s days ago. Nothing was changed; invite them instead.")


class AccountClosed(DomainError):
    """A removal cannot be undone because the person's account is closed."""

    status = 409
    title = N_("This account is closed")
    sentence = N_("The account of %(name)s is closed, so the removal cannot be undone. Nothing was changed.")


class InvitationLimit(DomainError):
    """The organization or an address has had its invitations for today."""

    sentence = N_("The limit of invitations for today is reached. Nothing was sent; please continue tomorrow.")
    field = "emails"


class RequestLimit(DomainError):
    """The member or the organization has had its requests for today."""

    sentence = N_("The limit of suggestions for today is reached. Nothing was sent; please continue tomorrow.")
    field = "email"


class RequestNotOpen(DomainError):
    """The request was approved, rejected or has expired."""

    status = 409
    title = N_("This request is closed")
    sentence = N_("This request was answered already or has expired. Nothing was changed.")


class NobodyToAdd(DomainError):
    """No account has the address, or none that the actor may know of: the answer is the same."""

    sentence = N_("Nobody with the address %(email)s can be added in this way. Nothing was changed.")
    field = "email"


class InvitationNotOpen(DomainError):
    """The invitation was accepted, declined, revoked or has expired."""

    status = 409
    title = N_("This invitation is closed")
    sentence = N_("This invitation can no longer be used. Reload the page to see why.")


class NoAnswer(DomainError):
    """An invitation was neither accepted nor declined."""

    sentence = N_("Choose whether to accept or to decline. Nothing was changed.")


class InvitationNotSent(DomainError):
    """An invitation needs no other letter: the person has joined or was invited anew."""

    status = 409
    title = N_("Not sent")
    sentence = N_("This invitation is no longer needed. Nothing was sent.")


class HasJoined(InvitationNotSent):
    """An invitation was to be sent again to somebody who is a member."""

    sentence = N_("%(email)s has joined meanwhile. Nothing was sent.")


class InvitedAnew(InvitationNotSent):
    """An invitation was to be sent again beside another one for the same address."""

    sentence = N_("There is another open invitation or request for %(email)s. Nothing was sent.")


class LetterLimit(DomainError):
    """An address or an organization had enough letters for today."""

    status = 429
    title = N_("Enough letters for today")
    sentence = N_("%(email)s had enough letters for today. Nothing was sent; please continue tomorrow.")


class AddressProven(DomainError):
    """Another account has proven an address before."""

    status = 409
    title = N_("This address belongs to another account")
    sentence = N_(
        "Another account has proven this address, so it cannot be yours as well. Sign in with that one instead."
    )


class OtherAddress(DomainError):
    """An invitation for one address was answered by an account with another."""

    status = 403
    title = N_("This invitation is for another address")
    sentence = N_("This invitation is for %(email)s. Switch to that account to accept it.")


class LinkNotValid(DomainError):
    """A mailed link is unknown, used or expired."""

    status = 404
    title = N_("This link no longer works")
    sentence = N_("This link was used already or has expired. Ask for a new one and use the newest letter.")


class AlreadySetUp(LinkNotValid):
    """The set-up link was followed after somebody had an account."""

    title = N_("Vestibule is set up already")
    sentence = N_("The set-up link worked once, and somebody has used it. Sign in, or ask them for an invitation.")


class OrganizationsByAdministrators(Forbidden):
    """Somebody wanted to make an organization where only administrators of the instance do."""

    sentence = N_("Only administrators of this server make organizations. Nothing was changed; ask one of them.")


class InvalidSlug(DomainError):
    """A text cannot be the name of an organization in addresses."""

    sentence = N_("Use lower-case letters from a to z, digits and single hyphens between them, at most %(most)s.")
    field = "slug"


class SlugTaken(DomainError):
    """An address is reserved, or leads to another organization."""

    sentence = N_("This address is not free. Choose another one.")
    field = "slug"


class DomainProvenElsewhere(DomainError):
    """Another organization has proven a domain, and there it stays as its record does; which one is not said."""

    status = 409
    title = N_("This domain is proven already")
    sentence = N_(
        "Another organization on this server has proven this domain, and its TXT record is still published, so it "
        "leads people there. Nothing was changed. Take that record away, keep yours, and check again."
    )


class ProjectArchived(DomainError):
    """A project that is archived was to be changed."""

    status = 409
    title = N_("This project is archived")
    sentence = N_("%(name)s is archived and can only be read. Nothing was changed. Take it out of the archive first.")


class ProjectNeedsTeam(DomainError):
    """A project was to belong to no team."""

    sentence = N_("A project belongs to at least one team. Choose one.")
    field = "teams"


class LastTeam(DomainError):
    """A team was to be removed that is the only one of some projects."""

    status = 409
    title = N_("This team cannot be removed yet")
    sentence = N_(
        "No other team owns %(projects)s. Nothing was changed. Give what is named here to another team, or remove it, "
        "first."
    )


class AsItIs(DomainError):
    """A member has already what was to be given."""

    status = 409
    sentence = N_("Nothing changes for them.")


class TooManyAtOnce(DomainError):
    """More members were chosen than are changed at once."""

    sentence = N_("At most %(most)s people can be changed at once. Narrow the list, or choose some of them.")


class OftenEnough(DomainError):
    """Somebody did something as often as one may in a day, though nobody needs to that often."""

    sentence = N_(
        "You did this %(most)s times today, which is as often as one may. Nothing was changed; go on tomorrow."
    )


class TooManyMemberships(DomainError):
    """So many memberships of teams and access groups would change that everybody else would have to wait."""

    sentence = N_(
        "This would change %(given)s memberships of teams and access groups; at most %(most)s can be changed at once. "
        "Nothing was changed; choose fewer people or fewer teams."
    )
    field = "teams"


class TooManyGiven(DomainError):
    """An invitation was to offer more teams and access groups than one may."""

    sentence = N_("Choose at most %(most)s teams and access groups together.")
    field = "teams"


class NotOfOrganization(DomainError):
    """A team was chosen that is none of the organization's, or is gone."""

    sentence = N_("A team you chose is not there any more. Choose again.")
    field = "teams"


class NotYoursToGive(DomainError):
    """Somebody tried to give what they may not: a team they do not run, an access group above their role."""

    sentence = N_("You cannot give %(name)s. Choose again.")


class NotYourTeam(DomainError):
    """Somebody tried to let people join or leave a team that they may not change."""

    sentence = N_("You may not change who belongs to %(name)s.")
    field = "teams"


class NameTaken(DomainError):
    """A team of the organization, or a project of the team, has the name."""

    sentence = N_("%(name)s exists already. Choose another name.")
    field = "name"


class GroupNameTaken(DomainError):
    """An access group of the team has the name."""

    sentence = N_("The team already has an access group called %(name)s. Choose another name.")
    field = "name"


class GroupManaged(DomainError):
    """Somebody tried to change an access group that a source fills."""

    status = 409
    title = N_("This access group is filled automatically")
    sentence = N_("%(name)s is filled by %(source)s, so nobody changes it here. Nothing was changed.")


class GroupMapped(GroupManaged):
    """Somebody tried to change an access group that single sign-on fills."""

    sentence = N_(
        "%(name)s is filled by single sign-on, so nobody changes it here. Nothing was changed. An owner can remove the "
        "claim mappings that fill it."
    )


class EmptyGroup(DomainError):
    """An access group was to hold no projects, or nobody."""

    sentence = N_("An access group holds at least one project and one member. Choose some.")


class NotOfTeam(DomainError):
    """An access group was to hold a project of another team, or somebody who is no member."""

    sentence = N_("Something you chose is not there any more, or not in this team. Choose again.")


class PluginFailed(DomainError):
    """A plug-in raised, or said what it may not, where no answer would be safe."""

    status = 503
    title = N_("A plug-in failed")
    sentence = N_("The plug-in %(name)s failed. Nothing was changed; the log of the server says where.")


class GroupTooHigh(Forbidden):
    """Somebody tried to take a project from an access group whose level is above their role."""

    sentence = N_(
        "The level of the access group %(group)s is above your role, so you cannot take away what it gives on "
        "%(project)s. Nothing was changed."
    )


class RemovedFromAbove(Forbidden):
    """Somebody tried to undo a removal by a person whose role is above their own."""

    sentence = N_("Somebody whose role is above yours removed %(name)s, so you cannot undo it. Nothing was changed.")


class HasLeft(DomainError):
    """A membership was to be put back that its owner gave up: they are asked by an invitation."""

    status = 409
    title = N_("They left on their own")
    sentence = N_("%(name)s left on their own, so only an invitation brings them back. Nothing was changed.")
