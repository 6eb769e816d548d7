"""What single sign-on refuses, each as a sentence for the person who sees it."""

from enum import StrEnum
from typing import ClassVar

from webapp.errors import N_, DomainError, Forbidden


class Then(StrEnum):
    """What whoever is refused does next, where that is not to begin again."""

    LINK = "link"
    UNLINK = "unlink"
    FIND_ANOTHER_WAY_IN = "find_another_way_in"


class SsoError(DomainError):
    """Single sign-on refuses something; the audit log says why, where `noted` does, and its page what comes `then`."""

    noted = ""
    then: ClassVar[Then | None] = None


class ConnectionChanged(SsoError):
    """The connection was changed or switched off between leaving for the provider and coming back."""

    status = 409
    title = N_("Single sign-on was changed meanwhile")
    sentence = N_("Single sign-on of this organization was changed or switched off meanwhile. Please start again.")


class FlowNotYours(SsoError):
    """A browser came back from a provider without having been sent there, too late, or a second time."""

    status = 400
    title = N_("This sign-in cannot be finished")
    sentence = N_(
        "It was begun in another browser, was finished already, or took longer than ten minutes. Nothing was changed. "
        "Please start again."
    )


class LeftTooOften(SsoError):
    """One flow led to the provider more often than somebody who goes back and forth would."""

    status = 429
    title = N_("This page was opened too often")
    sentence = N_("This way to the provider was opened too often. Nothing was changed. Please start again.")


class SignOnRefused(SsoError):
    """The provider vouches for somebody who may not come in."""

    status = 403
    title = N_("You were not let in")
    sentence = N_(
        "Your account here is closed, or your membership is suspended or has ended. Ask an owner of the organization."
    )


class NotInvited(SignOnRefused):
    """Nobody here is known by this identity, and nothing lets them join."""

    noted = N_("Nobody here is linked to this identity, and no invitation waits for the address that was named.")
    sentence = N_(
        "You are not a member of %(organization)s, and no invitation waits for the address your provider names. "
        "Nothing was changed. Ask somebody there to invite you."
    )


class KnownBefore(SignOnRefused):
    """The identity was somebody's here, who may have been removed or suspended since: no policy lets them join."""

    then = Then.LINK
    noted = N_(
        "This identity belonged to somebody here before, and no invitation waits for the address that was named."
    )
    sentence = N_(
        "Your account at the provider belonged to somebody here before. Nothing was changed. If you are a member of "
        "%(organization)s, sign in as you did before and link your account again. Otherwise ask somebody there to "
        "invite you."
    )


class InvitedIsAnother(SignOnRefused):
    """Somebody came back by an invitation whose address their provider does not name."""

    noted = N_("The invitation they came by is for another address than the one that was named.")
    title = N_("This invitation is for another address")
    sentence = N_(
        "The invitation is for %(email)s, and your provider names another address or has not verified it. Nothing was "
        "changed, and the invitation is still open. Choose the right account there, or accept it in another way."
    )


class LinkFirst(SignOnRefused):
    """An account with the claimed address exists: its owner signs in and links, and nobody else gets it."""

    then = Then.LINK
    noted = N_("An account with the address that was named exists already, and is not linked.")
    title = N_("There is an account with this address already")
    sentence = N_(
        "An account here has the address your provider names. Nothing was changed. Sign in to it as you did before, "
        "join %(organization)s if you have not yet, and link your account there."
    )


class NamedTooOften(SignOnRefused):
    """The provider has named too many addresses of others today; all who are new are told this, known here or not."""

    noted = N_("Too many addresses were named today that are accounts' already, in domains that are not proven.")
    title = N_("Nobody new can come in this way today")
    sentence = N_(
        "The provider of %(organization)s has named too many addresses today whose domains the organization has not "
        "proven. Nothing was changed. Ask an owner there to prove the domain of your address, or try again tomorrow."
    )


class AddressUnproven(SsoError, Forbidden):
    """Somebody wanted to link an account whose address nobody has proven."""

    title = N_("Verify your address first")
    sentence = N_("Your address is not verified yet, so your account cannot be linked. Nothing was changed.")


class IdentityTaken(SsoError):
    """The identity belongs to another user, or did before they unlinked it."""

    status = 409
    title = N_("This account there is somebody else's")
    sentence = N_(
        "The account you chose at the provider is linked to somebody else here, or was before. Nothing was changed, "
        "and both of you are told by email."
    )


class SecondIdentity(SsoError):
    """The user is linked to another identity at the same provider."""

    status = 409
    title = N_("You are linked already")
    sentence = N_(
        "You are linked to another account at this provider. Nothing was changed, and you are told by email. Unlink "
        "that one first; where single sign-on is required, come in through it before you do. If that link is not "
        "yours, ask an owner to take it away."
    )


