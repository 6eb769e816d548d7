"""Forms that replace a whole set: none overwrites what somebody else changed since its page was made."""

import json
from hashlib import sha256
from typing import Any

from flask_babel import gettext as _
from wtforms import HiddenField

from webapp.http.forms import Form


class ShownForm(Form):
    """A form that replaces everything it shows; `shown` stands for what that was when its page was made.

    Software that sends no `shown` has chosen to overwrite whatever is there.
    """

    shown = HiddenField()

    def is_stale(self, present: str) -> bool:
        """Tell whether something else is there by now than the form's page showed, and say so above the form.

        From then on the form stands for what is there now: to send it again is to store it all the same.

        Args:
            present: what `digest_of` says of what is there.
        """
        if self.shown.data in (None, "", present):
            return False
        self.shown.data = present
        self.form_errors.append(
            _(
                "Somebody changed this after you had opened the form, so nothing was stored. What you chose is still "
                "here. See in another tab what is there now, then save again to store what stands here instead."
            )
        )
        return True

    def carried(self) -> list[tuple[str, str]]:
        """Return the names and values that send the same form again."""
        return [("shown", self.shown.data)] if self.shown.data else []


def digest_of(*present: Any) -> str:
    """Return what stands for present values, made of texts and numbers; the order of a set does not matter."""
    said = [sorted(value) if isinstance(value, (set, frozenset)) else value for value in present]
    return sha256(json.dumps(said).encode()).hexdigest()
