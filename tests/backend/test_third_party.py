"""Backends of somebody else's, written by the seed's few words: publish, set the state, save."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.utils import timezone

from smsoffice import delivery
from smsoffice.backend.sms import SMSBackend, send
from smsoffice.exceptions import NotNow, RefusedForUs
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State
from tests.backends import use
from tests.factories import NUMBER, message, messages, row, states, timeline

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "https://user:hunter2@gateway.example/"


class Theirs(SMSBackend):
    """What all of them share for the tests: a list of the numbers that they published."""

    published: ClassVar[list[str]]

    def __init__(self) -> None:
        type(self).published = []


class Publishes(Theirs):
    """The seed's backend, to the letter."""

    def publish_message(self, message: OutputSMSMessage) -> None:
        self.published.append(message.recipient)
        message.state = message.State.SENT
        message.extra_sender_data = {"id": f"their-{message.pk}"}
        message.sent_at = timezone.now()
        message.sender = "SHOP"
        message.save()


class SavesOnlyTheState(Theirs):
    def publish_message(self, message: OutputSMSMessage) -> None:
        self.published.append(message.recipient)
        message.state = message.State.SENT
        message.save(update_fields=["state"])


class SavesItsOwnCopy(Theirs):
    def publish_message(self, message: OutputSMSMessage) -> None:
        self.published.append(message.recipient)
        copy = OutputSMSMessage.objects.get(pk=message.pk)
        copy.state = copy.State.SENT
        copy.save()


class Debugs(Theirs):
    def publish_message(self, message: OutputSMSMessage) -> None:
        self.published.append(message.recipient)
        message.state = message.State.DEBUG
        message.save()


class Refuses(Theirs):
    def publish_message(self, message: OutputSMSMessage) -> None:
        self.published.append(message.recipient)
        message.state = message.State.ERROR
        message.error = "The number is on our black list."
        message.save()


class Forgets(Theirs):
    """Publishes, and says nothing of it."""

    batch_size: ClassVar[int] = 50

    def publish_message(self, message: OutputSMSMessage) -> None:
        self.published.append(message.recipient)


class ForgetsToSave(Theirs):
    def publish_message(self, message: OutputSMSMessage) -> None:
        self.published.append(message.recipient)
        message.state = message.State.SENT


class Crashes(Theirs):
    batch_size: ClassVar[int] = 50

    def publish_message(self, message: OutputSMSMessage) -> None:
        self.published.append(message.recipient)
        raise RuntimeError(f"no route to {SECRET}")


class CrashesAtTheSecond(Theirs):
    batch_size: ClassVar[int] = 50

    def publish_message(self, message: OutputSMSMessage) -> None:
        self.published.append(message.recipient)
        if len(self.published) == 2:
            raise RuntimeError(f"no route to {SECRET}")
        message.state = message.State.SENT
        message.save()


class CrashesAfterItSaved(Theirs):
    def publish_message(self, message: OutputSMSMessage) -> None:
        self.published.append(message.recipient)
        message.state = message.State.SENDING
        message.save()
        raise RuntimeError("The disk of the log is full.")


class IsBusy(Theirs):
    def publish_message(self, message: OutputSMSMessage) -> None:
        self.published.append(message.recipient)
        raise NotNow("Too many messages.", retry_after=timedelta(minutes=3))


class IsBusyAtTheThird(Theirs):
    """Publishes one, forgets what became of another, and is busy then."""

    batch_size: ClassVar[int] = 50

    def publish_message(self, message: OutputSMSMessage) -> None:
        if len(self.published) == 2:
            raise NotNow("Too many messages.")
        self.published.append(message.recipient)
        if len(self.published) == 1:
            message.state = message.State.SENT
            message.save()


class HasWrongPassword(Theirs):
    def publish_message(self, message: OutputSMSMessage) -> None:
        self.published.append(message.recipient)
        raise RefusedForUs("The password is wrong.")


class PutsBack(Theirs):
    """Sets WAITING, for “later”, as it may."""

    def publish_message(self, message: OutputSMSMessage) -> None:
        self.published.append(message.recipient)
        assert len(self.published) < 20, "It is handed the same message again and again."
        message.state = message.State.WAITING
        message.error = "Later."
        message.save()


