"""The contract kit: what every gateway must do with the faults of a real wire.

A gateway's test inherits `BackendContract`, names the gateway and its settings, and gets the tests. They run over real
sockets against `smsoffice.simulator`; a gateway of a third party brings its own dialect of it
(`smsoffice.simulator.dialect`). docs/adding-a-gateway.md shows one.
"""

# ruff: noqa: S101  (these are tests, wherever they stand)

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest

from smsoffice import delivery
from smsoffice.backend.sms import base
from smsoffice.backend.sms.base import SMSBackend
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage
from smsoffice.simulator import Fault, Simulator
from smsoffice.simulator.dialect import Dialect
from smsoffice.testing.publishing import PublishingContract
from smsoffice.testing.wire import accepted_once, drain, end_the_pause, hand_over_once, let_time_pass, numbers, waiting
from smsoffice.testing.wire import states as states_of

SECRET = "the-secret-of-the-account"  # noqa: S105
LOST = [
    Fault.HTTP_500_AFTER,
    Fault.HTML,
    Fault.EMPTY_AFTER,
    Fault.TRUNCATED,
    Fault.CUT_MIDWAY,
    Fault.CUT_AFTER,
    Fault.HANG_AFTER,
    Fault.LATE,
    Fault.DRIP,
    Fault.HUGE,
]
"""Accepted, and no answer that can be trusted."""

NOT_TAKEN = [Fault.CUT_BEFORE, Fault.HANG_BEFORE, Fault.HTTP_500_BEFORE, Fault.HTTP_503]
"""Nothing accepted, and no proof of it in the answer."""

SPOILT = [Fault.UNKNOWN_CODES, Fault.MISSING_ITEMS, Fault.FOREIGN_ITEMS, Fault.DUPLICATE_ITEMS]
"""A sound answer that says nothing useful of some messages."""

FINAL = {"DELIVERED", "SENT"}


