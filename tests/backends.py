"""Gateways that live in this process and say what a test tells them to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from smsoffice.backend.sms import SMSBackend, base, get_sms_backend
from smsoffice.backend.sms.base import Gateway
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State

Messages = Sequence[OutputSMSMessage]
Answer = Outcome | Exception | Callable[[Messages], Iterable[tuple[int, Outcome]]]
B = TypeVar("B", bound=SMSBackend)

TAKEN = Outcome(State.SENDING, "0", "Taken.")


class ScriptedGateway(Gateway):
    """A gateway of ours without a wire; it says `answer` to each hand-over and `told` to each question.

    An answer is what is said of every message, an error of the whole call, or a function of its messages.
    """

    batch_size: ClassVar[int] = 200

    def __init__(self) -> None:
        self.answer: Answer = TAKEN
        self.told: Answer = lambda messages: []
        self.by_recipient: dict[str, Outcome] = {}
        self.calls: list[list[str]] = []
        self.questions: list[list[str]] = []

    @property
    def deadline(self) -> timedelta:
        return timedelta(seconds=30)

    @property
    def handed_over(self) -> list[str]:
        """The numbers that anything was handed over for, in their order."""
        return [recipient for call in self.calls for recipient in call]

    def submit(self, messages: Messages) -> Iterable[tuple[int, Outcome]]:
        self.calls.append([message.recipient for message in messages])
        return self._say(self.answer, messages)

    def ask(self, messages: Messages) -> Iterable[tuple[int, Outcome]]:
        self.questions.append([message.recipient for message in messages])
        return self._say(self.told, messages)

    def _say(self, answer: Answer, messages: Messages) -> Iterable[tuple[int, Outcome]]:
        if isinstance(answer, Exception):
            raise answer
        if not isinstance(answer, Outcome):
            return answer(messages)
        return [(message.pk, self.by_recipient.get(message.recipient, answer)) for message in messages]


class OtherGateway(ScriptedGateway):
    """Another gateway, as a site has that changed its gateway, with its own script."""


def use(settings: Any, backend: type[B]) -> B:
    """Put a gateway in force, as new as in a new process, and give it back."""
    base._instance.cache_clear()
    settings.PYMESS_SMS_SENDER_BACKEND = backend.path()
    instance = get_sms_backend()
    assert isinstance(instance, backend)
    return instance
