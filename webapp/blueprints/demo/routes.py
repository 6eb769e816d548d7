"""Pages of the demo mailbox. They exist in a demo only."""

from flask import Blueprint, render_template

from webapp.errors import NotFound
from webapp.http.rules import PUBLIC, access
from webapp.http.settings import settings
from webapp.mail.demo_mailbox import DemoMailbox

bp = Blueprint("demo", __name__, url_prefix="/demo")


def _mailbox() -> DemoMailbox:
    return DemoMailbox(settings().data_dir)


@bp.get("/mailbox")
@access(PUBLIC)
def mailbox() -> str:
    """List the newest letters."""
    return render_template("demo/mailbox.html", letters=_mailbox().newest())


@bp.get("/mailbox/<key>")
@access(PUBLIC)
def letter(key: str) -> str:
    """Show one letter."""
    found = _mailbox().find(key)
    if found is None:
        raise NotFound
    return render_template("demo/letter.html", letter=found)
