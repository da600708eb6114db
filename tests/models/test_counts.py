"""Days that are counted and kept, and what retention leaves of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from smsoffice.models import retention
from smsoffice.models.batch import Batch, BatchChunk
from smsoffice.models.counts import DayCount, bounds, counts_of
from smsoffice.models.decisions import settle
from smsoffice.models.retention import purge, removable
from smsoffice.models.rounds import CommandRun, Heartbeat, note_round
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage, OutputSMSRelatedObject
from smsoffice.states import State
from tests.factories import BACKEND, NUMBER, ago, ahead, customer, message, row
from tests.queries import only_by_indexes

pytestmark = pytest.mark.django_db


def of(day: datetime) -> dict[str, dict[str, int]]:
    """What is told of the day in which a moment lies."""
    date = timezone.localdate(day)
    return counts_of([date])[date]


def test_a_day_is_counted_by_gateway_and_state_from_midnight_to_midnight_of_the_sites_time() -> None:
    start, end = bounds(timezone.localdate() - timedelta(days=1))
    for moment in (start, end - timedelta(seconds=1)):
        message(State.DELIVERED, created_at=moment)
    message(State.ERROR, created_at=start)
    for moment in (start - timedelta(seconds=1), end):
        message(State.DELIVERED, created_at=moment)
    assert of(start) == {BACKEND: {"DELIVERED": 2, "ERROR": 1}}


def test_a_day_without_messages_is_empty() -> None:
    assert of(ago(days=3)) == {}


@pytest.mark.parametrize(
    ("day", "counted", "again"),
    [
        (timedelta(0), timedelta(seconds=10), False),
        (timedelta(0), timedelta(seconds=70), True),
        (timedelta(days=2), timedelta(minutes=50), False),
        (timedelta(days=2), timedelta(minutes=70), True),
        (timedelta(days=30), timedelta(days=25), True),
        (timedelta(days=30), timedelta(days=20), False),
    ],
    ids=str,
)
def test_a_day_is_counted_again_as_long_as_it_may_change(day: timedelta, counted: timedelta, again: bool) -> None:
    moment = timezone.now() - day
    message(State.DELIVERED, created_at=moment)
    date = timezone.localdate(moment)
    DayCount.objects.create(day=date, counts={}, counted_at=timezone.now() - counted)
    assert bool(counts_of([date])[date]) == again


def test_what_is_kept_costs_one_question(django_assert_num_queries: Any) -> None:
    days = [timezone.localdate() - timedelta(days=n) for n in range(14)]
    counts_of(days)
    with django_assert_num_queries(1):
        counts_of(days)


# --- Retention -------------------------------------------------------------------------------------------------------


def old(state: State = State.DELIVERED, **columns: Any) -> OutputSMSMessage:
    """A message of a year ago."""
    return message(state, created_at=ago(days=365), **{"check_after": None, **columns})


def many_old(count: int, **columns: Any) -> None:
    """Messages that are over, some years old, each a second younger than the one before."""
    first = ago(days=3000)
    defaults = {"recipient": NUMBER, "content": "Hello.", "state": State.DELIVERED, **columns}
    OutputSMSMessage.objects.bulk_create(
        OutputSMSMessage(created_at=first + timedelta(seconds=n), **defaults) for n in range(count)
    )


def test_texts_and_numbers_go_and_the_rest_stays() -> None:
    stored, young = old(extra_data={"name": "Jana"}, extra_sender_data={"to": "x"}), message(State.DELIVERED)
    OutputSMSRelatedObject.to(stored, customer()).save()
    OutputSMSEvent.objects.create(
        message=stored, from_state="UNKNOWN", to_state="DELIVERED", source="OPERATOR", words="Spoke to Jana", code="0"
    )
    assert sum(purge(ago(days=90), whole=False)) == 1
    left = row(stored)
    assert (left.recipient, left.content, left.extra_data, left.extra_sender_data) == ("", "", {}, {})
    assert (left.state, left.backend, left.created_at) == (stored.state, stored.backend, stored.created_at)
    event = left.events.get()
    assert (event.words, event.code) == ("", "0")
    assert not left.related_objects.exists()
    assert row(young).content == "Hello."
    assert sum(purge(ago(days=90), whole=False)) == 0


def test_what_an_operator_or_a_gateway_wrote_of_a_person_goes_and_the_reason_stays() -> None:
    decided = old(State.UNKNOWN, sent_at=ago(days=365))
    assert settle(decided, State.ERROR, "Jana on +420777123456 has nothing", None)
    refused = old(State.ERROR, error=f"Twilio refuses it: {NUMBER} is not a valid phone number")
    known = old(State.ERROR, error="The number does not exist.")
    assert sum(purge(ago(days=90), whole=False)) == 3
    assert row(decided).error == ""
    assert row(refused).error == "Twilio refuses it: … is not a valid phone number"
    assert row(known).error == "The number does not exist."


@pytest.mark.parametrize("whole", [False, True])
def test_what_was_handed_over_a_moment_ago_is_kept_however_old_it_is(whole: bool) -> None:
    stored = old(State.UNKNOWN, sent_at=ago(seconds=3))
    assert not sum(purge(ago(days=90), whole=whole))
    assert row(stored).content == "Hello."
    OutputSMSMessage.objects.update(changed_at=ago(days=91))
    assert sum(purge(ago(days=90), whole=whole)) == 1


def test_whole_messages_go_and_stay_counted() -> None:
    stored, copy = old(), message(State.DELIVERED)
    OutputSMSMessage.objects.filter(pk=copy.pk).update(resend_of=stored)
    assert sum(purge(ago(days=90), whole=True)) == 1
    assert list(OutputSMSMessage.objects.all()) == [copy]
    assert row(copy).resend_of is None
    assert of(ago(days=365)) == {BACKEND: {"DELIVERED": 1}}
    assert sum(purge(ago(days=90), whole=True)) == 0


@pytest.mark.parametrize(
    "columns",
    [
        {"state": State.WAITING, "send_after": ahead(days=2)},
        {"state": State.SENT, "check_after": ahead(hours=1)},
        {"state": State.UNKNOWN, "check_after": ago(hours=1)},
    ],
)
def test_what_is_not_over_is_not_removed(columns: dict[str, Any]) -> None:
    old(**columns)
    assert not removable(ago(days=90), whole=True).exists()
    assert not removable(ago(days=90), whole=False).exists()


def test_lists_of_bulk_sends_that_ended_are_forgotten() -> None:
    ended = Batch.objects.create(created_at=ago(days=100), status=Batch.Status.FINISHED, values={"name": "Jana"})
    running = Batch.objects.create(created_at=ago(days=100), status=Batch.Status.RUNNING, values={"name": "Jana"})
    for batch in (ended, running):
        BatchChunk.objects.create(batch=batch, number=1, refused=[[2, "phone", "77", "too short"]])
    list(purge(ago(days=90), whole=False))
    assert [chunk.batch for chunk in BatchChunk.objects.all()] == [running]
    ended.refresh_from_db()
    assert ended.values == {}


def cost_of_finding(job: Callable[[], object]) -> list[int]:
    """What the database does to find each chunk."""
    found = []

    def measured(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and "LIMIT" in sql and "created_at" in sql:
            if connection.vendor == "postgresql":
                found.append(pages_read(sql, params))
            else:
                found.append(steps_taken(lambda: (execute(sql, params, many, context), context["cursor"].fetchall())))
        return execute(sql, params, many, context)

    only_by_indexes()
    with connection.execute_wrapper(measured):
        job()
    return found


def pages_read(sql: str, params: Any) -> int:
    with connection.cursor() as cursor:
        # The first look clears away what other tests left.
        for _look in range(2):
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
            [[[told]]] = cursor.fetchall()
    return int(told["Plan"]["Shared Hit Blocks"] + told["Plan"]["Shared Read Blocks"])


def steps_taken(read: Callable[[], object]) -> int:
    """Of SQLite's machine, in hundreds."""
    steps: list[None] = []
    connection.connection.set_progress_handler(lambda: steps.append(None), 100)
    try:
        read()
    finally:
        connection.connection.set_progress_handler(None, 0)
    return len(steps)