class Batches(Theirs):
    batch_size: ClassVar[int] = 50
    sizes: ClassVar[list[int]] = []

    def publish_messages(self, messages: Sequence[OutputSMSMessage]) -> None:
        self.sizes.append(len(messages))
        for one in messages:
            self.published.append(one.recipient)
            one.state = one.State.SENDING
            one.save()


class Asks(Publishes):
    """Asks as pymess's backends do: its own query, its own loop."""

    def bulk_check_sms_states(self) -> None:
        for one in OutputSMSMessage.objects.filter(backend=self.path(), state=State.SENT):
            one.state = one.State.DELIVERED
            one.save()


class AsksAndCounts(Asks):
    def bulk_check_sms_states(self) -> Mapping[str, int]:  # type: ignore[override]
        super().bulk_check_sms_states()
        return {"DELIVERED": 1}


Way = Callable[[Any], OutputSMSMessage]


def by_send(settings: Any) -> OutputSMSMessage:
    settings.PYMESS_SMS_BATCH_SENDING = False
    return send(NUMBER, "Hello.")


def by_the_queue(settings: Any) -> OutputSMSMessage:
    settings.PYMESS_SMS_BATCH_SENDING = True
    sent = send(NUMBER, "Hello.")
    assert sent.state == "WAITING"
    delivery.send_waiting()
    return sent


both_ways = pytest.mark.parametrize("way", [by_send, by_the_queue])


@both_ways
@pytest.mark.parametrize(
    ("backend", "state"),
    [
        (Publishes, "SENT"),
        (SavesOnlyTheState, "SENT"),
        (SavesItsOwnCopy, "SENT"),
        (Debugs, "DEBUG"),
        (Refuses, "ERROR"),
        (Batches, "SENDING"),
        (Forgets, "UNKNOWN"),
        (ForgetsToSave, "UNKNOWN"),
        (Crashes, "UNKNOWN"),
        (CrashesAfterItSaved, "SENDING"),
        (IsBusy, "WAITING"),
        (HasWrongPassword, "WAITING"),
        (PutsBack, "WAITING"),
    ],
)
def test_promise_1_a_message_is_handed_to_a_third_partys_backend_once_and_its_word_is_the_state(
    settings: Any, monkeypatch: Any, way: Way, backend: type[Theirs], state: str
) -> None:
    # A round would wait for a gateway that is busy, and knock again.
    monkeypatch.setattr(delivery, "SHORT_PAUSE", timedelta(0))
    gateway = use(settings, backend)
    sent = way(settings)
    assert gateway.published == [NUMBER]
    assert row(sent).state == state
    assert row(sent).backend == (backend.path())


@both_ways
def test_what_a_third_party_says_is_stored_beside_its_state(settings: Any, way: Way) -> None:
    use(settings, Publishes)
    stored = row(way(settings))
    assert stored.extra_sender_data == {"id": f"their-{stored.pk}"}
    assert (stored.sender, stored.error, stored.failed) == ("SHOP", "", False)
    assert stored.sent_at is not None
    assert timeline(stored) == [("WAITING", "UNKNOWN", "QUEUE", False), ("UNKNOWN", "SENT", "GATEWAY", False)]


@both_ways
def test_a_refusal_of_a_third_party_is_told_in_its_words(settings: Any, way: Way) -> None:
    use(settings, Refuses)
    stored = row(way(settings))
    assert stored.failed
    assert stored.error == "The number is on our black list."


@both_ways
def test_promise_8_the_text_of_a_crash_stays_out_of_the_row_and_the_timeline(settings: Any, way: Way) -> None:
    use(settings, Crashes)
    stored = row(way(settings))
    assert stored.error == "The gateway's client failed (RuntimeError)."
    assert all("hunter2" not in event.words for event in stored.events.all())


def test_promise_5_a_crash_with_one_message_leaves_the_others(settings: Any) -> None:
    gateway = use(settings, CrashesAtTheSecond)
    waiting = messages(4)
    delivery.send_waiting()
    assert states(waiting) == ["SENT", "UNKNOWN", "SENT", "SENT"]
    assert len(gateway.published) == 4
    assert GatewayStatus.of(gateway.path()).failures == 0


