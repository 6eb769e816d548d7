"""Asking before something is taken away: what will happen, and who would lose which access."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from hashlib import sha256

from flask import Response, request
from flask_babel import lazy_gettext as _
from wtforms import HiddenField
from wtforms.validators import InputRequired

from webapp import db as database
from webapp.access.impact import Affected, Impact, impact_of
from webapp.db import MustWrite
from webapp.errors import DomainError
from webapp.http.forms import Form
from webapp.http.htmx import in_place, respond
from webapp.http.problems import translated
from webapp.queries.impact import Line, lines_of
from webapp.services import audit
from webapp.services.audit import Event

MOST_LINES = 50


class ConfirmForm(Form):
    """That somebody has read what will happen; `seen` stands for what the page said of it."""

    confirm = HiddenField(_("Confirmation"), validators=[InputRequired(_("Confirm that this shall happen."))])
    seen = HiddenField()


def is_turning_back() -> bool:
    """Tell whether a form came only to be filled in again, from the question whether what it says shall be done."""
    return request.method == "POST" and "back" in request.form


class Question:
    """What a page says will happen; its digest stands for that, so that a yes to something else is none.

    `refusal` says why the viewer may not answer it yet.
    """

    impact: Impact | None = None
    refusal: DomainError | None = None

    def __init__(self, said: str) -> None:
        self.digest = sha256(said.encode()).hexdigest()

    def is_confirmed(self, form: ConfirmForm) -> bool:
        """Tell whether the form confirms just this; where the world has moved since its page was made, it says so."""
        if not form.validate_on_submit():
            return False
        if form.seen.data in (None, "", self.digest):
            return True
        form.form_errors.append(_("Something changed in the meantime, so nothing was done. Read again what happens."))
        return False


class Preview(Question):
    """What a change would do to access, found by making it and taking it back.

    The view declares `previews`, so that a request that only asks has a transaction for this.

    Args:
        change: calls the service.
        affected: whose access to what it may concern.
        what: which change it is, where one address makes several.
    """

    def __init__(self, change: Callable[[], object], affected: Affected, what: str = "") -> None:
        self.impact: Impact = impact_of(change, affected)
        super().__init__(f"{what} {self.impact.digest()}")

    @cached_property
    def lines(self) -> Sequence[Line]:
        """The first lines of what changes, losses first, by name."""
        return lines_of(self.impact, MOST_LINES)

    @property
    def more(self) -> int:
        """How many lines there are beyond those."""
        return len(self.impact.shifts) - len(self.lines)

    @property
    def losers(self) -> int:
        """How many people reach less than before."""
        return len({shift.member_id for shift in self.impact.losses})

    @property
    def gainers(self) -> int:
        """How many people reach more than before, and nothing less."""
        return len({shift.member_id for shift in self.impact.shifts}) - self.losers

    def must_ask(self, form: ConfirmForm, *, anyway: bool = False) -> bool:
        """Tell whether somebody loses something, or it is asked anyway, and nobody has confirmed that yet."""
        return (self.impact.takes_away or anyway) and not self.is_confirmed(form)

    def noted(self, *events: Event) -> AbstractContextManager[None]:
        """Return a block in which the audit entries of `events` keep what the change does.

        Raises:
            MustWrite: the request was only tried so far.
        """
        if database.is_for_trying():
            raise MustWrite
        return audit.with_impact(events, self.impact.described())


class Counted(Preview):
    """A preview of a change that is made later, a batch at a time: it concerns too many people to be tried."""

    def __init__(self, _change: Callable[[], object], affected: Affected, what: str = "") -> None:
        self.impact = Impact(affected, is_counted=True)
        Question.__init__(self, f"{what} {self.impact.digest()}")


def confirmation(
    fragment: str,
    form: ConfirmForm,
    *,
    preview: Question | None = None,
    carried: Sequence[tuple[str, str]] = (),
    **context: object,
) -> Response:
    """Show what will happen and ask whether it shall.

    Again with 422 where the answer was not sent along, and with 409 where it was given to something else.

    Args:
        fragment: the template of the question.
        form: the answer, as far as it came.
        preview: what the change does, above all to access.
        carried: names and values of another form that is sent again with the answer.
        context: what the templates show.
    """
    if carried and "confirm" not in request.form:
        form.confirm.errors = ()
    refusal = preview.refusal if preview else None
    status = refusal.status if refusal else 409 if form.form_errors else 422
    status = status if request.method == "POST" else 200
    said = {"fragment": fragment, "form": form, "preview": preview, "carried": carried, **context}
    said |= {"refusal": refusal and translated(refusal)}
    answer = respond("layout/confirm.html", {"panel": fragment}, status=status, **{"section": "members", **said})
    return in_place(answer, "panel") if status == 409 else answer
