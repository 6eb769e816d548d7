"""A database that refuses an audit entry, and with it the change the entry is about."""

from webapp.db import db


def refuse_entries_about(target: int) -> None:
    """Let the database refuse the audit entries about what has this id, from now on; within a transaction."""
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(
            f"create trigger refuse before insert on audit_entry when new.target_id = {target} "
            "begin select raise(abort, 'refused'); end"
        )
        return
    connection.exec_driver_sql(
        "create function refuse() returns trigger language plpgsql as "
        "$$ begin raise exception 'refused' using errcode = '23514'; end $$"
    )
    connection.exec_driver_sql(
        "create trigger refuse before insert on audit_entry for each row "
        f"when (new.target_id = {target}) execute function refuse()"
    )
