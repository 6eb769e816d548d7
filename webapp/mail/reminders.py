"""Reminders of invitations, queued by the worker in batches too small to keep anybody waiting."""

from functools import partial

from webapp.db import perform
from webapp.mail.apart import attempt
from webapp.services import invitation_reminders


def queue_due() -> None:
    """Queue every reminder that is due. The lock of the organization keeps two workers from doing so twice.

    Where it fails for an organization, that one waits for the worker's next turn, and the others do not.
    """
    for organization_id in perform(invitation_reminders.organizations_to_remind, write=False):
        step = partial(_queue_all_of, organization_id)
        attempt(step, "Reminders could not be queued; the worker tries again.", organization=organization_id)


def _queue_all_of(organization_id: int) -> None:
    last: int | None = 0
    while last is not None:
        last = perform(partial(invitation_reminders.remind, organization_id, last), write=True)
