"""The part of the contract that needs no wire: what every backend must do with the messages that it is given."""

# ruff: noqa: S101  (these are tests, wherever they stand)

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from django.utils.module_loading import import_string

from smsoffice import delivery
from smsoffice.backend.sms import SMSBackend, base, send
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import may_become
from smsoffice.testing.wire import numbers, waiting

Capture = Callable[..., AbstractContextManager[object]]


class PublishingContract:
    """What every backend must do, whatever it does with a message. Subclasses say which backend.

    A gateway on a wire inherits `BackendContract`, which is this and more.
    """

    backend: ClassVar[str]
    """Path of the backend's class."""

    leads_to: ClassVar[Collection[str]] = frozenset({"SENDING", "SENT", "DELIVERED"})
    """The states in which a good message may stand once it was handed over."""

    pytestmark = pytest.mark.django_db

    @pytest.fixture
    def in_force(self, settings: Any) -> Iterator[SMSBackend]:
        """The backend, as new as in a new process."""
        base._instance.cache_clear()
        settings.PYMESS_SMS_SENDER_BACKEND = self.backend
        yield base.get_sms_backend()
        base._instance.cache_clear()

    def test_the_class_is_a_gateway_with_a_name_for_operators(self) -> None:
        backend = import_string(self.backend)
        assert issubclass(backend, SMSBackend)
        assert backend.title()
        assert backend.batch_size >= 1

    def test_what_is_sent_leaves_with_the_commit(
        self, in_force: SMSBackend, settings: Any, django_capture_on_commit_callbacks: Capture
    ) -> None:
        settings.PYMESS_SMS_BATCH_SENDING = False
        with django_capture_on_commit_callbacks(execute=True):
            message = send(numbers(1)[0], "Your parcel is here.")
        assert message.state in self.leads_to
        assert _row(message).state in self.leads_to

    def test_what_waits_leaves_with_the_queue_and_once(self, in_force: SMSBackend) -> None:
        messages = waiting(*numbers(in_force.batch_size + 1))
        for _round in range(2):
            delivery.send_waiting()
        rows = [_row(message) for message in messages]
        assert {row.state for row in rows} <= set(self.leads_to)
        assert {row.send_attempts for row in rows} == {1}
        assert {row.backend for row in rows} == {self.backend}

    def test_the_message_itself_stays_as_it_was_accepted(self, in_force: SMSBackend) -> None:
        [message] = waiting(*numbers(1), tag="parcels", extra_data={"parcel": 7})
        delivery.send_waiting()
        row = _row(message)
        assert (row.recipient, row.content, row.tag) == (message.recipient, message.content, "parcels")
        assert row.extra_data == {"parcel": 7}

    def test_the_timeline_leads_from_waiting_to_the_state(self, in_force: SMSBackend) -> None:
        messages = waiting(*numbers(2))
        delivery.send_waiting()
        for message in messages:
            path = _path(message)
            assert path[0] == "WAITING"
            assert path[-1] == _row(message).state
            assert all(may_become(old, new) for old, new in pairwise(path))


def _row(message: OutputSMSMessage) -> OutputSMSMessage:
    return OutputSMSMessage.objects.get(pk=message.pk)


def _path(message: OutputSMSMessage) -> Sequence[str]:
    """The states that the message went through, by its timeline."""
    changes = [event for event in message.events.order_by("pk") if event.from_state != event.to_state]
    return [event.from_state for event in changes[:1]] + [event.to_state for event in changes]
