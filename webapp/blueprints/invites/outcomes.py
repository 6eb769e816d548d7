"""What happened to each address, as sentences."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask_babel import gettext as _

from webapp.errors import N_
from webapp.services.invitation_batches import Outcome, Result
from webapp.services.invitation_limits import PER_ADDRESS_A_DAY, PER_ADDRESS_OF_ALL_A_DAY

SENTENCES = {
    Result.INVITED: N_("Invited. The letter is on its way."),
    Result.MEMBER: N_("Already a member. Nothing was sent."),
    Result.ENDED: N_(
        "A member already, whose membership has ended. It can be renewed on their own page. Nothing was sent."
    ),
    Result.OPEN: N_("Already invited; that invitation still works. Nothing was sent."),
    Result.MALFORMED: N_("Not an email address we can write to. Correct it below and send again."),
    Result.LIMITED: N_(
        "Had enough invitations for today: %(most)s from one organization, or %(of_all)s from all of them. Try again "
        "tomorrow."
    ),
}
OF_SUSPENDED = {
    Result.INVITED: N_(
        "Invited. The letter is on its way. A suspended member is listed with this address and has not verified it. "
        "Whoever accepts becomes another member; the suspended one stays as they are."
    ),
    Result.MEMBER: N_("A member already, who is suspended. They can be restored on their own page. Nothing was sent."),
}


@dataclass(frozen=True)
class OutcomeRow:
    """One address and what happened to it."""

    address: str
    outcome: str
    sentence: str


def described(outcomes: Iterable[Outcome]) -> list[OutcomeRow]:
    """Return outcomes with their sentences."""
    return [OutcomeRow(o.address, o.result.value, _sentence(o)) for o in outcomes]


def _sentence(outcome: Outcome) -> str:
    sentences = {**SENTENCES, **OF_SUSPENDED} if outcome.is_suspended else SENTENCES
    return str(_(sentences[outcome.result], most=PER_ADDRESS_A_DAY, of_all=PER_ADDRESS_OF_ALL_A_DAY))
