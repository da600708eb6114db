"""Messages that wait, time that passes, and a gateway's books: what the tests of a gateway's client share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import F
from django.utils import timezone

from smsoffice import delivery
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import OutputSMSMessage

if TYPE_CHECKING:
    from smsoffice.simulator import Simulator

AGES = timedelta(hours=1)
"""Longer than every grace and every deadline."""


def numbers(count: int, area: int = 601) -> list[str]:
    """Different numbers, to which the simulator does nothing special: none ends in 0xx."""
    return [f"+420{area}{n // 900:03}{100 + n % 900}" for n in range(count)]


def waiting(*recipients: str, **fields: Any) -> list[OutputSMSMessage]:
    """Messages in the queue, in the order of their numbers."""
    fields = {"content": "Objednávka je připravena.", **fields}
    return OutputSMSMessage.objects.bulk_create(OutputSMSMessage(recipient=number, **fields) for number in recipients)


def states(messages: Iterable[OutputSMSMessage]) -> list[str]:
    """The states that the rows have now, in the order of the messages."""
    known = dict(OutputSMSMessage.objects.values_list("pk", "state"))
    return [known[message.pk] for message in messages]


def let_time_pass() -> None:
    """Make every hand-over an hour old: past every grace, and to be asked about again."""
    OutputSMSMessage.objects.filter(sent_at__isnull=False).update(sent_at=F("sent_at") - AGES)
    ask_again()


def ask_again() -> None:
    """Make every message that is not final due for a question, however young its hand-over is."""
    OutputSMSMessage.objects.filter(check_after__isnull=False).update(check_after=timezone.now())


def end_the_pause() -> None:
    """Let what was put off, and the gateway that put it off, be tried now."""
    OutputSMSMessage.objects.filter(state="WAITING").update(due_at=timezone.now())
    GatewayStatus.objects.update(not_before=None)


def hand_over_once() -> delivery.SendRound:
    """Hand over one batch, and do not wait for a gateway to be well again."""
    begun = iter([False])
    return delivery.send_waiting(stopping=lambda: next(begun, True))


def drain() -> None:
    """Hand over and ask, past every pause, until nothing changes any more."""
    before: list[tuple[int, str]] = []
    while (now := list(OutputSMSMessage.objects.order_by("pk").values_list("pk", "state"))) != before:
        before = now
        end_the_pause()
        delivery.send_waiting()
        let_time_pass()
        delivery.check_states()


def accepted_once(simulator: Simulator, messages: Sequence[OutputSMSMessage]) -> bool:
    """Whether the gateway took each of these messages exactly once, and nothing else."""
    return simulator.counts == {message.recipient: 1 for message in messages} and simulator.doubled() == []
