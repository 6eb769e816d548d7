"""Histories of an organization, made up by Hypothesis: the application does what a plain model says, on both databases.

Who may not, is refused for the reason the model gives; nothing else changes, no letter leaves, the audit log is whole.
"""

from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.model.acts import COMMAND_LINE, Act, Chooser
from tests.model.organization import UNDO
from tests.model.plain import Plain
from tests.model.played import Played, beginnings
from webapp.models import Role

EXAMPLES, STEPS = 14, 30
MANY_EXAMPLES, MANY_STEPS = 100, 50


class Histories(RuleBasedStateMachine):
    """One organization, beside another that must not notice."""

    def __init__(self, begin: Callable[[], Played]) -> None:
        super().__init__()
        self.plain, self.played = Plain(), begin()
        self.seen = self.played.picture()

    def act(self, verb: str, data: st.DataObject) -> None:
        """Let somebody do something, if there is anything to act upon."""
        if act := self.chosen(verb, data):
            self.do(act)

    def chosen(self, verb: str, data: st.DataObject) -> Act | None:
        return Chooser(self.plain, lambda below: data.draw(st.integers(0, below - 1))).choose(verb)

    def do(self, act: Act) -> None:
        """Let it be done, in the model and in the application."""
        expected = self.plain.do(act)
        note(f"{act}: {expected}")
        assert self.played.do(act) == expected
        self.seen = self.played.picture()
        assert self.seen == self.plain.picture()

    @rule(data=st.data())
    def invite(self, data: st.DataObject) -> None:
        self.act("invite", data)

    @precondition(lambda self: self.plain.offers)
    @rule(verb=st.sampled_from(["accept", "register", "accept", "decline"]), data=st.data())
    def answer(self, verb: str, data: st.DataObject) -> None:
        self.act(verb, data)

    @precondition(lambda self: self.plain.offers)
    @rule(verb=st.sampled_from(["resend", "copy", "revoke"]), data=st.data())
    def renew(self, verb: str, data: st.DataObject) -> None:
        self.act(verb, data)

    @rule(verb=st.sampled_from(["give", "suspend", "restore"]), data=st.data())
    def change(self, verb: str, data: st.DataObject) -> None:
        self.act(verb, data)

    @rule(verb=st.sampled_from(["remove", "leave", "remove"]), data=st.data())
    def end(self, verb: str, data: st.DataObject) -> None:
        self.act(verb, data)

    @precondition(lambda self: self.plain.undoable)
    @rule(first=st.sampled_from(["invite", "wait", "", "wait", "invite"]), data=st.data())
    def undo(self, first: str, data: st.DataObject) -> None:
        """At once, once they are invited again, or once it is too late."""
        act = self.chosen("undo", data)
        if first == "wait":
            self.do(Act("wait", more=UNDO))
        elif first and act and (removal := self.plain.removed.get(act.subject)):
            self.do(Act("invite", COMMAND_LINE, self.plain.accounts[removal.name].email, Role.MEMBER))
        if act:
            self.do(act)

    @rule(verb=st.sampled_from(["wait", "allow"]), data=st.data())
    def go_on(self, verb: str, data: st.DataObject) -> None:
        self.act(verb, data)

    @invariant()
    def has_an_owner(self) -> None:
        assert ("owner", "active") in self.seen["members"].values()

    @invariant()
    def has_at_most_one_open_invitation_for_an_address(self) -> None:
        emails = [email for email, _role, state in self.seen["invitations"] if state == "pending"]
        assert len(emails) == len(set(emails))

    def teardown(self) -> None:
        assert self.played.is_other_unchanged


def run(app: Flask, examples: int, steps: int) -> None:
    """Make up histories and hold the application to the model."""
    with_fixtures = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=with_fixtures,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    )
    # It is typed to take a class, and documented to take whatever makes a machine
    run_state_machine_as_test(partial(Histories, beginnings(app)), settings=profile)  # type: ignore[arg-type]


def test_application_does_what_the_model_says(app: Flask) -> None:
    run(app, EXAMPLES, STEPS)


@pytest.mark.soak
def test_application_does_what_the_model_says_for_long(app: Flask) -> None:
    run(app, MANY_EXAMPLES, MANY_STEPS)
