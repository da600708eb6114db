"""A gateway that lives in the test and says what the test tells it to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from django.test import override_settings

from smsoffice.backend.sms.base import Gateway, Message
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.models.gateway import GatewayStatus
from smsoffice.states import State

Says = Outcome | State | Exception
"""What is said of a message: an outcome, a state, or an error of the whole call (NotNow, RefusedForUs, …)."""


class ScriptedGateway(Gateway):
    """Says to each hand-over, and then to each question, the next thing of its script; the last one again and again."""

    name: ClassVar[str] = "Scripted"
    script: ClassVar[list[Says]] = []
    handed_over: ClassVar[list[Message]] = []

    def submit(self, messages: Sequence[Message]) -> Iterable[tuple[int, Outcome]]:
        self.handed_over.extend(messages)
        return self._say(messages)

    def ask(self, messages: Sequence[Message]) -> Iterable[tuple[int, Outcome]]:
        return self._say(messages)

    def _say(self, messages: Sequence[Message]) -> list[tuple[int, Outcome]]:
        if not self.script:
            return []  # Asked about a message of a script that is over.
        says = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(says, Exception):
            raise says
        outcome = says if isinstance(says, Outcome) else Outcome(State(says), words="As scripted.")
        return [(message.pk, outcome) for message in messages]


@contextmanager
def gateway_says(*script: Says) -> Iterator[list[Message]]:
    """Put a gateway in force that says these things, one a call, the last one again and again.

    It is a new one each time: what an earlier one refused or put off pauses nothing.

    Returns:
        The list of the messages that are handed over while it lasts, each as often as it is.
    """
    if not script:
        raise ValueError("Tell the gateway at least one thing to say, e.g. gateway_says(State.DELIVERED).")
    handed_over: list[Message] = []
    before = ScriptedGateway.script, ScriptedGateway.handed_over
    ScriptedGateway.script, ScriptedGateway.handed_over = list(script), handed_over
    GatewayStatus.objects.filter(backend=ScriptedGateway.path()).delete()
    try:
        with override_settings(PYMESS_SMS_SENDER_BACKEND=ScriptedGateway.path()):
            yield handed_over
    finally:
        ScriptedGateway.script, ScriptedGateway.handed_over = before
