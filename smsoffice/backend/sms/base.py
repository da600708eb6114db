"""What every gateway is: the class that a third party extends, and the one that our own gateways share."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from smsoffice.backend.sms.outcomes import Outcome, answered, as_gateway_error, asked, of_failed_call
from smsoffice.conf import conf
from smsoffice.exceptions import GatewayError, NotNow, RefusedForUs
from smsoffice.models.checking import claim_for_check
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.models.transitions import Overtaken, hand_over, record
from smsoffice.states import State

logger = logging.getLogger("smsoffice.gateway")

Message = OutputSMSMessage


class SMSBackend:
    """A gateway. Override `publish_message`, or `publish_messages` where the gateway takes several in one call."""

    name: ClassVar[str] = ""
    """What operators call the gateway; the class's name where it is empty."""

    batch_size: ClassVar[int] = 1
    """How many messages the queue hands to one `publish_messages`."""

    sends: ClassVar[bool] = True
    """False for a backend that sends nothing: its messages go to DEBUG and it is not called."""

    @property
    def asks(self) -> bool:
        """Whether there is somebody to ask what became of messages."""
        return type(self).bulk_check_sms_states is not SMSBackend.bulk_check_sms_states

    @property
    def own_prefix(self) -> str | None:
        """What stands before a message's key in the id that we give it at the gateway; None: the gateway gives it."""
        return None

    @classmethod
    def path(cls) -> str:
        """The path that settings and rows know this gateway by."""
        return f"{cls.__module__}.{cls.__qualname__}"

    @classmethod
    def title(cls) -> str:
        """What operators call this gateway."""
        return cls.name or cls.__name__

    @property
    def deadline(self) -> timedelta:
        """How long a hand-over may last; what has no answer by then is asked about."""
        return timedelta(seconds=60)

    def check_after(self, now: datetime) -> datetime | None:
        """When to ask about what is handed over `now`, if no answer comes; None where there is nobody to ask."""
        return now + self.deadline if self.asks else None

    def publish_message(self, message: OutputSMSMessage) -> None:
        """Send one message and save what became of it in `message.state`.

        The queue has moved the message to UNKNOWN before. Whatever this raises leaves it so, but for two errors:

        Raises:
            NotNow: nothing was accepted; the message waits and is handed over again later.
            RefusedForUs: nothing was accepted, nor will be until the configuration is mended; all messages wait.
        """
        raise NotImplementedError(f"{type(self).__name__} must override publish_message().")

    def publish_messages(self, messages: Sequence[OutputSMSMessage]) -> None:
        """Send several messages, by default one by one.

        Raises:
            NotNow, RefusedForUs: nothing was accepted of those whose state was not saved.
            GatewayError: all of them failed.
        """
        failures = []
        for place, message in enumerate(messages):
            try:
                self.publish_message(message)
                self._hear_what_became_of(message)
            except (NotNow, RefusedForUs) as error:
                failed, not_begun = of_failed_call(error), replace(of_failed_call(error), spent=False)
                told = [answered(message, failed), *(answered(one, not_begun) for one in messages[place + 1 :])]
                record(told, held=messages[place:])
                raise
            except Exception as error:
                logger.exception("%s failed with message %s", type(self).__name__, message.pk)
                if message.held_state == State.UNKNOWN:
                    record([answered(message, of_failed_call(error))], held=[message])
                failures.append(as_gateway_error(error))
        if failures and len(failures) == len(messages):
            raise failures[-1]

    def _hear_what_became_of(self, message: OutputSMSMessage) -> None:
        """See to a state that `publish_message` did not save, and to one that asks for another attempt."""
        if message.held_state == State.UNKNOWN and not message.held.get("error"):
            # It may have saved another instance of the message.
            message.refresh_from_db()
            if message.state == State.UNKNOWN and not message.error:
                words = _("The gateway's client did not say what became of it.")
                record([answered(message, Outcome(State.UNKNOWN, words=words))], held=[message])
        elif message.held_state == State.WAITING:
            words, wait = message.error or _("The gateway's client put it off."), message.due_at - timezone.now()
            record([answered(message, Outcome(State.WAITING, words=words, retry_after=wait))], held=[message])

    def check_now(self, messages: Sequence[OutputSMSMessage], user_id: int | None = None) -> bool:
        """Ask about these messages at once, due or not; they follow what was learnt.

        Args:
            user_id: who asks, for the timeline.

        Returns:
            Whether the gateway was asked. A backend that asks in its own way does so in its next round.

        Raises:
            GatewayError: the gateway refused to tell, or did not answer.
        """
        return False

    def bulk_check_sms_states(self) -> Mapping[str, int] | None:
        """Ask the gateway about messages that are not final; by default there is nobody to ask.

        Returns:
            If it likes, how many of the messages asked about are in which state now.
        """
        return None


