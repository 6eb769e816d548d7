"""A process that changes one membership again and again, and says of each change that it is done.

Started again after its death, it goes on where it was.
"""

import os
from collections.abc import Mapping
from multiprocessing.connection import Connection

from sqlalchemy import func, select

from webapp import create_app
from webapp.access.actor import Actor
from webapp.config import Settings
from webapp.db import db, perform
from webapp.models import AuditEntry, Member, Role
from webapp.services import members, organizations


def changes_of(member_id: int) -> int:
    """Return how often a membership has been changed."""
    changes = select(func.count()).where(AuditEntry.target_kind == "member", AuditEntry.target_id == member_id)
    return db.session.scalars(changes.where(AuditEntry.event == "member.role_changed")).one()


def change(member_id: int) -> None:
    """Give a member another role, as a command would."""
    organization = organizations.lock(db.session.get_one(Member, member_id).organization_id)
    member = db.session.get_one(Member, member_id, populate_existing=True)
    role = Role.MEMBER if member.role is Role.ADMIN else Role.ADMIN
    members.change_role(Actor.system(), organization, member, role)


def main(environment: Mapping[str, str], member_id: int, times: int, said: Connection) -> None:
    """Change the membership until it has been changed so many times."""
    os.environ.clear()
    os.environ.update(environment)
    with create_app(Settings.from_environment()).app_context():
        done = perform(lambda: changes_of(member_id), write=False)
        for number in range(done, times):
            perform(lambda: change(member_id), write=True)
            said.send(number)
