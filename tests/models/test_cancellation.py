"""Cancelling more messages than one request can: fixed first, confirmed once, done by whoever has time."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from smsoffice import delivery
from smsoffice.models import cancellation
from smsoffice.models.batch_work import BatchWork, work
from smsoffice.models.cancellation import (
    Cancellation,
    cancel_some,
    confirm_cancellation,
    go_on_cancelling,
    store_cancellation,
)
from smsoffice.models.sms import OutputSMSMessage
from smsoffice.states import State
from tests.backends import ScriptedGateway, use
from tests.batches import operator
from tests.factories import ago, message, messages, states

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few_a_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancellation, "CHUNK", 2)


def stored(user_id: int | None = None) -> Cancellation:
    """All that waits, chosen and not yet confirmed."""
    made = store_cancellation(OutputSMSMessage.objects.all(), user_id or operator().pk)
    assert made is not None
    return made


def confirmed() -> Cancellation:
    made = stored()
    confirm_cancellation(made.pk, operator().pk)
    return made


def test_what_waits_is_chosen_and_nothing_is_done_before_it_is_confirmed() -> None:
    waiting, _sent = messages(3), message(State.SENT)
    made = stored()
    assert (made.keys, made.total) == ([one.pk for one in waiting], 3)
    assert not cancel_some()
    go_on_cancelling(made.pk)
    assert states(waiting) == [State.WAITING] * 3


def test_where_nothing_waits_nothing_is_kept() -> None:
    message(State.SENT)
    assert store_cancellation(OutputSMSMessage.objects.all(), operator().pk) is None
    assert not Cancellation.objects.exists()


def test_no_more_are_chosen_than_one_takes_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancellation, "MOST", 2)
    late, early = message(), message(created_at=ago(hours=2))
    message(created_at=timezone.now() + timedelta(seconds=1))
    assert stored().keys == [early.pk, late.pk]


def test_it_is_confirmed_once() -> None:
    messages(1)
    made, me = stored(), operator()
    assert confirm_cancellation(made.pk, me.pk)
    assert not confirm_cancellation(made.pk, me.pk)


def test_what_was_chosen_is_cancelled_with_who_did_it_and_what_came_later_is_not() -> None:
    waiting = messages(5)
    made = confirmed()
    later = message()
    go_on_cancelling(made.pk)
    assert states(waiting) == [State.ERROR] * 5
    assert states([later]) == [State.WAITING]
    made.refresh_from_db()
    assert (made.done, made.cancelled, made.keys, made.finished_at is not None) == (5, 5, [], True)
    line = waiting[0].events.get()
    assert (line.words, line.user) == ("Cancelled by an operator.", operator())


def test_what_left_meanwhile_is_left_alone_and_counted_apart() -> None:
    waiting = messages(3)
    made = confirmed()
    OutputSMSMessage.objects.filter(pk=waiting[1].pk).update(state=State.UNKNOWN)
    go_on_cancelling(made.pk)
    made.refresh_from_db()
    assert states(waiting) == [State.ERROR, State.UNKNOWN, State.ERROR]
    assert (made.done, made.cancelled) == (3, 2)


def test_what_the_request_has_no_time_for_the_queue_does_before_it_hands_over_more(settings: Any) -> None:
    use(settings, ScriptedGateway)
    waiting = messages(6)
    made = confirmed()
    go_on_cancelling(made.pk, seconds=0)
    assert states(waiting) == [State.WAITING] * 6
    for _slice in work():
        pass
    assert states(waiting) == [State.ERROR] * 6
    assert delivery.send_waiting().taken == 0
    assert Cancellation.objects.get().finished_at


def test_a_worker_that_has_found_nothing_to_do_finds_it_a_moment_later() -> None:
    mine, waiting = BatchWork(), messages(1)
    assert not mine.step(look=True)
    confirmed()
    assert mine.step(look=True)
    assert states(waiting) == [State.ERROR]


def test_one_that_fails_stops_nothing_else(
    monkeypatch: pytest.MonkeyPatch, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any) -> int:
        raise ValueError

    use(settings, ScriptedGateway)
    waiting = messages(1)
    confirmed()
    monkeypatch.setattr(cancellation, "cancel", broken)
    with caplog.at_level(logging.ERROR):
        delivery.send_waiting()
    assert states(waiting) != [State.WAITING]
    assert "The work on a cancellation failed" in caplog.text
    assert Cancellation.objects.get().done == 0


def test_those_that_nobody_confirmed_and_those_long_done_are_forgotten() -> None:
    message()
    old = {"created_at": ago(days=3)}
    unconfirmed, fresh, done, under_way = stored(), stored(), stored(), stored()
    Cancellation.objects.filter(pk=unconfirmed.pk).update(**old)
    Cancellation.objects.filter(pk=done.pk).update(started_at=ago(days=31), finished_at=ago(days=31), **old)
    OutputSMSMessage.objects.update(state=State.SENT)
    Cancellation.objects.filter(pk=under_way.pk).update(started_at=ago(days=31), **old)
    for _slice in work():
        pass
    assert set(Cancellation.objects.values_list("pk", flat=True)) == {fresh.pk, under_way.pk}