class Gateway(SMSBackend):
    """A gateway of ours: says how to submit and how to ask; what follows from the answers stands here once."""

    config_setting: ClassVar[str] = ""
    """The setting that holds its address and credentials, e.g. "PYMESS_SMS_OPERATOR_CONFIG"."""

    required: ClassVar[tuple[str, ...]] = ()
    """The keys of that setting without which it cannot send; `manage.py check` asks for them."""

    @property
    def check_size(self) -> int:
        """How many messages are asked about in one call."""
        return self.batch_size

    def submit(self, messages: Sequence[OutputSMSMessage]) -> Iterable[tuple[int, Outcome]]:
        """Hand messages over in one call.

        Returns:
            Pairs of a message's key and what the gateway says of it. What is not mentioned is UNKNOWN.

        Raises:
            GatewayError: the whole call failed.
        """
        raise NotImplementedError

    def ask(self, messages: Sequence[OutputSMSMessage]) -> Iterable[tuple[int, Outcome]]:
        """Ask in one call what became of messages; as `submit`. What is not mentioned stays as it is."""
        raise NotImplementedError

    def publish_message(self, message: OutputSMSMessage) -> None:
        self.publish_messages([message])

    def publish_messages(self, messages: Sequence[OutputSMSMessage]) -> None:
        claimed = self._claimed(messages)
        if not claimed:
            return
        otherwise = Outcome(State.UNKNOWN, words=_("The gateway's answer does not mention this message."))
        outcomes: dict[int, Outcome] = {}
        try:
            self._sort(claimed, self.submit(claimed), outcomes)
        except Exception as error:
            self.log_failure(error)
            otherwise = of_failed_call(error)
        told = [outcomes.get(message.pk, otherwise) for message in claimed]
        record([answered(*pair) for pair in zip(claimed, told, strict=True)], held=claimed)
        # What was said of each message is recorded before the queue hears that it has to pause.
        for outcome in told:
            if outcome.stops is not None:
                raise outcome.stops

    def bulk_check_sms_states(self) -> Counter[str]:
        """Ask about all that is due, in batches.

        Raises:
            GatewayError: the gateway refused to tell, or did not answer; the rest is asked about next time.
        """
        states: Counter[str] = Counter()
        while self.asks and (messages := claim_for_check(self.path(), self.check_size)):
            self._check(messages)
            states.update(str(message.state) for message in messages)
        return states

    def check_now(self, messages: Sequence[OutputSMSMessage], user_id: int | None = None) -> bool:
        for start in range(0, len(messages) if self.asks else 0, self.check_size):
            self._check(messages[start : start + self.check_size], user_id)
        return self.asks

    def _check(self, messages: Sequence[OutputSMSMessage], user_id: int | None = None) -> None:
        outcomes: dict[int, Outcome] = {}
        # What the gateway had not heard of when it was asked it may have heard of when it answers.
        asked_at = timezone.now()
        self._sort(messages, self.ask(messages), outcomes)
        # A hand-over may begin as late as its deadline, and last as long again.
        grace = max(timedelta(seconds=conf.SMS_UNKNOWN_GRACE), 2 * self.deadline)
        told = [asked(m, outcomes[m.pk], asked_at, grace) for m in messages if m.pk in outcomes]
        record([replace(evidence, user_id=user_id) for evidence in told], held=messages)

    def neighbours(
        self, messages: Collection[OutputSMSMessage], external_ids: Collection[str], skew: timedelta
    ) -> list[OutputSMSMessage]:
        """Messages of ours that a gateway which is asked by number, text and time could take for these, and these.

        Args:
            external_ids: the references that the gateway gave; whose they are already.
            skew: how long before the first of these the others may have been handed over.
        """
        first = min(message.sent_at or message.created_at for message in messages)
        numbers = {message.recipient for message in messages}
        unnamed = OutputSMSMessage.objects.filter(
            backend=self.path(),
            external_id="",
            recipient__in=numbers,
            sent_at__gte=first - skew,
        )
        return [*OutputSMSMessage.objects.filter(external_id__in=external_ids), *unnamed]

    def log_failure(self, error: Exception) -> None:
        """Tell the log of a failed call: an expected failure in its words, any other with its trace."""
        if isinstance(error, GatewayError):
            logger.warning("%s: %s", self.title(), error.words)
        else:
            logger.error("The client of %s failed", self.title(), exc_info=error)

    def _claimed(self, messages: Sequence[OutputSMSMessage]) -> list[OutputSMSMessage]:
        """What we hold: the queue has claimed it, or it waits and nobody is faster in claiming it now."""
        claimed = [m for m in messages if m.state == State.UNKNOWN]
        for message in (m for m in messages if m.state == State.WAITING):
            try:
                # Committed before anything leaves, so not within a transaction of the caller's.
                with transaction.atomic(durable=True):
                    hand_over([message], self.path(), State.UNKNOWN, self.check_after(timezone.now()), self.own_prefix)
            except Overtaken:
                message.refresh_from_db()
            else:
                claimed.append(message)
        return claimed

    def _sort(
        self, messages: Sequence[OutputSMSMessage], answers: Iterable[tuple[int, Outcome]], outcomes: dict[int, Outcome]
    ) -> None:
        """Put the answers into `outcomes`, also those before one that fails: foreign ones are dropped, contradictory
        ones count as none."""
        ours = {message.pk for message in messages}
        for key, outcome in answers:
            if key not in ours:
                logger.warning("%s spoke of a message that was not in the call", self.title())
            elif key in outcomes and outcomes[key].state != outcome.state:
                contradiction = _("The gateway gave two answers for this message: %(one)s / %(other)s")
                words = contradiction % {"one": outcomes[key].words, "other": outcome.words}
                outcomes[key] = Outcome(State.UNKNOWN, outcome.code, words)
            else:
                outcomes[key] = outcome


@cache
def _instance(path: str) -> SMSBackend:
    found = import_string(path)
    if not (isinstance(found, type) and issubclass(found, SMSBackend)):
        raise ImproperlyConfigured(f"{path} does not inherit from smsoffice.backend.sms.SMSBackend.")
    return found()


def get_sms_backend(path: str | None = None) -> SMSBackend:
    """The gateway of the given path, or the one in force; one instance a process, which keeps its connections.

    Raises:
        ImproperlyConfigured: the path does not lead to a gateway's class.
    """
    path = path or conf.SMS_SENDER_BACKEND
    try:
        return _instance(path)
    except ImportError as error:
        fault = f"there is no gateway “{path}” ({error})"
        if path == conf.SMS_SENDER_BACKEND:
            words = f"PYMESS_SMS_SENDER_BACKEND: {fault}. Name the class by its full path."
        else:
            words = f"Messages were handed over by it, but {fault}. Install it again, so that it can be asked."
        raise ImproperlyConfigured(words) from error