@pytest.mark.parametrize("whole", [False, True])
def test_a_chunk_costs_the_same_however_much_was_removed_before(monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    monkeypatch.setattr(retention, "CHUNK", 100)
    many_old(400)
    first, *others, _none_left = cost_of_finding(lambda: list(purge(ago(days=90), whole=whole)))
    assert len(others) == 3
    assert max(others) <= first * 1.2


def test_a_night_costs_the_same_however_much_was_removed_in_nights_before() -> None:
    many_old(1000, recipient="", content="")
    many_old(50)
    first, none_left = cost_of_finding(lambda: list(purge(ago(days=90), whole=False)))
    assert first < 150
    assert none_left < 150


def test_what_is_to_be_removed_is_found_by_its_index() -> None:
    many_old(300, recipient="", content="")
    many_old(3)
    only_by_indexes()
    assert "smsoffice_removable" in removable(ago(days=90), whole=False).order_by("created_at", "pk")[:2].explain()


def test_what_was_passed_over_is_removed_later() -> None:
    waiting, over = old(State.WAITING), old()
    assert sum(purge(ago(days=90), whole=False)) == 1
    OutputSMSMessage.objects.filter(pk=waiting.pk).update(state=State.DELIVERED)
    before_all = message(State.DELIVERED, created_at=ago(days=800))
    assert sum(purge(ago(days=90), whole=False)) == 2
    assert {row(one).recipient for one in (waiting, over, before_all)} == {""}


def test_messages_of_the_same_instant_go_in_several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    moment = ago(days=365)
    stored = [message(State.DELIVERED, created_at=moment) for _n in range(5)]
    assert list(purge(ago(days=90), whole=False)) == [2, 2, 1]
    assert {row(one).recipient for one in stored} == {""}


# --- Rounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "ago_", "late"),
    [(60, 170, False), (60, 190, True), (1, 50, False), (1, 70, True), (300, 800, False), (300, 1000, True)],
)
def test_a_command_is_late_after_three_missed_rounds(interval: float, ago_: float, late: bool) -> None:
    note_round(CommandRun.Name.SEND, interval, "3 Sending")
    run = CommandRun.objects.get()
    assert run.is_late(run.finished_at + timedelta(seconds=ago_)) == late


def test_a_round_without_work_keeps_the_words_of_the_last_one() -> None:
    note_round(CommandRun.Name.CHECK, None, "3 Sending")
    note_round(CommandRun.Name.CHECK, None)
    run = CommandRun.objects.get()
    assert (run.said, run.interval) == ("3 Sending", 60)


def test_a_heartbeat_writes_work_at_once_and_mere_life_now_and_then(django_assert_num_queries: Any) -> None:
    heartbeat = Heartbeat(CommandRun.Name.SEND, 1)
    heartbeat()
    with django_assert_num_queries(0):
        heartbeat()
    heartbeat("3 SENDING")
    assert CommandRun.objects.get().said == "3 SENDING"