class LastWayIn(SsoError):
    """Unlinking would leave somebody without any way to sign in."""

    then = Then.FIND_ANOTHER_WAY_IN
    status = 409
    title = N_("This is your only way in")
    sentence = N_(
        "Without the link you could not sign in any more: that takes a password and a verified address. Nothing was "
        "changed."
    )


class OwnLink(SsoError, Forbidden):
    """Somebody wanted to take their own link away as one takes another member's."""

    then = Then.UNLINK
    title = N_("This is your own link")
    sentence = N_("Nothing was changed. You unlink your own account on a page of its own.")


class LastLinkedOwner(SsoError):
    """Unlinking would leave an organization that requires single sign-on without an owner who can come in."""

    status = 409
    title = N_("This is the last linked owner")
    sentence = N_(
        "Single sign-on is required, and no other owner is linked. Nothing was changed; let another owner link their "
        "account first, or stop requiring it."
    )


class NotThroughProvider(SsoError):
    """Somebody wanted to require what they have not just shown to work."""

    title = N_("Sign in through the provider first")
    sentence = N_(
        "Only an owner who has signed in through the provider within the last ten minutes can require it, so that "
        "nobody is locked out by a connection that does not work. Nothing was changed."
    )


class NothingRequired(SsoError):
    """There is nothing to bypass."""

    status = 409
    title = N_("Single sign-on is not required")
    sentence = N_("Single sign-on is not required in this organization at present, so there is nothing to bypass.")


class OwnersOnly(SsoError, Forbidden):
    """Somebody who is no owner wanted to come in by a recovery code."""

    title = N_("Recovery codes are for owners")
    sentence = N_("Only owners come in by a recovery code. Nothing was changed; ask an owner of the organization.")


class WrongRecoveryCode(DomainError):
    """What was entered is no recovery code, or none that works any more."""

    sentence = N_("This is none of the codes that are left. Each works once, and new codes replace all earlier ones.")
    field = "code"


class SecretNeeded(DomainError):
    """A connection was saved without a secret, or with the one that was meant for another address."""

    sentence = N_("Enter the client secret. It is asked for again when what it is sent to changes.")
    field = "client_secret"


class InvalidDomain(DomainError):
    """What was entered as a domain is none that addresses have."""

    sentence = N_("“%(domain)s” is no domain of email addresses. Enter what stands after the @, such as example.org.")
    field = "domains"


class TooManyDomains(DomainError):
    """More domains were entered than an organization may list."""

    sentence = N_("These are more than %(most)s domains. Leave some out.")
    field = "domains"


class DomainNeeded(DomainError):
    """People may join, but no domain says who."""

    sentence = N_("Enter the domains whose people may join, or let in only those who are invited.")
    field = "domains"


class OwnersAreMade(DomainError):
    """Everybody who joins would be an owner."""

    sentence = N_("Nobody becomes an owner by joining. Choose another role; owners can change it later.")
    field = "default_role"


class NoGroupToMap(DomainError):
    """A mapping was to fill an access group that is not there, or that something else fills."""

    sentence = N_("Choose one of the access groups. Those that a plug-in fills cannot be filled by a claim.")
    field = "group"


class AlreadyMapped(DomainError):
    """There is this very mapping."""

    sentence = N_("This value of the claim fills this access group already.")
    field = "value"


class MappingEnds(DomainError):
    """There was this very mapping, and people are leaving its group yet."""

    sentence = N_("This mapping is being removed. Add it again in a few minutes.")
    field = "value"


class TooManyMappings(DomainError):
    """The organization has as many mappings as there may be."""

    sentence = N_("There are %(most)s claim mappings already. Remove one first.")
    field = "value"


class DomainUnknown(DomainError):
    """No organization whose connection is in use has proven a domain."""

    sentence = N_(
        "Nobody signs in here through a provider by addresses of %(domain)s. Sign in with your password, or at the "
        "address that your organization has given you."
    )
    field = "email"


class NotProven(DomainError):
    """What is published does not prove a domain."""


class RecordMissing(NotProven):
    """Nothing is published where the proof of a domain should be."""

    sentence = N_(
        "%(name)s has no TXT record yet. Publish the one shown here, and check again; name servers may take hours to "
        "pass it on."
    )


class RecordDiffers(NotProven):
    """Something else is published where the proof of a domain should be."""

    sentence = N_("%(name)s has a TXT record, but with another value. Publish the value shown here, and check again.")


class RecordUnknown(NotProven):
    """The name servers did not answer, so nobody knows what is published."""

    sentence = N_("The name servers of %(domain)s do not answer, so nothing is known of its record. Check again later.")
