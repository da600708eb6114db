"""Gateways that take one message a call: a bounded pool of threads calls, the database work stays outside of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar, TypeVar

from django.utils import timezone
from django.utils.translation import gettext as _

from smsoffice.backend.sms.base import Gateway, Message
from smsoffice.backend.sms.outcomes import Outcome, of_failed_call
from smsoffice.exceptions import NotNow, RefusedForUs
from smsoffice.states import State

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NotBegun:
    """A call that was left out, and so is no attempt, because another was told to stop."""

    reason: Exception


class OneByOneGateway(Gateway):
    """A gateway with a call for each message: says how to submit one and, if it can be asked, how to ask about one."""

    threads: ClassVar[int] = 16
    """Calls under way at once from one process; so many connections are kept."""

    batch_size: ClassVar[int] = 96

    @property
    def call_deadline(self) -> timedelta:
        """How long one call may last."""
        return timedelta(seconds=20)

    @property
    def deadline(self) -> timedelta:
        # The last message of a batch leaves when those before it have had their time.
        return self.call_deadline * -(-self.batch_size // self.threads)

    def submit_one(self, message: Message) -> Outcome:
        """Hand one message over. Runs in a thread and must not touch the database.

        Raises:
            RefusedForUs, NotNow: the gateway takes nothing from us now; calls that have not begun are left out.
            GatewayError: this call failed.
        """
        raise NotImplementedError

    def ask_one(self, message: Message) -> Outcome | None:
        """Ask about one message, like `submit_one`; None where nothing is to be learnt."""
        raise NotImplementedError

    def submit(self, messages: Sequence[Message]) -> Iterable[tuple[int, Outcome]]:
        results = self._each(self._submit_in_time, messages)
        # A gateway that answered one of the calls is not at fault as a whole.
        all_failed = all(isinstance(told, Exception) for _message, told in results)
        for message, told in results:
            if isinstance(told, (NotNow, RefusedForUs)) or (isinstance(told, Exception) and all_failed):
                yield message.pk, of_failed_call(told)
            elif isinstance(told, Exception):
                yield message.pk, replace(of_failed_call(told), stops=None)
            elif isinstance(told, NotBegun):
                yield message.pk, replace(of_failed_call(told.reason), spent=False)
            elif told is not None:
                yield message.pk, told

    def ask(self, messages: Sequence[Message]) -> Iterable[tuple[int, Outcome]]:
        return [(message.pk, told) for message, told in self.answers(self.ask_one, messages) if told is not None]

    def answers(self, call: Callable[[Message], T], messages: Sequence[Message]) -> list[tuple[Message, T]]:
        """What a question about each message told; one that failed says nothing of its message.

        Raises:
            Exception: all of them failed; the first failure.
        """
        told = self._each(call, messages)
        failures = [failure for _message, failure in told if isinstance(failure, Exception)]
        if failures and len(failures) == sum(not isinstance(one, NotBegun) for _message, one in told):
            raise failures[0]
        return [(message, one) for message, one in told if not isinstance(one, (Exception, NotBegun))]

    def _submit_in_time(self, message: Message) -> Outcome:
        now = timezone.now()
        if message.sent_at and now - message.sent_at > self.deadline:
            # This process slept in the midst of the batch. Others may have asked about the message meanwhile.
            return Outcome(State.WAITING, words=_("Its turn came too late, so it was left alone."), spent=False)
        if message.expires_at and message.expires_at <= now:
            # It waits again, and so ends as all that is not handed over in time.
            return Outcome(State.WAITING, words=_("Its time was over before its turn came."), spent=False)
        return self.submit_one(message)

    def _each(
        self, call: Callable[[Message], T], messages: Sequence[Message]
    ) -> list[tuple[Message, T | Exception | NotBegun]]:
        """What a call for each message told; one that fails leaves the others alone."""
        stopped: list[Exception] = []

        def one(message: Message) -> tuple[Message, T | Exception | NotBegun]:
            if stopped:
                return message, NotBegun(stopped[0])
            try:
                return message, call(message)
            except Exception as error:
                self.log_failure(error)
                if isinstance(error, (NotNow, RefusedForUs)):
                    stopped.append(error)
                return message, error

        if len(messages) == 1:
            return [one(messages[0])]
        with ThreadPoolExecutor(min(self.threads, len(messages)), thread_name_prefix="sms-gateway") as pool:
            return list(pool.map(one, messages))