def test_promise_1_a_backend_that_always_crashes_does_not_turn_the_whole_queue_into_unknown(
    settings: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(delivery, "SHORT_PAUSE", timedelta(0))
    gateway = use(settings, Crashes)
    waiting = messages(120)
    done = delivery.send_waiting()
    assert len(gateway.published) == 50
    assert states(waiting) == ["UNKNOWN"] * 50 + ["WAITING"] * 70
    assert done.put_off


def test_a_crash_is_logged_with_its_trace_once(settings: Any, caplog: Any) -> None:
    use(settings, Crashes)
    with caplog.at_level(logging.INFO, logger="smsoffice"):
        by_send(settings)
    assert [record.exc_info is not None for record in caplog.records if record.levelno >= logging.ERROR] == [True]


def test_promise_7_a_gateway_that_is_busy_is_left_alone_as_long_as_it_asked_for(settings: Any) -> None:
    gateway = use(settings, IsBusy)
    stored, before = row(by_send(settings)), timezone.now()
    assert (stored.error, stored.send_attempts) == ("Too many messages.", 1)
    assert stored.due_at >= before + timedelta(minutes=2, seconds=50)
    assert delivery.send_waiting().put_off
    assert gateway.published == [NUMBER]


def test_promise_7_a_wrong_password_costs_no_attempt_and_says_why(settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(delivery, "SHORT_PAUSE", timedelta(0))
    gateway = use(settings, HasWrongPassword)
    waiting = messages(3)
    done = delivery.send_waiting()
    assert done.refusal == "The password is wrong."
    assert states(waiting) == ["WAITING"] * 3
    assert [row(one).send_attempts for one in waiting] == [0, 0, 0]
    assert gateway.published == [waiting[0].recipient]


def test_promise_1_what_was_published_without_a_word_is_not_published_again_because_of_another(
    settings: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(delivery, "SHORT_PAUSE", timedelta(0))
    gateway = use(settings, IsBusyAtTheThird)
    waiting = messages(4)
    delivery.send_waiting()
    assert states(waiting) == ["SENT", "UNKNOWN", "WAITING", "WAITING"]
    assert gateway.published == [one.recipient for one in waiting[:2]]


def test_a_message_that_was_not_begun_loses_no_attempt_to_another_that_was_put_off(
    settings: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(delivery, "SHORT_PAUSE", timedelta(0))
    use(settings, IsBusyAtTheThird)
    waiting = messages(4)
    delivery.send_waiting()
    assert [row(one).send_attempts for one in waiting] == [1, 1, 1, 0]


def test_promise_7_a_message_that_a_third_party_puts_back_waits_a_little(settings: Any) -> None:
    gateway = use(settings, PutsBack)
    stored = message()
    before = timezone.now()
    delivery.send_waiting()
    assert gateway.published == [NUMBER]
    assert row(stored).due_at > before
    assert row(stored).error == "Later."
    assert row(stored).send_attempts == 1


def test_a_backend_that_overrides_the_batch_gets_batches_of_its_size(settings: Any) -> None:
    gateway = use(settings, Batches)
    gateway.sizes.clear()
    waiting = messages(120)
    assert delivery.send_waiting().states == {"SENDING": 120}
    assert gateway.sizes == [50, 50, 20]
    assert gateway.published == [one.recipient for one in waiting]


def test_a_backend_that_overrides_nothing_says_what_it_lacks(settings: Any, caplog: Any) -> None:
    use(settings, SMSBackend)
    by_send(settings)
    assert "must override publish_message()" in caplog.text


@pytest.mark.parametrize(("backend", "counted"), [(Asks, {}), (AsksAndCounts, {"DELIVERED": 1})])
def test_a_third_party_asks_in_its_own_way(settings: Any, backend: type[Theirs], counted: dict[str, int]) -> None:
    use(settings, backend)
    sent = by_send(settings)
    done = delivery.check_states()
    assert (done.states, done.errors) == (counted, {})
    assert row(sent).state == "DELIVERED"
    assert [line[:2] for line in timeline(sent)] == [("WAITING", "UNKNOWN"), ("UNKNOWN", "SENT"), ("SENT", "DELIVERED")]


def test_a_backend_that_cannot_be_asked_is_no_error(settings: Any) -> None:
    use(settings, Publishes)
    sent = by_send(settings)
    done = delivery.check_states()
    assert (done.states, done.errors) == ({}, {})
    assert row(sent).state == "SENT"
