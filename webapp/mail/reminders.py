"""Reminders of invitations, queued by the worker in batches too small to keep anybody waiting."""

from functools import partial

from webapp.db import perform
from webapp.services import invitation_reminders


def queue_due() -> None:
    """Queue every reminder that is due. The lock of the organization keeps two workers from doing so twice."""
    for organization_id in perform(invitation_reminders.organizations_to_remind, write=False):
        last: int | None = 0
        while last is not None:
            last = perform(partial(invitation_reminders.remind, organization_id, last), write=True)