class BackendContract(PublishingContract):
    """What every gateway must do. Subclasses say which gateway, and how it is set up for the simulator."""

    dialects: ClassVar[Sequence[Dialect]] = ()
    """The gateway's side of the wire, where the simulator does not speak it already."""

    tells_states: ClassVar[bool] = True
    """Whether the gateway can be asked what became of a message that it took."""

    resolves_lost: ClassVar[bool] = True
    """Whether it can be asked about a message whose answer was lost."""

    settings_timeout: ClassVar[float] = 0.5
    """Seconds, for the faults that end only by giving up."""

    def configuration(self, simulator: Simulator, password: str, timeout: float) -> dict[str, Any]:
        """The Django settings that point the gateway at the simulator.

        Args:
            password: the secret of the account; the simulator takes `simulator.password` and no other.
            timeout: seconds for a call.
        """
        raise NotImplementedError

    @pytest.fixture
    def simulator(self, settings: Any) -> Iterator[Simulator]:
        with self.running(settings) as simulator:
            yield simulator

    @contextmanager
    def running(self, settings: Any) -> Iterator[Simulator]:
        """A gateway that delivers at once what it accepts, and its client."""
        with Simulator(password=SECRET, delivery_delay=0, late=3600, early=3600) as simulator:
            simulator.dialects = (*simulator.dialects, *self.dialects)
            settings.PYMESS_SMS_SENDER_BACKEND = self.backend
            settings.PYMESS_SMS_UNKNOWN_GRACE = 0
            self.set_up(settings, simulator)
            yield simulator
        base._instance.cache_clear()

    @pytest.fixture
    def in_force(self, simulator: Simulator) -> SMSBackend:
        return base.get_sms_backend()

    def set_up(self, settings: Any, simulator: Simulator, password: str = SECRET, timeout: float = 10) -> None:
        """Configure the gateway anew, as a new process would meet it."""
        base._instance.cache_clear()
        for name, value in self.configuration(simulator, password, timeout).items():
            setattr(settings, name, value)

    def is_said(self, messages: Sequence[OutputSMSMessage]) -> list[str]:
        """The states, with all that says “it was taken” as one."""
        return ["TAKEN" if state in {"SENDING", *FINAL} else state for state in states_of(messages)]

    # What goes well

    def test_what_is_accepted_is_counted_once(self, simulator: Simulator) -> None:
        messages = waiting(*numbers(5))
        delivery.send_waiting()
        assert self.is_said(messages) == ["TAKEN"] * 5
        assert accepted_once(simulator, messages)

    def test_the_text_arrives_as_it_was_typed(self, simulator: Simulator) -> None:
        text = 'O\'Neil & Co <b>100 % příště</b> "€" \\ {}[]~|^'
        waiting(*numbers(1), content=text)
        delivery.send_waiting()
        assert [accepted.text for accepted in simulator.accepted] == [text]

    def test_asking_leads_to_delivered(self, simulator: Simulator) -> None:
        messages = waiting(*numbers(3))
        delivery.send_waiting()
        let_time_pass()
        delivery.check_states()
        if self.tells_states:
            assert set(states_of(messages)) <= FINAL
        else:
            assert self.is_said(messages) == ["TAKEN"] * 3
        assert accepted_once(simulator, messages)

    # What the gateway refuses

    def test_one_of_many_is_refused_in_words_and_the_others_go(self, simulator: Simulator) -> None:
        good, bad = waiting(*numbers(4)), waiting("+420601999001")
        delivery.send_waiting()
        let_time_pass()
        delivery.check_states()
        assert self.is_said(good) == ["TAKEN"] * 4
        assert accepted_once(simulator, good)
        bad[0].refresh_from_db()
        assert bad[0].state == "ERROR"
        assert bad[0].error

    def test_a_wrong_login_sends_nothing_and_loses_nothing(self, simulator: Simulator, settings: Any) -> None:
        self.set_up(settings, simulator, password="not the secret")  # noqa: S106
        messages = waiting(*numbers(5))
        for _round in range(2):
            end_the_pause()
            assert hand_over_once().refusal
        assert simulator.accepted == []
        assert states_of(messages) == ["WAITING"] * 5
        assert set(OutputSMSMessage.objects.values_list("send_attempts", flat=True)) == {0}

        self.set_up(settings, simulator)
        drain()
        assert self.is_said(messages) == ["TAKEN"] * 5
        assert accepted_once(simulator, messages)

    def test_not_now_is_handed_over_later(self, simulator: Simulator) -> None:
        simulator.fail(Fault.HTTP_429, on="submit", times=None)
        messages = waiting(*numbers(3))
        hand_over_once()
        assert states_of(messages) == ["WAITING"] * 3
        assert simulator.accepted == []
        simulator.fail(Fault.NONE, times=None)
        drain()
        assert self.is_said(messages) == ["TAKEN"] * 3
        assert accepted_once(simulator, messages)

    def test_a_gateway_that_is_down_gets_them_when_it_is_up(self, simulator: Simulator) -> None:
        simulator.stop()
        messages = waiting(*numbers(3))
        hand_over_once()
        assert states_of(messages) == ["WAITING"] * 3
        simulator.start()
        drain()
        assert self.is_said(messages) == ["TAKEN"] * 3
        assert accepted_once(simulator, messages)

    def test_a_slow_answer_is_an_answer(self, simulator: Simulator) -> None:
        simulator.latency = 0.3
        messages = waiting(*numbers(3))
        delivery.send_waiting()
        assert self.is_said(messages) == ["TAKEN"] * 3
        assert accepted_once(simulator, messages)

    # What goes wrong on the way

    @pytest.mark.parametrize("fault", LOST)
    def test_a_lost_answer_never_doubles_a_message(self, simulator: Simulator, settings: Any, fault: Fault) -> None:
        self.set_up(settings, simulator, timeout=self.settings_timeout)
        [message] = waiting(*numbers(1))
        simulator.fail(fault, on="submit", times=1)
        hand_over_once()
        message.refresh_from_db()
        if message.state == "UNKNOWN":
            assert message.error, "UNKNOWN must say why"
        else:
            assert self.is_said([message]) == ["TAKEN"], "the answer was understood all the same"

        self.set_up(settings, simulator)
        drain()
        assert accepted_once(simulator, [message])
        assert self.is_said([message]) == ["TAKEN" if self.resolves_lost else "UNKNOWN"]

    @pytest.mark.parametrize("fault", NOT_TAKEN)
    def test_what_was_not_taken_is_not_guessed_at(self, simulator: Simulator, settings: Any, fault: Fault) -> None:
        self.set_up(settings, simulator, timeout=self.settings_timeout)
        [message] = waiting(*numbers(1))
        simulator.fail(fault, on="submit", times=1)
        hand_over_once()
        assert states_of([message])[0] in {"UNKNOWN", "WAITING"}
        assert simulator.accepted == []

        was_unknown = states_of([message]) == ["UNKNOWN"]
        self.set_up(settings, simulator)
        drain()
        if was_unknown and not self.resolves_lost:
            assert states_of([message]) == ["UNKNOWN"]
            assert simulator.accepted == []
        else:
            assert accepted_once(simulator, [message])

    @pytest.mark.parametrize("fault", SPOILT)
    def test_a_spoilt_answer_touches_only_what_it_speaks_of(self, simulator: Simulator, fault: Fault) -> None:
        messages = waiting(*numbers(6))
        simulator.fail(fault, on="submit", times=1)
        delivery.send_waiting()
        assert set(self.is_said(messages)) <= {"TAKEN", "UNKNOWN"}
        drain()
        assert simulator.doubled() == []
        assert len(simulator.accepted) == 6
        if self.resolves_lost:
            assert self.is_said(messages) == ["TAKEN"] * 6

    def test_a_question_that_fails_changes_nothing(self, simulator: Simulator) -> None:
        messages = waiting(*numbers(3))
        delivery.send_waiting()
        before = states_of(messages)
        for fault in (Fault.HTTP_500_BEFORE, Fault.HTML, Fault.CUT_BEFORE, Fault.HTTP_429):
            simulator.fail(fault, on="status", times=None)
            let_time_pass()
            delivery.check_states()
            assert states_of(messages) == before

    def test_the_secret_stands_nowhere(
        self, simulator: Simulator, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        self.set_up(settings, simulator, timeout=self.settings_timeout)
        waiting(*numbers(2))
        for fault in (Fault.REFUSE_LOGIN, Fault.HTML, Fault.HTTP_500_AFTER, Fault.CUT_AFTER):
            simulator.fail(fault, on="submit", times=1)
            end_the_pause()
            delivery.send_waiting(knock=True)
        drain()
        told = [*OutputSMSEvent.objects.values_list("words", "code"), *OutputSMSMessage.objects.values_list("error")]
        told += GatewayStatus.objects.values_list("refusal")
        told += [(str(extra),) for extra in OutputSMSMessage.objects.values_list("extra_sender_data", flat=True)]
        told += [(record.getMessage(), str(record.exc_info)) for record in caplog.records]
        assert not [line for line in told if any(SECRET in part for part in line)]
