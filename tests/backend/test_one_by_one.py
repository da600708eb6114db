"""A gateway with a call a message: what becomes of a message whose turn comes late in its batch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

import pytest

from smsoffice import delivery
from smsoffice.backend.sms.base import Message
from smsoffice.backend.sms.outcomes import Outcome
from smsoffice.backend.sms.threads import OneByOneGateway
from smsoffice.states import State
from tests.backends import use
from tests.clock import Clock, stopped
from tests.factories import messages, row, states, timeline

pytestmark = pytest.mark.django_db


class SlowGateway(OneByOneGateway):
    """A gateway that takes its time for each message, and can be asked about none."""

    threads: ClassVar[int] = 1
    batch_size: ClassVar[int] = 3

    def __init__(self) -> None:
        self.clock: Clock | None = None
        self.takes = 1.0
        self.handed_over: list[str] = []

    @property
    def asks(self) -> bool:
        return False

    def submit_one(self, message: Message) -> Outcome:
        assert self.clock is not None
        self.handed_over.append(message.recipient)
        self.clock.advance(self.takes)
        return Outcome(State.SENDING)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return stopped(monkeypatch)


@pytest.fixture
def gateway(settings: Any, clock: Clock) -> SlowGateway:
    gateway = use(settings, SlowGateway)
    gateway.clock = clock
    return gateway


def test_a_message_whose_time_ends_before_its_turn_in_the_batch_is_never_sent(
    gateway: SlowGateway, clock: Clock
) -> None:
    waiting = messages(3, expires_at=clock() + timedelta(seconds=1.5))
    delivery.send_waiting()
    delivery.send_waiting()
    assert gateway.handed_over == [one.recipient for one in waiting[:2]]
    assert states(waiting) == ["SENDING", "SENDING", "ERROR"]
    late = row(waiting[2])
    assert late.error.endswith("It was never sent.")
    assert (late.send_attempts, late.sent_at) == (0, None)


def test_a_message_whose_turn_comes_after_the_deadline_never_left_and_so_waits_again(
    gateway: SlowGateway, clock: Clock
) -> None:
    waiting = messages(3)
    # The process sleeps in the midst of the first call.
    gateway.takes = gateway.deadline.total_seconds() + 1
    delivery.send_waiting(limit=3)
    assert gateway.handed_over == [waiting[0].recipient]
    assert states(waiting) == ["SENDING", "WAITING", "WAITING"]
    assert row(waiting[1]).send_attempts == 0
    assert timeline(waiting[1]) == [("WAITING", "UNKNOWN", "QUEUE", False), ("UNKNOWN", "WAITING", "GATEWAY", False)]

    gateway.takes = 1
    delivery.send_waiting()
    assert gateway.handed_over == [one.recipient for one in waiting]
