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


@dataclass(frozen=True)
class OutcomeRow:
    """One address and what happened to it."""

    address: str
    outcome: str
    sentence: str


def described(outcomes: Iterable[Outcome]) -> list[OutcomeRow]:
    """Return outcomes with their sentences."""
    return [OutcomeRow(o.address, o.result.value, _sentence(o.result)) for o in outcomes]


def _sentence(result: Result) -> str:
    return str(_(SENTENCES[result], most=PER_ADDRESS_A_DAY, of_all=PER_ADDRESS_OF_ALL_A_DAY))
